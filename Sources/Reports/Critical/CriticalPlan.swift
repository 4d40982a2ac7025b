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
  /// Whether no budget is reached: everything is held until the end, and read.
  public let keepsEverything: Bool

  /// - Throws: `CountOverflow`
  init(_ kind: Kind, _ method: String, _ cache: StackCache, _ question: Question, full: ModelFootprint?) throws {
    (self.kind, self.method, self.cache) = (kind, method, cache)
    var own = question
    own.model.setCaches { _ in cache }
    text = ModelText.flow(cache) ?? "everything"
    problem = own.model.problems.first.map(\.description)
    footprint = problem == nil ? try ModelFootprint(own) : nil
    keepsEverything = kind != .full && footprint?.stored == full?.stored && footprint?.read == full?.read
  }
}

/// What a trained model is asked about each sequence of its data.
public struct CriticalTask: Sendable {
  /// Tokens at the end of a sequence that are to be found.
  public let answerLength: Int
  /// What is prefilled, and what is left for decode: the rest of what stands before the answer, and the answer.
  public let workload: Workload
  /// Whether answers do not follow from what stands before, as in a text: decode reads them, and their bits are counted.
  public let isText: Bool

  /// Tokens before the answer.
  public var promptLength: Int { workload.promptLength + workload.generatedLength - answerLength }

  /// Recall asks for one token, a passkey for its digits. Other data ask for nothing: the second half of a sequence is read
  /// on.
  ///
  /// The prefill reads the prompt without its last token, as in the code of PruLong: a method that evicts behind the
  /// prompt has done so when the answer's first token is chosen. In a hierarchy encoders take whole units, and no cache is
  /// read before the next unit of the top level is encoded; so the last whole unit of the top level, with what is open
  /// behind it, is left for decode. Where chunks are conditioned on restored units, the answer's may be on one of the top
  /// chunk before, and that on a latent one unit older: two units are left. A Transformer's unit is a token.
  init(_ training: TrainingSettings, of model: Model) {
    let task = training.data.recall.map { _ in 1 } ?? training.data.passkey?.digits
    isText = task == nil
    answerLength = task ?? training.context / 2
    let (unit, prompt) = (model.metaContextLength, training.context - answerLength)
    let left = model.levelCount > 1 && model.decoderInput.feedsReconstructions ? 2 : 1
    let read = max(prompt / unit - left, 0) * unit
    workload = Workload(promptLength: read, generatedLength: training.context - read)
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

  /// - Throws: `ScenarioError` where the scenario does not say what to try, or a model cannot be asked; `CountOverflow`.
  public init(_ scenario: Scenario) throws {
    guard let section = scenario.cacheQuality else {
      throw ScenarioError([
        scenario.diagnostic(
          "", Problem("cache_quality", "nobody says which caches to try", accepted: "a section cache_quality"))
      ])
    }
    quality = try QualityPlan(scenario)
    self.section = section
    func refuse(_ section: String, _ key: String, _ found: String, _ accepted: String) -> ScenarioError {
      ScenarioError([scenario.diagnostic(section, Problem(key, found, accepted: accepted))])
    }
    for run in quality.runs {
      let name = "\(run.variant.name) on \(run.dataset)"
      if run.model.generation == .recursive {
        throw refuse(
          "quality_sweep", "variants",
          "\(name) generates recursively: its lower encoders never read what decode is fed",
          "hierarchical generation")
      }
      if task(of: run).workload.promptLength == 0 {
        throw refuse(
          "quality_sweep", "data",
          "\(name) has too few whole units of \(run.model.metaContextLength) tokens before the answer",
          "a longer context")
      }
      if let wrong = try cases(of: run).first(where: { $0.kind == .budget && $0.problem != nil }) {
        throw refuse(
          "cache_quality", "methods",
          "\(wrong.method), \(wrong.text), with \(run.variant.name): \(wrong.problem ?? "")",
          "caches that every model of the quality sweep accepts")
      }
    }
  }

  /// Every run with the cases that its model accepts.
  /// - Throws: `CountOverflow`
  public func tasks() throws -> [(run: QualityRun, cases: [CriticalCase])] {
    try quality.runs.map { run in (run, try cases(of: run).filter { $0.problem == nil }) }
  }

  /// What the run's model is asked.
  public func task(of run: QualityRun) -> CriticalTask { CriticalTask(run.training, of: run.model) }

  /// Full attention first, then every method's budgets, its official and its scaled ones.
  /// - Throws: `CountOverflow`
  public func cases(of run: QualityRun) throws -> [CriticalCase] {
    var model = run.model
    model.setCaches { _ in .full }
    let question = Question(model, task(of: run).workload, run.scenario.grid.point(at: 0)!.question.precision)
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
  /// The share of right answers; of a text `1 − bits/unigram bits`, below 0 where frequencies alone say more.
  public let score: Double
  /// Bits per token of a text's second half, and what the frequencies of tokens alone give; nil elsewhere.
  public let bits: (model: Double, unigram: Double)?
  /// The processor that answered.
  public let machine: String

  /// The score is a share, the bits are per token.
  public init(
    _ run: QualityRun, kind: CriticalCase.Kind, method: String, text: String, score: Double,
    bits: (model: Double, unigram: Double)? = nil, machine: String
  ) {
    (self.run, self.kind, self.method, self.text) = (run, kind, method, text)
    (self.score, self.bits, self.machine) = (score, bits, machine)
  }
}
