/// What makes a model or a workload impossible, with the key a person would change.
public struct Problem: Hashable, Sendable, CustomStringConvertible {
  /// As in a scenario, levels counted from 1: `levels[2].chunk`.
  public var key: String
  /// What stands there, in words.
  public var found: String
  /// What could stand there, in words.
  public var accepted: String

  public init(_ key: String, _ found: String, accepted: String) {
    self.key = key
    self.found = found
    self.accepted = accepted
  }

  public var description: String { "\(key): \(found); accepted: \(accepted)" }

  /// What a key that takes integers accepts.
  public static func accepted(_ range: ClosedRange<Int>) -> String {
    "an integer from \(range.lowerBound) to \(range.upperBound)"
  }

  /// What a key that takes numbers accepts.
  public static func accepted(_ range: ClosedRange<Double>) -> String {
    /// `0` and `1000` rather than `0.0` and `1000.0`.
    func short(_ number: Double) -> String {
      abs(number) < 1e9 ? Int(exactly: number).map(String.init) ?? "\(number)" : "\(number)"
    }
    return "a number from \(short(range.lowerBound)) to \(short(range.upperBound))"
  }
}

/// The largest values of every key.
///
/// They are far above any model that exists and low enough that no exact count of one scenario point leaves `Int128`:
/// the largest term, cache read bits, is at most 2^(1 + 5 + 17 + 12 + 55 + 32) of entries × bits × width × layers ×
/// pairs × sequences for each of at most 17 stacks.
public enum Limits {
  /// `V`
  public static let vocabulary = 1 << 24
  /// `D` of any level.
  public static let width = 1 << 17
  /// Query heads of a layer.
  public static let heads = 1 << 12
  /// Features of a head.
  public static let headWidth = 1 << 12
  /// `F`
  public static let feedForward = 1 << 20
  /// Layers of one stack.
  public static let layers = 1 << 12
  /// `L`
  public static let levels = 16
  /// `C_l`
  public static let chunkLength = 1 << 12
  /// `R_l`
  public static let conditionLength = 1 << 12
  /// `B`, the product of all chunk lengths.
  public static let metaContextLength = 1 << 20
  /// `P`
  public static let promptLength = 1 << 27
  /// `G`
  public static let generatedLength = 1 << 27
  /// Prompts that run together.
  public static let batchSize = 1 << 20
  /// `K`
  public static let continuations = 1 << 12
  /// What embeddings and halves of layers are multiplied by, and logits divided by.
  public static let scales = 1e-6...1e6
  /// What scores and logits are held below; 0 for nothing.
  public static let caps = 0.0...1e6
}

extension Model {
  /// Everything that keeps the model from being built, in the order of a scenario's keys; empty for a sound one.
  public var problems: [Problem] {
    var problems: [Problem] = []
    check(&problems, "vocabulary", vocabulary, 1...Limits.vocabulary)
    problems += layer.problems(prefix: "")
    switch payload {
    case .vanilla(let layers): check(&problems, "layers", layers, 1...Limits.layers)
    case .block, .photon: problems += levelProblems
    }
    problems += readingProblems
    check(&problems, "embedding_width", ends.embeddingWidth, 0...Limits.width)
    check(&problems, "learned_positions", ends.learnedPositions, 0...Limits.promptLength)
    if problems.isEmpty { problems += styleProblems }
    // A stack that cannot be built has no heads to speak of.
    return problems.isEmpty ? cacheProblems : problems
  }

  private var cacheProblems: [Problem] {
    caches.indices.flatMap { level -> [Problem] in
      let shape = layer(at: level)
      let layers = level == 0 ? layers : levels[level].encoderLayers
      // Encoders of a meta-context whose chunks run side by side add all of its units in one pass.
      let mostRows = level == 0 ? 1 : metaContextLength / metaContextLength(upTo: level)
      return caches[level].problems(layers: layers, shape, mostRows: mostRows).map { problem in
        var placed = problem
        placed.key = (level == 0 ? "" : "levels[\(level)].") + "cache.\(problem.key)"
        return placed
      }
    }
  }

  private var levelProblems: [Problem] {
    let counts = family.levelCounts
    if !counts.contains(levels.count) {
      return [
        counts.count == 1
          ? .init("levels", "a \(family.rawValue) model with \(levels.count) levels", accepted: "exactly one level")
          : .init("levels", "\(levels.count) levels", accepted: "1 to \(counts.upperBound) levels")
      ]
    }
    var problems: [Problem] = []
    var metaContext = 1
    for (number, level) in zip(levels.indices, levels) {
      let prefix = "levels[\(number)]."
      check(&problems, prefix + "chunk", level.chunkLength, 1...Limits.chunkLength)
      check(&problems, prefix + "condition", level.conditionLength, 1...Limits.conditionLength)
      check(&problems, prefix + "encoder_layers", level.encoderLayers, 1...Limits.layers)
      check(&problems, prefix + "decoder_layers", level.decoderLayers, 1...Limits.layers)
      // An inherited dimension is reported once, at the model section.
      if level.layer != layer { problems += level.layer.problems(prefix: prefix) }
      guard (1...Limits.chunkLength).contains(level.chunkLength) else { continue }
      problems += concatenationProblems(level, number, prefix)
      metaContext *= level.chunkLength
      if metaContext > Limits.metaContextLength {
        problems.append(
          .init(
            prefix + "chunk", "the chunk lengths multiply to \(metaContext) tokens",
            accepted: "a product of at most \(Limits.metaContextLength)"))
        break
      }
    }
    return problems
  }

  private func concatenationProblems(_ level: LevelShape, _ number: Int, _ prefix: String) -> [Problem] {
    let width = level.layer.width
    // What is no width is said of the width.
    guard level.chunker == .concatenation, (1...Limits.width).contains(width) else { return [] }
    if number == 1 {
      guard width % level.chunkLength != 0 else { return [] }
      let divisors = neighbours(of: level.chunkLength, dividing: width)
      return [
        .init(
          prefix + "chunk",
          "\(level.chunkLength) does not divide the width \(width), which is concatenated from chunks",
          accepted: "a divisor of \(width)\(divisors), or chunker: linear")
      ]
    }
    let below = layer(at: number - 1).width
    guard below.multipliedReportingOverflow(by: level.chunkLength) != (width, false) else { return [] }
    return [
      .init(
        prefix + "chunker",
        "concatenation of \(level.chunkLength) vectors of width \(below) does not give width \(width)",
        accepted: "chunk · width of the level below = width, or chunker: linear")
    ]
  }

  private var readingProblems: [Problem] { problem(generating: generation).map { [$0] } ?? [] }

  /// What keeps the model from generating in a way; nil where it can.
  public func problem(generating mode: Generation) -> Problem? {
    guard !generations.contains(mode) else { return nil }
    return family.hasReadings
      ? Problem(
        "generation", "recursive generation with \(levels.count) level", accepted: "hierarchical, or at least 2 levels")
      : Problem("generation", "a \(family.rawValue) model has one way to generate", accepted: "a photon model")
  }
}

extension LayerShape {
  /// What is wrong with the dimensions; `prefix` is the path of the section they stand in.
  public func problems(prefix: String) -> [Problem] {
    var problems: [Problem] = []
    check(&problems, prefix + "width", width, 1...Limits.width)
    check(&problems, prefix + "heads", heads, 1...Limits.heads)
    // Their default is `heads`: what is wrong with those is said once.
    if keyValueHeads != heads { check(&problems, prefix + "key_value_heads", keyValueHeads, 1...Limits.heads) }
    check(&problems, prefix + "feed_forward", feedForward, 1...Limits.feedForward)
    guard problems.isEmpty else { return problems }
    // None was given.
    if headWidth == 0, width % heads != 0 {
      problems.append(
        .init(
          prefix + "heads", "\(heads) heads do not divide the width \(width)",
          accepted: "a divisor of \(width)\(neighbours(of: heads, dividing: width)), or another head_width"))
    } else {
      check(&problems, prefix + "head_width", headWidth, 1...Limits.headWidth)
    }
    if heads % keyValueHeads != 0 {
      problems.append(
        .init(
          prefix + "key_value_heads", "\(keyValueHeads) key–value heads do not divide \(heads) heads",
          accepted: "a divisor of \(heads)\(neighbours(of: keyValueHeads, dividing: heads))"))
    }
    if problems.isEmpty, queryWidth > Limits.width {
      problems.append(
        .init(
          prefix + "head_width", "\(heads) heads of width \(headWidth) make \(queryWidth) features",
          accepted: "at most \(Limits.width) together"))
    }
    if problems.isEmpty { problems += style.problems(of: self, prefix: prefix) }
    return problems
  }
}

extension Workload {
  /// Everything that keeps the workload from being asked of a model, in the order of a scenario's keys.
  public func problems(for model: Model) -> [Problem] {
    var problems: [Problem] = []
    check(&problems, "prompt", promptLength, 0...Limits.promptLength)
    if promptLength >= 0, promptLength < model.family.leastPromptLength {
      problems.append(
        .init(
          "prompt", "a \(model.family.rawValue) model has nothing to predict from without a prompt",
          accepted: "at least 1 token"))
    }
    check(&problems, "generate", generatedLength, 0...Limits.generatedLength)
    check(&problems, "batch", batchSize, 1...Limits.batchSize)
    check(&problems, "continuations", continuations, 1...Limits.continuations)
    let positions = model.ends.learnedPositions
    if problems.isEmpty, positions > 0, promptLength + generatedLength > positions {
      problems.append(
        .init(
          promptLength > positions ? "prompt" : "generate",
          "\(promptLength + generatedLength) tokens where the model has \(positions) learned positions",
          accepted: "prompt and generate of at most \(positions) together"))
    }
    return problems
  }
}

private func check(_ problems: inout [Problem], _ key: String, _ value: Int, _ range: ClosedRange<Int>) {
  guard !range.contains(value) else { return }
  problems.append(.init(key, "found \(value)", accepted: Problem.accepted(range)))
}

/// ` such as 26 or 32`: the divisors of a number next to a value that is none. They are looked for one by one, so only
/// where both could be a width: of a larger one it is said that it is too large.
private func neighbours(of value: Int, dividing number: Int) -> String {
  guard max(value, number) <= Limits.width else { return "" }
  let below = (1..<max(value, 2)).reversed().first { number % $0 == 0 }
  let above = value < number ? ((value + 1)...number).first { number % $0 == 0 } : nil
  let words = [below, above].compactMap { $0 }.map(String.init)
  return words.isEmpty ? "" : " such as " + words.joined(separator: " or ")
}
