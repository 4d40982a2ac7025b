import Architectures

/// Reads the `train` section.
enum TrainReader {
  /// - Returns: the settings if every key could be read; they may still have problems with a model.
  static func read(_ reader: FieldReader) -> TrainingSettings? {
    let before = reader.collector.diagnostics.count
    var settings = TrainingSettings()
    func read(_ keys: TrainingSettings.CodingKeys...) {
      for key in keys { if let field = key.field { reader.read(key.rawValue, field, into: &settings) } }
    }
    reader.require("data", accepted: "one of " + TrainingSource.sources.joined(separator: ", "))
    // What is no mapping at all is said by the reader itself.
    if let data = reader.mapping("data"), reader.value("data")?.entries != nil { settings.data = readSource(data) }
    read(.context, .batch, .microBatches)
    readSteps(reader, &settings)
    read(.learningRate)
    settings.minimumLearningRate = settings.learningRate / 10
    read(.minimumLearningRate)
    settings.warmup = min(100, settings.steps / 10)
    read(.warmup, .weightDecay, .beta1, .beta2, .clip, .reconstructionWeight, .contextWeight)
    settings.dissimilarity = reader.choice("dissimilarity", default: .cosine) ?? .cosine
    settings.tokenTarget = reader.choice("token_target", default: TokenTarget.none) ?? .none
    settings.stopGradient = reader.boolean("stop_gradient", default: true) ?? true
    read(.seed, .threads, .evaluateEvery, .evaluationSequences, .checkpointEvery)
    reader.finish()
    return reader.collector.diagnostics.count == before ? settings : nil
  }

  /// `steps`, or `tokens`, which are rounded up to whole steps.
  private static func readSteps(_ reader: FieldReader, _ settings: inout TrainingSettings) {
    let limit = TrainingSettings.stepCounts
    let hasTokens = reader.has("tokens")
    if reader.has("steps"), hasTokens {
      reader.report("tokens", "steps and tokens both say how long the run is", accepted: "one of them")
    }
    if hasTokens {
      guard let tokens = reader.integer("tokens", in: 1...Int(1e15)) else { return }
      let steps = (tokens + settings.tokensPerStep - 1) / settings.tokensPerStep
      guard limit.contains(steps) else {
        let accepted = "at most \(limit.upperBound) steps"
        return reader.report("tokens", "\(tokens) tokens are \(steps) steps", accepted: accepted)
      }
      settings.steps = steps
    } else {
      settings.steps = reader.integer("steps", default: settings.steps, in: limit) ?? settings.steps
    }
  }

  private static func readSource(_ reader: FieldReader) -> TrainingSource {
    var source = TrainingSource()
    if let problem = TrainingSource.problem(named: TrainingSource.sources.filter(reader.has)) {
      reader.collector.add(
        .init(reader.position, path: reader.path, found: problem.found, accepted: problem.accepted))
    }
    source.text = readFiles(reader, "text")
    source.tokens = readFiles(reader, "tokens")
    source.recall = readTask(reader, "recall", RecallTask(), RecallTask.fields)
    source.passkey = readTask(reader, "passkey", PasskeyTask(), PasskeyTask.fields)
    source.zipfMarkov = readTask(reader, "zipf_markov", ZipfMarkovTask(), ZipfMarkovTask.fields)
    reader.read("evaluation_share", TrainingSource.evaluationShares, into: &source)
    if reader.has("obtain") { source.obtain = reader.text("obtain") }
    reader.finish()
    return source
  }

  private static func readTask<Task>(
    _ reader: FieldReader, _ key: String, _ task: Task, _ fields: [(key: String, field: NumberField<Task>)]
  ) -> Task? {
    guard let reader = reader.mapping(key) else { return nil }
    var task = task
    for (key, field) in fields { reader.read(key, field, into: &task) }
    reader.finish()
    return task
  }

  private static func readFiles(_ reader: FieldReader, _ key: String) -> [String]? {
    guard reader.has(key), let files = reader.list(key) else { return nil }
    if files.isEmpty { reader.report(key, "found an empty list", accepted: "at least one file") }
    return files.enumerated().compactMap { index, value in
      if let name = value.scalar, !name.isEmpty { return name }
      reader.collector.add(
        .init(
          value.position, path: "\(reader.path(of: key))[\(index + 1)]", found: "found \(value.summary)",
          accepted: "a file, relative to the scenario"))
      return nil
    }
  }
}
