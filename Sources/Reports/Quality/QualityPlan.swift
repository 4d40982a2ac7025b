import Architectures
import Formulas
import Scenarios

/// One model to train on one dataset from one seed.
public struct QualityRun: Sendable {
  /// The name of what is learnt.
  public let dataset: String
  /// The model and how it is trained.
  public let variant: QualitySweep.Variant
  /// Of weights and of the data's order.
  public let seed: Int
  /// The sweep's scenario with everything that is different in this run.
  public let scenario: Scenario
  /// What is trained.
  public let model: Model
  /// With the steps that the plan gives it.
  public let training: TrainingSettings
  /// Arithmetic of the whole training, forward and backward, by `TrainingCost`.
  /// - Unit: FLOP
  public let trainingFlops: Int128
  /// `key=value` arguments that make `photon train` take this run from the sweep's scenario.
  public let arguments: [String]

  /// Read in the whole training, repetitions included.
  public var tokens: Int { training.steps * training.tokensPerStep }

  /// A name for a folder, different for runs that train differently.
  public var folderName: String {
    let words = "\(dataset) \(variant.name)".lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    return words.joined(separator: "-").prefix(80) + ".seed-\(seed).\(scenario.fingerprint.prefix(8))"
  }
}

/// Every run of a quality sweep, one seed after another, so that a sweep that is stopped has seen every model.
///
/// The scenario's own model and steps set a budget of training FLOP for each dataset, and every variant takes as many
/// steps as come nearest to it; one with `tokensOf` takes the steps of that variant instead.
public struct QualityPlan: Sendable {
  /// With the quality sweep.
  public let scenario: Scenario
  /// The scenario's section.
  public let sweep: QualitySweep
  /// In the order in which they are trained.
  public let runs: [QualityRun]
  /// Per dataset.
  /// - Unit: FLOP
  public let budgets: [String: Int128]

  /// - Throws: `ScenarioError` where a run is no valid scenario, `CountOverflow`.
  /// - Precondition: the scenario has a quality sweep.
  public init(_ scenario: Scenario) throws {
    self.scenario = scenario
    sweep = scenario.qualitySweep!
    var runs: [QualityRun] = []
    var budgets: [String: Int128] = [:]
    for seed in sweep.seeds {
      for dataset in sweep.datasets {
        let base = try Subject(scenario.varied(by: dataset.settings))
        let budget = try base.flopsPerStep() * Int128(base.training.steps)
        budgets[dataset.name] = budget
        for name in dataset.variants {
          let steps = try Self.steps(of: name, dataset, budget, scenario)
          let variant = sweep.variant(name)!
          let run = [QualitySweep.Setting("train.steps", steps), .init("train.seed", seed)]
          let settings = dataset.settings + variant.settings + run
          try Self.check(variant, scenario)
          let subject = try Subject(scenario, settings, of: variant)
          runs.append(
            QualityRun(
              dataset: dataset.name, variant: variant, seed: seed, scenario: subject.scenario, model: subject.model,
              training: subject.training, trainingFlops: try subject.flopsPerStep() * Int128(steps),
              arguments: settings.map(\.argument)))
        }
      }
    }
    (self.runs, self.budgets) = (runs, budgets)
    try check()
  }

  /// - Throws: `ScenarioError` where nothing is generated, or two variants are the same run.
  private func check() throws(ScenarioError) {
    if runs.contains(where: { $0.scenario.grid.point(at: 0)?.workload.generatedLength == 0 }) {
      let problem = Problem("generate", "nothing is generated, so a token has no cost", accepted: "at least 1")
      throw ScenarioError([scenario.diagnostic("workload", problem)])
    }
    let folders = Dictionary(grouping: runs, by: \.folderName)
    if let twins = runs.lazy.compactMap({ folders[$0.folderName] }).first(where: { $0.count > 1 }) {
      let names = twins.map(\.variant.name).joined(separator: " and ")
      let problem = Problem("variants", "\(names) are the same run", accepted: "variants that differ")
      throw ScenarioError([scenario.diagnostic("quality_sweep", problem)])
    }
  }

  /// Steps follow from the budget.
  private static func check(_ variant: QualitySweep.Variant, _ scenario: Scenario) throws(ScenarioError) {
    guard variant.settings.contains(where: { ["train.steps", "train.tokens"].contains($0.key) }) else { return }
    let problem = Problem(
      "variants", "\(variant.name) sets its own steps", accepted: "none: they follow from the training FLOP")
    throw ScenarioError([scenario.diagnostic("quality_sweep", problem)])
  }

  private static func steps(
    of name: String, _ dataset: QualitySweep.Dataset, _ budget: Int128, _ scenario: Scenario
  ) throws -> Int {
    let variant = scenario.qualitySweep!.variant(name)!
    let subject = try Subject(scenario, dataset.settings + variant.settings, of: variant)
    if let other = variant.tokensOf {
      let otherVariant = scenario.qualitySweep!.variant(other)!
      let otherSubject = try Subject(scenario, dataset.settings + otherVariant.settings, of: otherVariant)
      let tokens = try steps(of: other, dataset, budget, scenario) * otherSubject.training.tokensPerStep
      return max(1, (tokens + subject.training.tokensPerStep / 2) / subject.training.tokensPerStep)
    }
    let cost = try subject.flopsPerStep()
    return Int(max(1, (budget + cost / 2) / cost))
  }

  /// A scenario that trains one model.
  private struct Subject {
    let scenario: Scenario
    let model: Model
    let training: TrainingSettings

    /// - Throws: `ScenarioError`, which says which variant it is about.
    init(
      _ scenario: Scenario, _ settings: [QualitySweep.Setting], of variant: QualitySweep.Variant
    ) throws(ScenarioError) {
      do {
        try self.init(scenario.varied(by: settings))
      } catch {
        throw ScenarioError(
          error.diagnostics.map { diagnostic in
            var named = diagnostic
            named.found += " (in the variant \(variant.name))"
            return named
          })
      }
    }

    /// - Throws: `ScenarioError`
    init(_ scenario: Scenario) throws(ScenarioError) {
      guard let training = scenario.train else {
        throw ScenarioError([
          scenario.diagnostic("", Problem("quality_sweep", "nobody says how to train", accepted: "a section train"))
        ])
      }
      guard scenario.grid.count == 1, let model = scenario.grid.models[0]?.model else {
        throw ScenarioError([
          scenario.diagnostic(
            "", Problem("model", "\(scenario.grid.count) points where one is trained", accepted: "one model"))
        ])
      }
      (self.scenario, self.training, self.model) = (scenario, training, model)
    }

    func flopsPerStep() throws(CountOverflow) -> Int128 { try TrainingCost(model, training).flops }
  }
}
