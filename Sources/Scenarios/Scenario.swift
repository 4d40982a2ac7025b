import Architectures
import Foundation
import Hardware
import Quantities

/// How `photon measure` runs points.
public struct MeasurementSettings: Hashable, Sendable {
  /// Rounds that count; each runs every workload once.
  public var repetitions = 5
  /// Runs before the first that counts.
  public var warmup = 1
  /// Of the kernels.
  public var threads = 2
  /// The workloads to run; empty for those of the grid.
  public var points: [Workload] = []
  /// Whether each workload also runs at twice its batch, at twice its prompt, on cached data and without arithmetic, which
  /// tells what bounds it.
  public var takesSigns = true
  /// The share of the points, of each architecture, that correct the calibrated profile; the others are held out.
  public var fittedShare = 0.0
  /// Of the choice of those points, and of a sample of the grid.
  public var seed = 1
  /// The points of a large grid that are measured; nil for all of them.
  public var slices: MeasuredSlices?

  /// Signs of the bound are taken, and no point is fitted.
  public init(repetitions: Int = 5, warmup: Int = 1, threads: Int = 2, points: [Workload] = []) {
    self.repetitions = repetitions
    self.warmup = warmup
    self.threads = threads
    self.points = points
  }
}

/// What a scenario is read with.
public struct ScenarioOptions: Sendable {
  /// `--set key=value` arguments, applied in order.
  public var overrides: [String]
  /// Where presets and profiles are looked for.
  public var files: ScenarioFiles
  /// The names that objectives may use; `nil` accepts any.
  public var figures: [String]?
  /// Whether every hardware profile must exist as a file.
  public var checksHardware: Bool

  /// Nothing overridden and hardware checked unless told otherwise.
  public init(
    overrides: [String] = [], searchPaths: [String] = [], figures: [String]? = nil, checksHardware: Bool = true
  ) {
    self.overrides = overrides
    files = ScenarioFiles(searchPaths: searchPaths)
    self.figures = figures
    self.checksHardware = checksHardware
  }
}

/// A hardware profile that a scenario names, and the file that holds it.
public struct HardwareReference: Hashable, Sendable {
  /// As the scenario writes it.
  public var name: String
  /// `nil` only where `ScenarioOptions.checksHardware` is off and there is none.
  public var file: String?
}

/// What a person asks: models, workloads, precisions and hardware, as a grid of validated points.
public struct Scenario: Sendable {
  /// What reports and data files are called.
  public let name: String
  /// The path that it was read from.
  public let file: String
  /// Every point that is asked for.
  public let grid: Grid
  /// The machines that points are priced on, in order.
  public let hardware: [HardwareReference]
  /// Devices that share each model by tensor parallelism.
  public let devices: Int
  /// What the engine on the machines takes of their memory; `nil` where the profiles' reserves stand for that.
  public let capacity: EngineMemory?
  /// Baselines that reports set beside the grid's models.
  public let compare: [NamedModel]
  /// What makes a point the best; `nil` where the scenario does not say.
  public let objective: Objective?
  /// Path of a table of quality figures.
  public let quality: String?
  /// How points are executed and timed.
  public let measure: MeasurementSettings
  /// How `photon train` trains; `nil` where the scenario does not say.
  public let train: TrainingSettings?
  /// What is trained for a report about quality; `nil` where the scenario is about something else.
  public let qualitySweep: QualitySweep?
  /// Ways of keeping caches that are tried on what the quality sweep trains; `nil` where the scenario does not say.
  public let cacheQuality: CacheQuality?
  /// Measured answers that the report of cache methods quotes; `nil` where the scenario does not say.
  public let critical: CriticalAnswers?
  /// Measured times that the report of cache methods quotes; `nil` where the scenario does not say.
  public let timed: TimedAnswers?
  /// Times of a sweep on another machine that a report of its own kind is about; `nil` where the scenario does not say.
  public let replayed: ReplayedRows?
  /// How the model is served; `nil` where the scenario does not say.
  public let serving: ServingSection?
  /// The text, for complaints about what only a command can check.
  private let root: PositionedValue
  private let options: ScenarioOptions
  /// Paths of tables of published measurements; a report about them is of its own kind.
  public let published: [String]
  /// 16 hexadecimal digits over the scenario, its overrides and its presets, without comments and layout.
  public let fingerprint: String

  /// Whether some of its models have entries in the memory of the host.
  public var usesHost: Bool {
    grid.models.contains { $0?.model.usesHost == true } || compare.contains(where: \.model.usesHost)
  }

  /// Reads and checks a scenario file; nothing is left to fail later.
  /// - Throws: `ScenarioError` with every diagnostic.
  public init(file: String, options: ScenarioOptions = .init()) throws(ScenarioError) {
    try self.init(text: YAMLText.text(of: file), file: file, options: options)
  }

  /// Reads and checks a scenario from text.
  /// - Parameters:
  ///   - text: YAML; docs/scenario-format.md.
  ///   - file: the name that diagnostics show, and the place that relative names start from.
  ///   - options: overrides, and what is checked.
  /// - Throws: `ScenarioError` with every diagnostic.
  public init(text: String, file: String, options: ScenarioOptions = .init()) throws(ScenarioError) {
    let root = try YAMLText.parse(text, file: file)
    if root.isNull {
      throw ScenarioError([.init(root.position, path: "", found: "the file is empty", accepted: "a scenario")])
    }
    var overrides: [Override] = []
    for (index, argument) in options.overrides.enumerated() {
      overrides.append(try Override(argument, ordinal: index + 1))
    }
    try self.init(root, overrides, file: file, options: options)
  }

  /// The scenario without its quality sweep, and what is tried on that, and with some values replaced.
  /// - Throws: `ScenarioError` with every diagnostic, at the values.
  public func varied(by settings: [QualitySweep.Setting]) throws(ScenarioError) -> Scenario {
    var root = root
    root.content = .mapping((root.entries ?? []).filter { ![QualitySweep.key, CacheQuality.key].contains($0.key) })
    return try Scenario(root, settings.map(\.override), file: file, options: options)
  }

  private init(
    _ text: PositionedValue, _ overrides: [Override], file: String, options: ScenarioOptions
  ) throws(ScenarioError) {
    let collector = DiagnosticCollector()
    let written = overrides.reduce(text) { $1.apply(to: $0, collector) }
    // Readers see which keys were taken away, so that one that does not exist is told.
    let reader = FieldReader(written, path: "", collector: collector)
    let root = written.withoutRemoved(except: "model")
    var sections = written
    sections.content = .mapping((written.entries ?? []).filter { !$0.value.isRemoved })
    if root.entries == nil { try collector.throwIfAny() }
    let directory = ScenarioFiles.directory(of: file)
    let base = String(file.split(separator: "/").last ?? "scenario")
    let fallback =
      base.hasSuffix(".yaml") ? String(base.dropLast(5)) : base.hasSuffix(".yml") ? String(base.dropLast(4)) : base
    let name = Self.readName(reader, default: fallback)
    reader.require("model", accepted: "a model, for example model: {preset: photon-600m}")
    _ = reader.has("workload")
    _ = reader.has("precision")
    let hardware = Self.readHardware(reader, directory, options)
    let devices = Parallelism.read(reader)
    let capacity = CapacityReader.read(reader)
    let presets = PresetResolver(files: options.files, collector: collector)
    let compare = Self.readCompare(reader, presets, file)
    let constraints = (reader.list("constraints") ?? []).enumerated().compactMap { index, value in
      let path = "constraints[\(index + 1)]"
      return Comparison.read(value, path: path, collector, accept: Constraint.problem).map {
        Constraint($0, at: value.position, path: path)
      }
    }
    let objective = reader.section("objective") { Objective.read($0, figures: options.figures) }
    let quality = Self.readQuality(reader, directory)
    let measureSection = reader.mapping("measure")
    var measure = measureSection.map(Self.readMeasure) ?? MeasurementSettings()
    // Read once there is a grid; known also where the grid fails.
    for key in ["slices", "sample"] { _ = measureSection?.has(key) }
    let train = reader.section("train", TrainReader.read)
    let published = Self.readPublished(reader, directory)
    let sweep = reader.section(QualitySweep.key, QualitySweep.read)
    let cacheQuality = reader.section(CacheQuality.key, CacheQuality.read)
    let critical = reader.section(CriticalAnswers.key) { section in
      CriticalAnswers.read(section) { Self.tablePath($0, directory) }
    }
    let timed = reader.section(TimedAnswers.key) { section in
      TimedAnswers.read(section) { Self.tablePath($0, directory) }
    }
    let replayed = reader.section(ReplayedRows.key) { section in
      ReplayedRows.read(section) { Self.tablePath($0, directory) }
    }
    let serving = reader.section(ServingSection.key) { section in
      ServingSection.read(section) { Self.tablePath($0, directory) }
    }
    if reader.has(CacheQuality.key), !reader.has(QualitySweep.key) {
      reader.report(CacheQuality.key, "no models to try caches on", accepted: "a section quality_sweep beside it")
    }
    reader.finish()
    let read = GridReader(
      root: sections, name: name, file: file, presets: presets, collector: collector, constraints: constraints,
      compare: compare
    ).read()
    if let grid = read { Parallelism.check(grid.models + compare, devices, reader) }
    if let grid = read, let measureSection { measure.slices = MeasuredSlices.read(measureSection, grid) }
    if let grid = read {
      for problem in Self.problems(ofMeasured: measure.points, grid.models + compare) {
        collector.add(Self.diagnostic("measure", problem, in: root))
      }
    }
    measureSection?.finish()
    if let grid = read, let train {
      let problems = grid.models.compactMap { $0?.model }.flatMap(train.problems)
      for problem in problems { collector.add(Self.diagnostic("train", problem, in: root)) }
    }
    let grid = try collector.result(read, at: root.position)
    self.name = name
    self.file = file
    self.grid = grid
    self.hardware = hardware
    self.devices = devices
    self.capacity = capacity
    self.compare = compare
    self.objective = objective
    self.quality = quality
    self.measure = measure
    self.train = train
    qualitySweep = sweep
    self.cacheQuality = cacheQuality
    self.critical = critical
    self.timed = timed
    self.replayed = replayed
    self.serving = serving
    self.root = root
    self.options = options
    self.published = published
    fingerprint = Fingerprint(([root.flow] + presets.texts).joined(separator: "\n").utf8).text
  }

  /// A complaint about a key of a section, at the key or at what stands around it.
  public func diagnostic(_ section: String, _ problem: Problem) -> Diagnostic {
    Self.diagnostic(section, problem, in: root)
  }

  private static func diagnostic(_ section: String, _ problem: Problem, in root: PositionedValue) -> Diagnostic {
    let path = [section, problem.key].filter { !$0.isEmpty }.joined(separator: ".")
    let steps = DottedPath(path)?.steps ?? []
    return Diagnostic(root.position(of: steps[...]), path: path, found: problem.found, accepted: problem.accepted)
  }

  private static func readName(_ reader: FieldReader, default fallback: String) -> String {
    guard let name = reader.text("name", default: fallback) else { return fallback }
    // The name becomes a directory below reports/.
    let isSafe = ScenarioFiles.isName(name)
    if !isSafe, reader.has("name") {
      reader.report("name", "found \"\(name.prefix(80))\"", accepted: ScenarioFiles.acceptedName)
    }
    return isSafe ? name : "scenario"
  }

  private static func readHardware(
    _ reader: FieldReader, _ directory: String, _ options: ScenarioOptions
  ) -> [HardwareReference] {
    let standard = PositionedValue(.scalar("h200-sxm", quoted: false), at: reader.position)
    let value = reader.value("hardware")
    let elements = (value?.elements ?? [value ?? standard]).filter { !$0.isRemoved }
    if elements.isEmpty { reader.report("hardware", "found an empty list", accepted: "at least one profile") }
    var seen: Set<String> = []
    return elements.enumerated().compactMap { index, element in
      let path = value?.elements == nil ? "hardware" : "hardware[\(index + 1)]"
      guard let name = element.scalar, !name.isEmpty else {
        reader.collector.add(
          .init(element.position, path: path, found: "found \(element.summary)", accepted: "the name of a profile"))
        return nil
      }
      if !seen.insert(ScenarioFiles.canonical(name)).inserted {
        reader.collector.add(
          .init(
            element.position, path: path, found: "the profile \(name) stands in the list twice",
            accepted: "every profile once"))
      }
      let file = options.files.find(.hardware, named: name, from: directory)
      if file == nil, options.checksHardware {
        reader.collector.add(options.files.missingProfile(name, from: directory, at: element.position, path: path))
      }
      return HardwareReference(name: name, file: file)
    }
  }

  private static func readCompare(_ reader: FieldReader, _ presets: PresetResolver, _ file: String) -> [NamedModel] {
    (reader.list("compare") ?? []).enumerated().compactMap { index, value in
      let path = "compare[\(index + 1)]"
      var section = value
      if value.scalar != nil {
        section.content = .mapping([.init(key: "preset", keyPosition: value.position, value: value)])
      }
      // A name is that of the row, and no key of a model.
      let named = section["name"]
      if let entries = section.entries { section.content = .mapping(entries.filter { $0.key != "name" }) }
      if let named, named.scalar?.isEmpty ?? true {
        reader.collector.add(
          .init(named.position, path: path + ".name", found: "found \(named.summary)", accepted: "a name"))
      }
      let models = ModelReader(path: path, collector: reader.collector)
      guard let resolved = presets.resolve(section, path: path, file: file), let model = models.read(resolved) else {
        return nil
      }
      models.report(model.problems, in: resolved, of: section, presets, file: file)
      return NamedModel(name: named?.scalar ?? section["preset"]?.scalar ?? path, model: model)
    }
  }

  private static func readQuality(_ reader: FieldReader, _ directory: String) -> String? {
    guard reader.has("quality"), let name = reader.text("quality") else { return nil }
    guard let path = tablePath(name, directory) else {
      reader.report("quality", "there is no file \"\(name)\"", accepted: "a CSV file, relative to the scenario")
      return nil
    }
    return path
  }

  private static func readPublished(_ reader: FieldReader, _ directory: String) -> [String] {
    (reader.list("published") ?? []).enumerated().compactMap { index, value in
      if let name = value.scalar, let path = tablePath(name, directory) { return path }
      reader.collector.add(
        .init(
          value.position, path: "published[\(index + 1)]", found: "there is no file \(value.summary)",
          accepted: "a CSV file, relative to the scenario"))
      return nil
    }
  }

  /// A file beside a scenario; nil where there is none.
  private static func tablePath(_ name: String, _ directory: String) -> String? {
    let written = name.hasPrefix("/") ? name : (directory.isEmpty ? "." : directory) + "/" + name
    // Behind a folder that is a link, `..` leads to what the link stands for.
    return [URL(filePath: written).standardizedFileURL.path, written].first {
      FileManager.default.fileExists(atPath: $0)
    }
    .map(ScenarioFiles.shown)
  }

  /// Workloads of `measure.points` that are too long for learned positions.
  private static func problems(ofMeasured points: [Workload], _ models: [NamedModel?]) -> [Problem] {
    let bounded = models.compactMap { $0?.model }.filter { $0.ends.learnedPositions > 0 }
    return points.enumerated().flatMap { index, workload in
      bounded.flatMap(workload.problems).map { problem in
        Problem("points[\(index + 1)].\(problem.key)", problem.found, accepted: problem.accepted)
      }
    }
  }

  private static func readMeasure(_ section: FieldReader) -> MeasurementSettings {
    var settings = MeasurementSettings()
    settings.repetitions = section.integer("repetitions", default: 5, in: 1...10_000) ?? 5
    settings.warmup = section.integer("warmup", default: 1, in: 0...1000) ?? 1
    settings.threads = section.integer("threads", default: 2, in: 1...1024) ?? 2
    settings.takesSigns = section.boolean("doubled", default: true) ?? true
    settings.fittedShare = section.number("fitted_share", default: 0, in: 0...0.9) ?? 0
    settings.seed = section.integer("seed", default: 1, in: 0...Int(Int32.max)) ?? 1
    settings.points = (section.list("points") ?? []).enumerated().compactMap { index, value in
      WorkloadReader.read(value, path: "measure.points[\(index + 1)]", collector: section.collector)
    }
    return settings
  }
}
