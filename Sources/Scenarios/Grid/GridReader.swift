import Architectures
import Quantities

/// Builds the grid of a scenario: finds its axes, then reads and checks every model and precision that they make.
struct GridReader {
  /// Failing models are reported until so many were found.
  static let failureLimit = 5

  let root: PositionedValue
  let name: String
  let file: String
  let presets: PresetResolver
  let collector: DiagnosticCollector
  let constraints: [Constraint]
  /// Baselines share the workloads, so they have to be possible with them.
  let compare: [NamedModel]

  func read() -> Grid? {
    var finder = AxisFinder(collector: collector)
    let precision = precisionSection()
    for entry in root.entries ?? [] {
      guard let section = GridSection(rawValue: entry.key) else { continue }
      finder.visit(section, section == .precision ? precision ?? entry.value : entry.value)
    }
    guard let count = countPoints(finder.axes) else { return nil }
    let axes = finder.axes.map { $0.make() }
    let modelAxes = axes.filter { $0.section == .model }
    let precisionAxes = axes.filter { $0.section == .precision }
    guard product(modelAxes) <= Grid.modelLimit, product(precisionAxes) <= Grid.modelLimit else {
      collector.add(
        .init(
          (modelAxes + precisionAxes)[0].position, path: "model",
          found: "\(max(product(modelAxes), product(precisionAxes))) different models",
          accepted: "at most \(Grid.modelLimit); split the sweep"))
      return nil
    }
    let failed = finder.failedSections
    let models = failed.contains(.model) ? nil : readModels(modelAxes)
    let usual = Workload.usual(of: (models ?? []).compactMap(\.named?.model) + compare.map(\.model))
    let workload = failed.contains(.workload) ? nil : readWorkload(axes, usual)
    let settings = axes.map { readSettings($0, usual) }
    let precisions = failed.contains(.precision) ? nil : readPrecisions(precision, precisionAxes)
    guard let workload, let precisions, let models else { return nil }
    PrecisionReader.check(
      models.map(\.named) + compare, precisions, at: precision?.position ?? root.position, collector)
    var strides = (model: product(modelAxes), precision: product(precisionAxes))
    let placements = zip(axes, settings).map { axis, settings -> Grid.Placement in
      switch axis.section {
      case .model:
        strides.model /= axis.options.count
        return .model(stride: strides.model)
      case .precision:
        strides.precision /= axis.options.count
        return .precision(stride: strides.precision)
      case .workload: return .workload(settings)
      }
    }
    checkPrompts(models.map(\.named), workload, zip(axes, settings).map { ($0, $1) })
    let grid = Grid(
      axes: axes, count: count, models: models.map(\.named), precisions: precisions,
      exclusions: Dictionary(
        uniqueKeysWithValues: models.enumerated().compactMap { place, model in
          model.excluding.map { (place, $0) }
        }), placements: placements, workload: workload,
      constraints: constraints.filter { !$0.isAboutModels })
    checkPoints(grid)
    checkPositions(grid)
    return grid
  }

  /// A context that a model has no positions for cannot be priced as if it had.
  private func checkPositions(_ grid: Grid) {
    let bounded = (grid.models + compare).compactMap { $0?.model }.filter { $0.ends.learnedPositions > 0 }
    guard let least = bounded.min(by: { $0.ends.learnedPositions < $1.ends.learnedPositions }) else { return }
    for point in grid.points {
      let model = point.model.ends.learnedPositions > 0 ? point.model : compare.isEmpty ? nil : least
      guard let problem = model.flatMap({ point.workload.problems(for: $0).first }) else { continue }
      let position = root["workload"]?[problem.key]?.position ?? root["workload"]?.position ?? root.position
      collector.add(
        .init(position, path: "workload.\(problem.key)", found: problem.found, accepted: problem.accepted))
      return
    }
  }

  /// A command about no point would end as if all were well.
  private func checkPoints(_ grid: Grid) {
    // Where they leave no model that was said already.
    guard let position = root["constraints"]?.position, grid.models.contains(where: { $0 != nil }),
      grid.points.first(where: { _ in true }) == nil
    else { return }
    collector.add(
      .init(
        position, path: "constraints", found: "they exclude every point of the grid",
        accepted: "constraints that leave at least one"))
  }

  private func product(_ axes: [Axis]) -> Int { axes.reduce(1) { $0 * $1.options.count } }

  /// The number of points, computed wide enough that it cannot overflow before it is compared.
  private func countPoints(_ axes: [AxisFinder.Candidate]) -> Int? {
    var count: Int128 = 1
    var isHuge = false
    for axis in axes {
      let (product, overflow) = count.multipliedReportingOverflow(by: Int128(axis.count))
      isHuge = isHuge || overflow
      count = overflow ? Int128.max : product
    }
    if !isHuge, count <= Grid.pointLimit { return Int(count) }
    let factors = axes.map { "\($0.path) \($0.count)" }.joined(separator: " × ")
    collector.add(
      .init(
        axes[0].position, path: "",
        found: "the grid has \(isHuge ? "more than 10^38" : "\(count)") points (\(factors))",
        accepted: "at most \(Grid.pointLimit)"))
    return nil
  }

  // MARK: Models

  /// Each model of the grid, or the constraint about models alone that excludes it.
  private func readModels(_ axes: [Axis]) -> [(named: NamedModel?, excluding: Constraint?)]? {
    guard let section = root["model"] else { return nil }
    var models: [(named: NamedModel?, excluding: Constraint?)] = []
    var reported: Set<String> = []
    var failures = 0
    for index in 0..<product(axes) {
      guard failures < Self.failureLimit else { return nil }
      let (tree, values) = substitute(axes, index, in: section)
      let reader = ModelReader(path: "model", collector: collector)
      guard let resolved = presets.resolve(tree, path: "model", file: file), let model = reader.read(resolved) else {
        failures += 1
        continue
      }
      let question = Question(model, Workload(promptLength: 0, generatedLength: 0))
      if let excluding = constraints.first(where: { $0.isAboutModels && !$0.allows(question) }) {
        models.append((nil, excluding))
        continue
      }
      let problems = model.problems
      if !problems.isEmpty {
        failures += 1
        let fresh = problems.filter { reported.insert($0.description).inserted }
        reader.report(
          fresh, in: resolved, of: tree, presets, file: file, note: values.isEmpty ? "" : " (with \(values))")
      }
      models.append((NamedModel(name: tree["preset"]?.scalar ?? name, model: model), nil))
    }
    guard failures == 0 else { return nil }
    if models.allSatisfy({ $0.named == nil }) {
      collector.add(
        .init(
          root["constraints"]?.position ?? section.position, path: "constraints", found: "they exclude every model",
          accepted: "constraints that leave at least one"))
    }
    return models
  }

  /// The section with one option of each axis in place, and `key = value, …` for messages.
  private func substitute(_ axes: [Axis], _ index: Int, in section: PositionedValue) -> (PositionedValue, String) {
    var rest = index
    var tree = section
    var values: [String] = []
    for axis in axes.reversed() {
      let digit = rest % axis.options.count
      rest /= axis.options.count
      guard let set = tree.setting(axis.steps.dropFirst(), to: axis.options[digit]) else {
        preconditionFailure("an axis was found at \(axis.path), which does not exist")
      }
      tree = set
      values.append("\(axis.path) = \(axis.labels[digit])")
    }
    return (tree, values.reversed().joined(separator: ", "))
  }

  // MARK: Precision

  /// The scenario's section, or how the one preset of its model is stored.
  private func precisionSection() -> PositionedValue? {
    if let section = root[PrecisionReader.key] { return PrecisionReader.section(section) }
    guard let model = root["model"] else { return nil }
    let alternatives = model.elements ?? [model]
    let names = alternatives.flatMap { alternative in
      alternative["preset"].map { $0.elements ?? [$0] } ?? []
    }
    let stored = names.map { presets.precision(of: $0, file: file) }
    guard let first = stored.compactMap(\.self).first else { return nil }
    if names.count == 1 { return PrecisionReader.section(first) }
    collector.add(
      .init(
        model.position, path: PrecisionReader.key,
        found: "the presets are stored in different formats, and the scenario does not say which holds",
        accepted: "a section precision"))
    return nil
  }

  private func readPrecisions(_ section: PositionedValue?, _ axes: [Axis]) -> [Precision]? {
    guard let section else { return [Precision()] }
    let precisions = (0..<product(axes)).compactMap { index in
      PrecisionReader.read(
        substitute(axes, index, in: section).0, path: PrecisionReader.key, collector: collector)
    }
    return precisions.count == product(axes) ? precisions : nil
  }

  // MARK: Workload

  /// The workload outside every axis.
  private func readWorkload(_ axes: [Axis], _ usual: Workload) -> Workload? {
    guard let section = root["workload"], section.elements == nil else { return usual }
    let varied = axes.filter { $0.section == .workload }.compactMap(\.steps.last)
    let fixed = (section.entries ?? []).filter {
      !varied.contains(.key($0.key)) || WorkloadKey(rawValue: $0.key) == nil
    }
    guard section.entries != nil else {
      _ = FieldReader(section, path: "workload", collector: collector)
      return nil
    }
    return WorkloadReader.read(
      PositionedValue(.mapping(fixed), at: section.position), path: "workload", collector: collector, usual: usual)
  }

  /// What each option of a workload axis sets.
  private func readSettings(_ axis: Axis, _ usual: Workload) -> [[(key: WorkloadKey, value: Int)]] {
    guard axis.section == .workload else { return [] }
    if axis.steps.count == 1 {
      return axis.options.map { option in
        let workload = WorkloadReader.read(option, path: axis.path, collector: collector, usual: usual) ?? usual
        return WorkloadKey.allCases.map { ($0, $0.value(in: workload)) }
      }
    }
    // An unknown key was reported with the section; its options set nothing.
    guard case .key(let word) = axis.steps[1], let key = WorkloadKey(rawValue: word) else {
      return axis.options.map { _ in [] }
    }
    return axis.options.map { option in
      [(key, integerOf(option, path: axis.path, in: key.range, collector) ?? 1)]
    }
  }

  /// A vanilla model needs a prompt.
  private func checkPrompts(
    _ models: [NamedModel?], _ base: Workload, _ axes: [(Axis, [[(key: WorkloadKey, value: Int)]])]
  ) {
    var position = root["workload"]?["prompt"]?.position ?? root["workload"]?.position
    var isZero = base.promptLength == 0
    for (axis, settings) in axes {
      for (option, settings) in zip(axis.options, settings)
      where settings.contains(where: { $0.key == .prompt && $0.value == 0 }) {
        isZero = true
        position = option.position
      }
    }
    guard isZero, let position else { return }
    let workload = Workload(promptLength: 0, generatedLength: 1)
    for case .some(let named) in models + compare {
      let isExcluded = constraints.contains { $0.namesOnlyPrompt && !$0.allows(Question(named.model, workload)) }
      guard !isExcluded, let problem = workload.problems(for: named.model).first else { continue }
      collector.add(.init(position, path: "workload.\(problem.key)", found: problem.found, accepted: problem.accepted))
      return
    }
  }
}

extension Workload {
  /// The paper's prefill-heavy protocol.
  static let standard = Workload(promptLength: 2048, generatedLength: 128)

  /// The same, cut to what learned positions leave.
  static func usual(of models: [Model]) -> Workload {
    guard let positions = models.map(\.ends.learnedPositions).filter({ $0 > 0 }).min() else { return standard }
    let generated = min(standard.generatedLength, positions / 2)
    return Workload(promptLength: min(standard.promptLength, positions - generated), generatedLength: generated)
  }
}

enum WorkloadReader {
  static func read(
    _ value: PositionedValue, path: String, collector: DiagnosticCollector, usual: Workload = .standard
  ) -> Workload? {
    let reader = FieldReader(value, path: path, collector: collector)
    var workload = usual
    var isComplete = value.entries != nil
    for key in WorkloadKey.allCases {
      if let number = reader.integer(key.rawValue, default: key.value(in: usual), in: key.range) {
        key.set(number, in: &workload)
      } else {
        isComplete = false
      }
    }
    reader.finish()
    return isComplete ? workload : nil
  }
}
