import Architectures
import Quantities

/// The section `precision` of a scenario or a preset: a format by its name, element types, or both.
enum PrecisionReader {
  static let key = "precision"

  /// A name in place of a mapping stands for that preset; in a list of alternatives each does.
  static func section(_ value: PositionedValue) -> PositionedValue {
    var section = value
    switch value.content {
    case .scalar:
      section.content = .mapping([.init(key: "preset", keyPosition: value.position, value: value)])
    case .list(let elements): section.content = .list(elements.map { $0.scalar == nil ? $0 : Self.section($0) })
    case .null, .mapping: break
    }
    return section
  }

  /// - Returns: nil after a diagnostic.
  static func read(_ value: PositionedValue, path: String, collector: DiagnosticCollector) -> Precision? {
    let reader = FieldReader(value, path: path, collector: collector)
    let base = preset(reader)
    let standard = base ?? Precision()
    let weights: ElementType? = reader.choice("weights", default: standard.weights)
    let activations: ElementType? = reader.choice("activations", default: standard.activations)
    let cache: ElementType? = reader.choice("cache", default: standard.cache)
    // What no preset stores apart is stored as the matrices are.
    let embedding: ElementType? = reader.choice("embedding", default: base?.embedding ?? weights ?? .bf16)
    let head: ElementType? = reader.choice("head", default: base?.head ?? weights ?? .bf16)
    let norms: ElementType? = reader.choice("norms", default: base?.norms ?? weights ?? .bf16)
    var precision = standard
    if let weights { precision.weights = weights }
    if let activations { precision.activations = activations }
    if let cache { precision.cache = cache }
    if let embedding { precision.embedding = embedding }
    if let head { precision.head = head }
    if let norms { precision.norms = norms }
    precision.groups = groups(reader, precision)
    reader.finish()
    let isComplete = [weights, activations, cache, embedding, head, norms].allSatisfy { $0 != nil }
    return isComplete && !(reader.has("preset") && base == nil) ? precision : nil
  }

  private static func preset(_ reader: FieldReader) -> Precision? {
    guard reader.has("preset"), let name = reader.text("preset") else { return nil }
    if let precision = PrecisionPreset.named(name) { return precision }
    let names = PrecisionPreset.names
    reader.report(
      "preset", "there is no format \"\(name.prefix(80))\"", accepted: enumerate(names),
      suggestion: nearMiss(name, among: names))
    return nil
  }

  /// Scales: a number of inputs that share one, `output` where all inputs of an output do, `matrix` for none that count.
  private static func groups(_ reader: FieldReader, _ precision: Precision) -> WeightGroups? {
    var groups = precision.groups
    if let value = reader.value("group_size") {
      switch value.scalar {
      case "matrix": groups = nil
      case "output": groups = WeightGroups(size: nil, hasZeroPoints: groups?.hasZeroPoints ?? false)
      default:
        guard let size = value.wholeNumber, (1...Limits.feedForward).contains(size) else {
          reader.report(
            "group_size", "found \(value.summary)", accepted: "1 to \(Limits.feedForward), output or matrix")
          return groups
        }
        let isInteger = [precision.weights, precision.embedding, precision.head].contains { $0.isInteger }
        groups = WeightGroups(size: size, hasZeroPoints: groups?.hasZeroPoints ?? isInteger)
      }
    }
    if reader.has("zero_points"), let hasZeroPoints = reader.boolean("zero_points") {
      if groups == nil {
        reader.report("zero_points", "there are no groups that could have any", accepted: "a group_size beside it")
      }
      groups?.hasZeroPoints = hasZeroPoints
    }
    let isQuantised = [precision.weights, precision.embedding, precision.head].contains(where: \.isQuantised)
    if groups != nil, !isQuantised, reader.has("group_size") {
      reader.report(
        "group_size", "found scales where every weight has 16 bits or more", accepted: "weights of 8 bits or fewer")
    }
    return isQuantised ? groups : nil
  }

  /// A head that is the embedding's table cannot be stored in another type.
  static func check(
    _ models: [NamedModel?], _ precisions: [Precision], at position: Position, _ collector: DiagnosticCollector
  ) {
    guard let precision = precisions.first(where: { $0.embedding != $0.head }) else { return }
    for case .some(let named) in models where named.model.tiedHead {
      return collector.add(
        .init(
          position, path: "\(key).head",
          found: "found \(precision.head.rawValue) beside an embedding in \(precision.embedding.rawValue): "
            + "\(named.name) has one table for both",
          accepted: "the type of the embedding, or model.tied_head: false"))
    }
  }
}

extension ElementType {
  fileprivate var isInteger: Bool {
    switch self {
    case .int8, .int4: true
    case .fp32, .bf16, .fp16, .fp8: false
    }
  }
}

extension Precision {
  /// How weights are stored where they are not all stored alike, in the keys of a scenario; nil where they are.
  public var storage: String? {
    let keys = storageKeys
    return keys.isEmpty ? nil : keys.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }

  /// The type of the weights for a person, with what is stored apart from it.
  public var weightsText: String { weights.rawValue + (storage.map { " (\($0))" } ?? "") }

  /// The section of a scenario on one line: `{weights: int4, activations: bf16, cache: bf16, group_size: 128}`.
  public var flow: String {
    let types = [("weights", weights), ("activations", activations), ("cache", cache)].map { ($0, $1.rawValue) }
    return "{" + (types + storageKeys).map { "\($0): \($1)" }.joined(separator: ", ") + "}"
  }

  private var storageKeys: [(key: String, value: String)] {
    let types = [("embedding", embedding), ("head", head), ("norms", norms)].filter { $0.1 != weights }
    let scales = groups.map {
      [("group_size", $0.size.map(String.init) ?? "output"), ("zero_points", String($0.hasZeroPoints))]
    }
    return types.map { ($0, $1.rawValue) } + (scales ?? [])
  }
}
