import Architectures

/// The numbers of a workload that a scenario names.
public enum WorkloadKey: String, CaseIterable, Sendable {
  /// Prompt length `P` and generated length `G` in tokens, prompts side by side, continuations of each prompt.
  case prompt, generate, batch, continuations
}

/// A number of a scenario point that a constraint can name: `workload.batch`, `model.width`, `levels[1].chunk`.
///
/// The prefixes `model.` and `workload.` may be left out.
enum GridKey: Hashable, Sendable {
  case workload(WorkloadKey)
  case model(ModelKey)
  /// Of a level, from 1 up; at level 0 a dimension of the model section.
  case level(Int, LevelKey)

  enum ModelKey: String, CaseIterable, Sendable { case vocabulary, layers }

  enum LevelKey: String, CaseIterable, Sendable {
    case chunk, condition, width, heads
    case encoderLayers = "encoder_layers"
    case decoderLayers = "decoder_layers"
    case keyValueHeads = "key_value_heads"
    case headWidth = "head_width"
    case feedForward = "feed_forward"
  }

  static let accepted =
    WorkloadKey.allCases.map(\.rawValue) + ModelKey.allCases.map(\.rawValue)
    + ["width", "heads", "key_value_heads", "head_width", "feed_forward"]
    + LevelKey.allCases.map { "levels[1].\($0.rawValue)" }

  init?(_ name: String) {
    guard var steps = DottedPath(name)?.steps else { return nil }
    if steps.count > 1, steps[0] == .key("workload") || steps[0] == .key("model") {
      let section = steps.removeFirst()
      if (section == .key("workload")) != (steps.first.flatMap(Self.workloadKey) != nil) { return nil }
    }
    if steps.count == 1, let key = Self.workloadKey(steps[0]) {
      self = .workload(key)
    } else if steps.count == 1, case .key(let word) = steps[0], let key = ModelKey(rawValue: word) {
      self = .model(key)
    } else if steps.count == 1, case .key(let word) = steps[0], let key = LevelKey(rawValue: word), key.isDimension {
      self = .level(0, key)
    } else if steps.count == 3, steps[0] == .key("levels"), case .index(let index) = steps[1],
      case .key(let word) = steps[2], let key = LevelKey(rawValue: word), index < Limits.levels
    {
      self = .level(index + 1, key)
    } else {
      return nil
    }
  }

  private static func workloadKey(_ step: DottedPath.Step) -> WorkloadKey? {
    if case .key(let word) = step { WorkloadKey(rawValue: word) } else { nil }
  }

  var isWorkload: Bool { if case .workload = self { true } else { false } }

  /// `nil` where the model has no such level.
  func value(_ question: Question) -> Double? {
    switch self {
    case .workload(let key): return Double(key.value(in: question.workload))
    case .model(.vocabulary): return Double(question.model.vocabulary)
    case .model(.layers): return Double(question.model.layers)
    case .level(let level, let key):
      guard level <= question.model.levelCount else { return nil }
      let layer = question.model.layer(at: level)
      switch key {
      case .width: return Double(layer.width)
      case .heads: return Double(layer.heads)
      case .keyValueHeads: return Double(layer.keyValueHeads)
      case .headWidth: return Double(layer.headWidth)
      case .feedForward: return Double(layer.feedForward)
      case .chunk: return Double(question.model.levels[level].chunkLength)
      case .condition: return Double(question.model.levels[level].conditionLength)
      case .encoderLayers: return Double(question.model.levels[level].encoderLayers)
      case .decoderLayers: return Double(question.model.levels[level].decoderLayers)
      }
    }
  }
}

extension GridKey.LevelKey {
  /// Whether the model section has the key too.
  var isDimension: Bool {
    switch self {
    case .width, .heads, .keyValueHeads, .headWidth, .feedForward: true
    case .chunk, .condition, .encoderLayers, .decoderLayers: false
    }
  }
}

/// A comparison between keys of the scenario. One that names a level which a model does not have says nothing about it.
struct Constraint: Sendable {
  enum Factor: Sendable {
    case number(Double)
    case key(GridKey)
  }

  let comparison: Comparison
  /// Where it stands.
  let position: Position
  let path: String
  private let left: [Factor]
  private let right: [Factor]
  /// Whether the model alone decides.
  let isAboutModels: Bool
  let namesOnlyPrompt: Bool

  init(_ comparison: Comparison, at position: Position, path: String) {
    (self.comparison, self.position, self.path) = (comparison, position, path)
    func resolve(_ factors: [Comparison.Factor]) -> [Factor] {
      factors.compactMap { factor in
        switch factor {
        case .number(let number): .number(number)
        case .name(let name): GridKey(name).map(Factor.key)
        }
      }
    }
    left = resolve(comparison.left)
    right = resolve(comparison.right)
    let keys = comparison.names.compactMap { GridKey($0) }
    isAboutModels = !keys.contains(where: \.isWorkload)
    namesOnlyPrompt = keys.allSatisfy { !$0.isWorkload || $0 == .workload(.prompt) }
  }

  func allows(_ question: Question) -> Bool {
    guard let left = product(left, question), let right = product(right, question) else { return true }
    return comparison.relation.holds(left, right)
  }

  private func product(_ factors: [Factor], _ question: Question) -> Double? {
    var product = 1.0
    for factor in factors {
      switch factor {
      case .number(let number): product *= number
      case .key(let key):
        guard let value = key.value(question) else { return nil }
        product *= value
      }
    }
    return product
  }

  static func problem(_ name: String) -> (found: String, accepted: String, suggestion: String?)? {
    guard GridKey(name) == nil else { return nil }
    return ("there is no number \"\(name)\"", enumerate(GridKey.accepted), nearMiss(name, among: GridKey.accepted))
  }
}
