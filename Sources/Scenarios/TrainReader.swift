import Architectures

/// Reads the `train` section.
enum TrainReader {
  static let sources = ["text", "tokens", "recall", "passkey", "zipf_markov"]

  /// - Returns: the settings if every key could be read; they may still have problems with a model.
  static func read(_ reader: FieldReader) -> TrainingSettings? {
    let before = reader.collector.diagnostics.count
    var settings = TrainingSettings()
    func read(
      _ key: TrainingSettings.CodingKeys, _ path: WritableKeyPath<TrainingSettings, Int>, _ range: ClosedRange<Int>
    ) {
      settings[keyPath: path] =
        reader.integer(key.rawValue, default: settings[keyPath: path], in: range) ?? settings[keyPath: path]
    }
    func read(
      _ key: TrainingSettings.CodingKeys, _ path: WritableKeyPath<TrainingSettings, Double>,
      _ range: ClosedRange<Double>
    ) {
      settings[keyPath: path] =
        reader.number(key.rawValue, default: settings[keyPath: path], in: range) ?? settings[keyPath: path]
    }
    reader.require("data", accepted: "one of " + sources.joined(separator: ", "))
    // What is no mapping at all is said by the reader itself.
    if let data = reader.mapping("data"), reader.value("data")?.entries != nil { settings.data = readSource(data) }
    read(.context, \.context, 2...Limits.metaContextLength)
    read(.batch, \.batch, 1...65536)
    read(.microBatches, \.microBatches, 1...65536)
    readSteps(reader, &settings)
    read(.learningRate, \.learningRate, 0...1000)
    settings.minimumLearningRate = settings.learningRate / 10
    read(.minimumLearningRate, \.minimumLearningRate, 0...1000)
    settings.warmup = min(100, settings.steps / 10)
    read(.warmup, \.warmup, 0...100_000_000)
    read(.weightDecay, \.weightDecay, 0...1000)
    read(.beta1, \.beta1, 0...0.999999)
    read(.beta2, \.beta2, 0...0.999999)
    read(.clip, \.clip, 1e-6...1e9)
    read(.reconstructionWeight, \.reconstructionWeight, 0...1e6)
    read(.contextWeight, \.contextWeight, 0...1e6)
    settings.dissimilarity = reader.choice("dissimilarity", default: .cosine) ?? .cosine
    settings.tokenTarget = reader.choice("token_target", default: TokenTarget.none) ?? .none
    settings.stopGradient = reader.boolean("stop_gradient", default: true) ?? true
    read(.seed, \.seed, 0...Int(Int32.max))
    read(.threads, \.threads, 1...1024)
    read(.evaluateEvery, \.evaluateEvery, 1...100_000_000)
    read(.evaluationSequences, \.evaluationSequences, 1...65536)
    read(.checkpointEvery, \.checkpointEvery, 1...100_000_000)
    reader.finish()
    return reader.collector.diagnostics.count == before ? settings : nil
  }

  /// `steps`, or `tokens`, which are rounded up to whole steps.
  private static func readSteps(_ reader: FieldReader, _ settings: inout TrainingSettings) {
    let limit = 1...100_000_000
    let hasTokens = reader.has("tokens")
    if reader.has("steps"), hasTokens {
      reader.report("tokens", "steps and tokens both say how long the run is", accepted: "one of them")
    }
    if hasTokens {
      guard let tokens = reader.integer("tokens", in: 1...Int(1e15)) else { return }
      settings.steps = (tokens + settings.tokensPerStep - 1) / settings.tokensPerStep
    } else {
      settings.steps = reader.integer("steps", default: settings.steps, in: limit) ?? settings.steps
    }
  }

  private static func readSource(_ reader: FieldReader) -> TrainingSource {
    var source = TrainingSource()
    let named = sources.filter(reader.has)
    if named.count != 1 {
      let found = named.isEmpty ? "no source of data" : "\(named.joined(separator: " and ")) are several sources"
      reader.collector.add(
        .init(
          reader.position, path: reader.path, found: found, accepted: "one of " + sources.joined(separator: ", ")))
    }
    source.text = readFiles(reader, "text")
    source.tokens = readFiles(reader, "tokens")
    let most = Limits.vocabulary
    if let task = reader.mapping("recall") {
      source.recall = RecallTask(
        keys: task.integer("keys", default: 32, in: 1...most) ?? 1,
        values: task.integer("values", default: 32, in: 1...most) ?? 1,
        pairs: task.integer("pairs", default: 8, in: 1...most) ?? 1)
      task.finish()
    }
    if let task = reader.mapping("passkey") {
      source.passkey = PasskeyTask(
        digits: task.integer("digits", default: 4, in: 1...1024) ?? 1,
        distance: task.integer("distance", default: 32, in: 0...Limits.metaContextLength) ?? 0,
        filler: task.integer("filler", default: 8, in: 1...most) ?? 1)
      task.finish()
    }
    if let task = reader.mapping("zipf_markov") {
      source.zipfMarkov = ZipfMarkovTask(
        symbols: task.integer("symbols", default: 64, in: 1...65536) ?? 1,
        successors: task.integer("successors", default: 16, in: 1...65536) ?? 1,
        exponent: task.number("exponent", default: 1, in: 0...100) ?? 1)
      task.finish()
    }
    let share = source.evaluationShare
    source.evaluationShare = reader.number("evaluation_share", default: share, in: 0...0.9) ?? share
    if reader.has("obtain") { source.obtain = reader.text("obtain") }
    reader.finish()
    return source
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
