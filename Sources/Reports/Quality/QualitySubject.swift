import Architectures
import Formulas
import GSL
import Hardware
import Quantities
import Scenarios

/// What a model costs while it generates, per emitted token.
public struct DecodeCost: Sendable {
  /// Keys and values read from persistent caches, which grow with the context.
  /// - Unit: byte
  public let persistentBytes: Double
  /// Keys and values read from the windows of local decoders, at most R + C − 1 entries a level.
  /// - Unit: byte
  public let windowBytes: Double
  /// Matrix products and element-wise work.
  /// - Unit: FLOP
  public let flops: Double
  /// Between two tokens of one sequence.
  /// - Unit: s
  public let time: Double

  /// Keys and values read, wherever they lie.
  /// - Unit: byte
  public var cacheBytes: Double { persistentBytes + windowBytes }

  /// - Throws: `HardwareError`, `CountOverflow`
  /// - Precondition: something is generated.
  init(_ point: ScenarioPoint, on profile: HardwareProfile, _ pricer: inout Pricer) throws {
    let summary = try PointSummary(point, on: profile, &pricer)
    let workload = point.workload
    let tokens = Double(workload.batchSize * workload.generatedLength * workload.continuations)
    let decode = summary.totals.decode
    persistentBytes = Double(decode.cacheReadBits) / 8 / tokens
    windowBytes = Double(decode.localReadBits) / 8 / tokens
    flops = Double(decode.matmulFlops + decode.elementwiseFlops) / tokens
    time = summary.serving.figures.timePerOutputToken!.value
  }
}

/// One variant of a sweep on one dataset, over its seeds.
struct QualityOutcome: ModelBearing {
  /// Less than this share below the unigram entropy, a model has learnt how frequent tokens are and nothing else.
  private static let leastGain = 0.02

  var model: Model { run.model }
  let variant: QualitySweep.Variant
  /// At least one, by seed.
  let results: [QualityResult]
  let cost: DecodeCost
  /// As the model generates recursively; nil where it cannot.
  let recursiveCost: DecodeCost?
  /// As the model is, at prompts that are so many times longer.
  let longer: [(factor: Int, cost: DecodeCost)]
  let parameterCount: Int128

  var run: QualityRun { results[0].run }
  var name: String { variant.name }
  var mean: Double { Statistics.mean(results.map(\.bits)) }
  /// Largest − smallest over the seeds.
  var range: Double { results.map(\.bits).max()! - results.map(\.bits).min()! }
  var isMatchedByFlops: Bool { variant.tokensOf == nil }
  var hasLearnt: Bool { mean < (1 - Self.leastGain) * results[0].unigramBits }

  /// The mean over seeds of what every result has.
  func mean(_ figure: (QualityResult) -> Double?) -> Double? {
    let values = results.compactMap(figure)
    return values.isEmpty ? nil : Statistics.mean(values)
  }
}

/// Everything that a report about a quality sweep reads.
public struct QualitySubject {
  let plan: QualityPlan
  let profile: HardwareProfile
  let command: String
  /// The journal as the report names it.
  let journal: String
  let results: [QualityResult]
  /// Per dataset in the order of the sweep, variants in theirs; those without a result are left out.
  let groups: [(dataset: String, outcomes: [QualityOutcome])]

  /// - Throws: `HardwareError`, `CountOverflow`
  /// - Precondition: a result on the sweep's first dataset.
  public init(
    _ plan: QualityPlan, _ results: [QualityResult], on profile: HardwareProfile, command: String, journal: String
  ) throws {
    (self.plan, self.results, self.profile) = (plan, results, profile)
    (self.command, self.journal) = (command, journal)
    var pricer = Pricer()
    groups = try plan.sweep.datasets.map { dataset in
      let outcomes = try dataset.variants.compactMap { name -> QualityOutcome? in
        let own = results.filter { $0.run.dataset == dataset.name && $0.run.variant.name == name }
        guard let run = own.first?.run, let point = run.scenario.grid.point(at: 0) else { return nil }
        var recursive: ScenarioPoint?
        if run.model.generations.contains(.recursive) {
          recursive = point
          recursive?.question.model.generation = .recursive
        }
        let longer = try Self.longerPrompts.map { factor in
          var long = point
          long.question.workload.promptLength *= factor
          return (factor, try DecodeCost(long, on: profile, &pricer))
        }
        return QualityOutcome(
          variant: run.variant, results: own, cost: try DecodeCost(point, on: profile, &pricer),
          recursiveCost: try recursive.map { try DecodeCost($0, on: profile, &pricer) }, longer: longer,
          parameterCount: parameters(of: run.model).total)
      }
      return (dataset.name, outcomes)
    }.filter { !$0.outcomes.isEmpty }
  }

  private static let longerPrompts = [16, 256]

  var workload: Workload { plan.runs[0].scenario.grid.point(at: 0)!.workload }

  /// The dataset that models are chosen by: the sweep's first.
  var main: (dataset: String, outcomes: [QualityOutcome]) { groups[0] }

  /// What is compared with: the variant without a factor, else the first.
  func centre(_ outcomes: [QualityOutcome]) -> QualityOutcome {
    outcomes.first { $0.variant.factor == nil } ?? outcomes[0]
  }

  /// A model that has learnt nothing does so from every seed, and says nothing of the others' spread.
  func spread(_ outcomes: [QualityOutcome]) -> SeedSpread {
    SeedSpread(outcomes.filter(\.hasLearnt).map { $0.results.map(\.bits) })
  }

  /// `bits per byte` where tokens are bytes.
  func unit(_ outcomes: [QualityOutcome]) -> String {
    outcomes[0].run.training.data.isText ? "bits per byte" : "bits per token"
  }

  /// Those with the same training FLOP, and which of them stand on the front of a cost.
  func front(
    _ outcomes: [QualityOutcome], by cost: (DecodeCost) -> Double
  ) -> (rivals: [QualityOutcome], front: ParetoFront) {
    let rivals = outcomes.filter(\.isMatchedByFlops)
    let front = ParetoFront(
      costs: rivals.map { cost($0.cost) }, means: rivals.map(\.mean), counts: rivals.map(\.results.count),
      spread: spread(outcomes))
    return (rivals, front)
  }
}
