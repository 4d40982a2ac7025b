import Architectures
import Formulas
import Scenarios

/// One way of keeping a trained model's caches while it answers.
public struct CriticalCase: Sendable {
  /// Where the caches come from.
  public enum Kind: String, Codable, Sendable {
    /// Everything is kept: what the others are compared with.
    case full
    /// One of a method's budgets; a point of its curve.
    case budget
    /// As the method's authors run it, for contexts far longer than these.
    case official
    /// The same with every length multiplied by T/131072.
    case scaled
  }

  /// Where the caches come from.
  public let kind: Kind
  /// The method's name; `full` where everything is kept.
  public let method: String
  /// The caches on one line.
  public let text: String
  /// Of the stack over the tokens, or of every encoder.
  public let cache: StackCache
  /// In token time and in bytes; nil where the model does not accept the caches.
  public let footprint: ModelFootprint?
  /// Why it does not.
  public let problem: String?
  /// Whether no budget is reached: everything is held until the end.
  public let keepsEverything: Bool

  /// - Throws: `CountOverflow`
  init(_ kind: Kind, _ method: String, _ cache: StackCache, _ question: Question, full: ModelFootprint?) throws {
    (self.kind, self.method, self.cache) = (kind, method, cache)
    var own = question
    own.model.setCaches { _ in cache }
    text = ModelText.flow(cache) ?? "everything"
    problem = own.model.problems.first.map(\.description)
    footprint = problem == nil ? try ModelFootprint(own) : nil
    keepsEverything = kind != .full && footprint?.stored == full?.stored
  }
}

/// What is tried on the models of a quality sweep, and on which questions.
public struct CriticalPlan: Sendable {
  /// The context that official budgets are made for: that of PruLong's evaluation.
  public static let officialContext = 131_072
  /// A full model that finds less has not learnt the task.
  public static let solved = 0.95
  /// `𝓕` of the critical footprint.
  public static let fraction = 0.9

  /// What is trained.
  public let quality: QualityPlan
  /// What is tried.
  public let section: CacheQuality

  /// - Throws: `ScenarioError` where the scenario does not say what to try, or a run has no answers; `CountOverflow`.
  public init(_ scenario: Scenario) throws {
    guard let section = scenario.cacheQuality else {
      throw ScenarioError([
        scenario.diagnostic(
          "", Problem("cache_quality", "nobody says which caches to try", accepted: "a section cache_quality"))
      ])
    }
    quality = try QualityPlan(scenario)
    self.section = section
    for run in quality.runs where Self.answerLength(run.training) == nil {
      throw ScenarioError([
        scenario.diagnostic(
          "quality_sweep", Problem("data", "\(run.dataset) has no answers", accepted: "recall or passkey"))
      ])
    }
    for run in quality.runs {
      if let wrong = try cases(of: run).first(where: { $0.kind == .budget && $0.problem != nil }) {
        throw ScenarioError([
          scenario.diagnostic(
            "cache_quality",
            Problem(
              "methods", "\(wrong.method), \(wrong.text), with \(run.variant.name): \(wrong.problem ?? "")",
              accepted: "caches that every model of the quality sweep accepts"))
        ])
      }
    }
  }

  /// Tokens at the end of a sequence that follow from what stands before and are generated; nil: the data have none.
  public static func answerLength(_ training: TrainingSettings) -> Int? {
    if training.data.recall != nil { return 1 }
    return training.data.passkey?.digits
  }

  /// A sequence of the run's task, everything before the answer as its prompt.
  public func workload(of run: QualityRun) -> Workload {
    let answer = Self.answerLength(run.training) ?? 1
    return Workload(promptLength: run.training.context - answer, generatedLength: answer)
  }

  /// Full attention first, then every method's budgets, its official and its scaled ones.
  /// - Throws: `CountOverflow`
  public func cases(of run: QualityRun) throws -> [CriticalCase] {
    var model = run.model
    model.setCaches { _ in .full }
    let question = Question(model, workload(of: run), run.scenario.grid.point(at: 0)!.question.precision)
    let full = try CriticalCase(.full, "full", .full, question, full: nil)
    func make(_ kind: CriticalCase.Kind, _ name: String, _ cache: StackCache) throws -> CriticalCase {
      try CriticalCase(kind, name, cache, question, full: full.footprint)
    }
    let ratio = Double(run.training.context) / Double(Self.officialContext)
    return try [full]
      + section.methods.flatMap { method in
        try method.budgets.map { try make(.budget, method.name, $0) }
          + [
            method.official.map { try make(.official, method.name, $0) },
            method.official?.scaled(by: ratio).map { try make(.scaled, method.name, $0) },
          ].compactMap(\.self)
      }
  }
}

/// How a trained model answered with its caches kept in one way.
public struct CriticalResult: Sendable {
  /// The model.
  public let run: QualityRun
  /// Whether everything, a budget, or the authors' settings.
  public let kind: CriticalCase.Kind
  /// The method's name.
  public let method: String
  /// The caches on one line.
  public let text: String
  /// Sequences with a right answer.
  public let found: Int
  /// Sequences.
  public let asked: Int
  /// The processor that answered.
  public let machine: String

  /// Of `asked` sequences `found` were answered rightly.
  public init(
    _ run: QualityRun, kind: CriticalCase.Kind, method: String, text: String, found: Int, asked: Int, machine: String
  ) {
    (self.run, self.kind, self.method, self.text) = (run, kind, method, text)
    (self.found, self.asked, self.machine) = (found, asked, machine)
  }

  /// The share of right answers.
  public var score: Double { Double(found) / Double(asked) }
}
