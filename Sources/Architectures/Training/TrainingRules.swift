/// Where a number of a section is kept, and which values it may have.
public enum NumberField<Section>: Sendable {
  case integer(WritableKeyPath<Section, Int> & Sendable, ClosedRange<Int>)
  case decimal(WritableKeyPath<Section, Double> & Sendable, ClosedRange<Double>)

  func problem(_ key: String, _ section: Section) -> Problem? {
    switch self {
    case .integer(let path, let range):
      let value = section[keyPath: path]
      return range.contains(value) ? nil : Problem(key, "found \(value)", accepted: Problem.accepted(range))
    case .decimal(let path, let range):
      let value = section[keyPath: path]
      return range.contains(value) ? nil : Problem(key, "found \(value)", accepted: Problem.accepted(range))
    }
  }
}

extension TrainingSettings.CodingKeys {
  /// The numbers of the `train` section and their values, in a scenario and in a checkpoint; `nil` for other types.
  public var field: NumberField<TrainingSettings>? {
    switch self {
    case .data, .dissimilarity, .tokenTarget, .stopGradient: nil
    case .context: .integer(\.context, 2...Limits.metaContextLength)
    case .batch: .integer(\.batch, 1...65536)
    case .microBatches: .integer(\.microBatches, 1...65536)
    case .steps: .integer(\.steps, TrainingSettings.stepCounts)
    case .learningRate: .decimal(\.learningRate, 0...1000)
    case .minimumLearningRate: .decimal(\.minimumLearningRate, 0...1000)
    case .warmup: .integer(\.warmup, 0...100_000_000)
    case .weightDecay: .decimal(\.weightDecay, 0...1000)
    case .beta1: .decimal(\.beta1, 0...0.999999)
    case .beta2: .decimal(\.beta2, 0...0.999999)
    case .clip: .decimal(\.clip, 1e-6...1e9)
    case .reconstructionWeight: .decimal(\.reconstructionWeight, 0...1e6)
    case .contextWeight: .decimal(\.contextWeight, 0...1e6)
    case .seed: .integer(\.seed, 0...Int(Int32.max))
    case .threads: .integer(\.threads, 1...1024)
    case .evaluateEvery: .integer(\.evaluateEvery, 1...100_000_000)
    case .evaluationSequences: .integer(\.evaluationSequences, 1...65536)
    case .checkpointEvery: .integer(\.checkpointEvery, 1...100_000_000)
    }
  }
}

extension TrainingSettings {
  /// How many steps a run may have.
  public static let stepCounts = 1...100_000_000
}

extension RecallTask {
  /// The keys of the task and what each accepts.
  public static let fields: [(key: String, field: NumberField<Self>)] = [
    ("keys", .integer(\.keys, 1...Limits.vocabulary)), ("values", .integer(\.values, 1...Limits.vocabulary)),
    ("pairs", .integer(\.pairs, 1...Limits.vocabulary)),
  ]
}

extension PasskeyTask {
  /// The keys of the task and what each accepts.
  public static let fields: [(key: String, field: NumberField<Self>)] = [
    ("digits", .integer(\.digits, 1...1024)), ("distance", .integer(\.distance, 0...Limits.metaContextLength)),
    ("filler", .integer(\.filler, 1...Limits.vocabulary)),
  ]
}

extension ZipfMarkovTask {
  /// The keys of the task and what each accepts.
  public static let fields: [(key: String, field: NumberField<Self>)] = [
    ("symbols", .integer(\.symbols, 1...65536)), ("successors", .integer(\.successors, 1...65536)),
    ("exponent", .decimal(\.exponent, 0...100)),
  ]
}

extension TrainingSettings {
  /// Everything that keeps a model from being trained like this, under the keys of the `train` section.
  public func problems(for model: Model) -> [Problem] {
    // The rules below divide by what the ranges keep from being 0.
    let outside = CodingKeys.allCases.compactMap { $0.field?.problem($0.rawValue, self) } + data.problemsOfRange
    guard outside.isEmpty else { return outside }
    guard model.isPlain else {
      return [
        Problem(
          "", "a model whose layers or ends are not Llama's, which has no gradients here",
          accepted: "a model without the keys of styles")
      ]
    }
    var problems = data.problems(context: context, vocabulary: model.vocabulary)
    if context % model.metaContextLength != 0 {
      problems.append(
        Problem(
          "context", "\(context) tokens are no whole number of meta-contexts of \(model.metaContextLength)",
          accepted: "a multiple of \(model.metaContextLength)"))
    }
    if batch % microBatches != 0 {
      problems.append(
        Problem(
          "micro_batches", "\(microBatches) parts do not divide a batch of \(batch)", accepted: "a divisor of \(batch)")
      )
    }
    if minimumLearningRate > learningRate {
      problems.append(
        Problem(
          "minimum_learning_rate", "\(minimumLearningRate) is above the learning rate",
          accepted: "at most \(learningRate)"))
    }
    if warmup >= steps {
      problems.append(
        Problem("warmup", "\(warmup) steps of \(steps)", accepted: "fewer than the \(steps) steps of the run"))
    }
    return problems
  }
}

extension TrainingSource {
  /// The keys that name a source, of which a run has one.
  public static let sources = [CodingKeys.text, .tokens, .recall, .passkey, .zipfMarkov].map(\.rawValue)

  /// - Parameter named: the keys of sources that are given.
  /// - Returns: what is wrong with their number, under no key.
  public static func problem(named: [String]) -> Problem? {
    guard named.count != 1 else { return nil }
    let found = named.isEmpty ? "no source of data" : "\(named.joined(separator: " and ")) are several sources"
    return Problem("", found, accepted: "one of " + sources.joined(separator: ", "))
  }

  /// Accepted values of `evaluation_share`.
  public static let evaluationShares = NumberField<Self>.decimal(\.evaluationShare, 0...0.9)

  fileprivate var problemsOfRange: [Problem] {
    let given = [text != nil, tokens != nil, recall != nil, passkey != nil, zipfMarkov != nil]
    var problems: [Problem] = []
    if var problem = Self.problem(named: zip(Self.sources, given).filter(\.1).map(\.0)) {
      problem.key = "data"
      problems.append(problem)
    }
    for (key, files) in [("text", text), ("tokens", tokens)] where files == [] {
      problems.append(Problem("data.\(key)", "found an empty list", accepted: "at least one file"))
    }
    func check<Task>(_ key: String, _ task: Task?, _ fields: [(key: String, field: NumberField<Task>)]) {
      guard let task else { return }
      problems += fields.compactMap { $0.field.problem("data.\(key).\($0.key)", task) }
    }
    check("recall", recall, RecallTask.fields)
    check("passkey", passkey, PasskeyTask.fields)
    check("zipf_markov", zipfMarkov, ZipfMarkovTask.fields)
    return problems + [Self.evaluationShares.problem("data.evaluation_share", self)].compactMap(\.self)
  }

  fileprivate func problems(context: Int, vocabulary: Int) -> [Problem] {
    var problems: [Problem] = []
    func check(_ key: String, _ found: String, _ accepted: String, unless isFine: Bool) {
      if !isFine { problems.append(Problem("data.\(key)", found, accepted: accepted)) }
    }
    func checkVocabulary(_ key: String, _ needed: Int) {
      check(
        key, "needs \(needed) different tokens, and the model's vocabulary is \(vocabulary)",
        "a vocabulary of at least \(needed)", unless: vocabulary >= needed)
    }
    if text != nil { checkVocabulary("text", 257) }
    if let recall {
      check(
        "recall.pairs", "\(recall.pairs) pairs of \(recall.keys) keys", "at most as many pairs as keys",
        unless: recall.pairs <= recall.keys)
      check(
        "recall.pairs", "\(recall.pairs) pairs in a context of \(context)",
        "an even context that leaves room to ask", unless: context % 2 == 0 && 2 * recall.pairs < context)
      checkVocabulary("recall", recall.keys + recall.values)
    }
    if let passkey {
      let needed = 2 * passkey.digits + passkey.distance + 2
      check(
        "passkey.distance", "the task takes \(needed) tokens of a context of \(context)", "at most the context",
        unless: needed <= context)
      checkVocabulary("passkey", passkey.filler + 12)
    }
    if let zipfMarkov {
      check(
        "zipf_markov.successors", "\(zipfMarkov.successors) successors among \(zipfMarkov.symbols) symbols",
        "at most as many successors as symbols", unless: zipfMarkov.successors <= zipfMarkov.symbols)
      checkVocabulary("zipf_markov", zipfMarkov.symbols)
    }
    return problems
  }
}
