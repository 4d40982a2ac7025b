/// Models that are trained around a scenario's own, one factor at a time, and what each is trained on: the scenario's
/// `quality_sweep` section.
public struct QualitySweep: Sendable {
  static let key = "quality_sweep"

  /// A value that replaces the scenario's.
  public struct Setting: Sendable {
    let override: Override

    init(_ override: Override) { self.override = override }

    /// A number under a dotted key.
    public init(_ key: String, _ number: Int) {
      let value = PositionedValue(.scalar("\(number)", quoted: false), at: Position(file: "", line: 1))
      override = Override(DottedPath(key[...])!, value)
    }

    /// The dotted key.
    public var key: String { override.path.description }

    /// As `--set` takes it.
    public var argument: String { "\(override.path.description)=\(override.value.flow)" }
  }

  /// A model, or another way of training the scenario's model.
  public struct Variant: Sendable {
    /// As the section writes it.
    public let name: String
    /// What it differs in from the scenario's model, for grouping; `nil` for the scenario's model itself.
    public let factor: String?
    /// What replaces values of the scenario.
    public let settings: [Setting]
    /// Trained on as many tokens as this variant, instead of with as many FLOP as the scenario's model.
    public let tokensOf: String?
    let position: Position
  }

  /// What is learnt, and for how long.
  public struct Dataset: Sendable {
    /// As the section writes it.
    public let name: String
    /// What replaces values of the scenario, the data among them.
    public let settings: [Setting]
    /// The variants that learn it; all where the scenario names none.
    public let variants: [String]
  }

  /// The scenario's own model and those that differ from it.
  public let variants: [Variant]
  /// What is learnt; models are chosen by the first.
  public let datasets: [Dataset]
  /// Each variant is trained from every one of them.
  public let seeds: [Int]
  /// Runs that are trained at the same time.
  public let jobs: Int

  /// The variant of a name; `nil` where there is none.
  public func variant(_ name: String) -> Variant? { variants.first { $0.name == name } }
}

extension QualitySweep {
  static func read(_ reader: FieldReader) -> QualitySweep? {
    let before = reader.collector.diagnostics.count
    reader.require("variants", accepted: "a list of models: - {name: C = 8, set: {model.levels[1].chunk: 8}}")
    let variants = mappings(reader, "variants").compactMap { entry -> Variant? in
      guard let name = readName(entry) else { return nil }
      let factor = entry.has("factor") ? entry.text("factor") : nil
      let tokensOf = entry.has("tokens_of") ? entry.text("tokens_of") : nil
      let variant = Variant(
        name: name, factor: factor, settings: readSettings(entry), tokensOf: tokensOf, position: entry.position)
      entry.finish()
      return variant
    }
    let names = variants.map(\.name)
    checkUnique(names, reader, "variants")
    for variant in variants {
      guard let other = variant.tokensOf else { continue }
      if variants.first(where: { $0.name == other })?.tokensOf != nil || !names.contains(other) {
        reader.collector.add(
          .init(
            variant.position, path: reader.path(of: "variants"),
            found: "\(variant.name) has the tokens of \"\(other)\"",
            accepted: "a variant that is matched by FLOP",
            suggestion: names.contains(other) ? nil : nearMiss(other, among: names)))
      }
    }
    let datasets = readDatasets(reader, names)
    checkUnique(datasets.map(\.name), reader, "data")
    checkMatched(datasets, variants, reader)
    let seeds = (reader.list("seeds") ?? []).enumerated().compactMap { index, value in
      integerOf(value, path: "\(reader.path(of: "seeds"))[\(index + 1)]", in: 0...Int(Int32.max), reader.collector)
    }
    checkUnique(seeds.map(String.init), reader, "seeds")
    let jobs = reader.integer("jobs", default: 2, in: 1...1024) ?? 1
    reader.finish()
    guard reader.collector.diagnostics.count == before else { return nil }
    return QualitySweep(variants: variants, datasets: datasets, seeds: seeds.isEmpty ? [1, 2] : seeds, jobs: jobs)
  }

  private static func readDatasets(_ reader: FieldReader, _ names: [String]) -> [Dataset] {
    guard reader.has("data") else { return [Dataset(name: "data", settings: [], variants: names)] }
    return mappings(reader, "data").compactMap { entry in
      guard let name = readName(entry) else { return nil }
      let chosen = entry.list("variants")?.compactMap { value -> String? in
        if let variant = value.scalar, names.contains(variant) { return variant }
        reader.collector.add(
          .init(
            value.position, path: entry.path(of: "variants"), found: "there is no variant \(value.summary)",
            accepted: enumerate(names), suggestion: value.scalar.flatMap { nearMiss($0, among: names) }))
        return nil
      }
      let dataset = Dataset(name: name, settings: readSettings(entry), variants: chosen ?? names)
      if chosen?.isEmpty == true { entry.report("variants", "found an empty list", accepted: "at least one") }
      entry.finish()
      return dataset
    }
  }

  private static func mappings(_ reader: FieldReader, _ key: String) -> [FieldReader] {
    let values = reader.list(key) ?? []
    if values.isEmpty, reader.has(key) { reader.report(key, "found an empty list", accepted: "at least one") }
    return values.enumerated().map { index, value in
      FieldReader(value, path: "\(reader.path(of: key))[\(index + 1)]", collector: reader.collector)
    }
  }

  private static func readName(_ reader: FieldReader) -> String? {
    reader.require("name")
    return reader.has("name") ? reader.text("name") : nil
  }

  private static func readSettings(_ reader: FieldReader) -> [Setting] {
    guard let entries = reader.mapping("set") == nil ? nil : reader.value("set")?.entries else { return [] }
    return entries.compactMap { entry in
      if let path = DottedPath(entry.key[...]), canDiffer(path) { return Setting(Override(path, entry.value)) }
      reader.collector.add(
        .init(
          entry.keyPosition, path: reader.path(of: "set"), found: "found the key \"\(entry.key.prefix(80))\"",
          accepted: "a key of model or train, for example model.levels[1].chunk, but not train.seed"))
      return nil
    }
  }

  /// What is priced with a run is the same for all, and seeds are the sweep's.
  private static func canDiffer(_ path: DottedPath) -> Bool {
    [.key("model"), .key("train")].contains(path.steps[0]) && path.description != "train.seed"
  }

  /// A budget needs somebody to spend it.
  private static func checkMatched(_ datasets: [Dataset], _ variants: [Variant], _ reader: FieldReader) {
    for dataset in datasets where !dataset.variants.isEmpty {
      let isMatched = variants.contains { $0.tokensOf == nil && dataset.variants.contains($0.name) }
      if !isMatched {
        reader.report(
          "variants", "on \(dataset.name) every variant has the tokens of another",
          accepted: "at least one that is matched by FLOP")
      }
    }
  }

  private static func checkUnique(_ names: [String], _ reader: FieldReader, _ key: String) {
    let twice = names.filter { name in names.count { $0 == name } > 1 }
    if let name = twice.first { reader.report(key, "\"\(name)\" stands in the list twice", accepted: "each name once") }
  }
}
