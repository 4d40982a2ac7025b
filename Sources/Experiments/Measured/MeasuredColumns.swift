import Architectures
import Formulas
import Hardware
import Measurement
import Quantities
import Rendering
import Reports
import Scenarios
import Validation

/// The columns of a measured sweep: what tells its rows apart, under the names and in the form that `photon sweep` has
/// them, where they are from, and what was measured. docs/measurement.md.
package struct MeasuredColumns {
  private let axes: [Scenarios.Axis]
  private let figures: [AskedFigure]
  private let levelCount: Int
  private let profile: HardwareProfile
  /// What every row of a file shares.
  private let origin: [(key: String, value: String)]

  /// - Parameters:
  ///   - scenario: its grid and its models to compare with decide which columns there are.
  ///   - profile: what predicts.
  package init(_ scenario: Scenario, on profile: HardwareProfile) {
    let models = (scenario.grid.models.compactMap(\.self) + scenario.compare).map(\.model)
    let hasPlans = models.contains { !$0.hasFullCaches }
    axes = scenario.grid.axes
    figures = AskedFigure.allCases.filter { $0 != .point && (hasPlans || $0 != .cachePlan) }
    levelCount = models.map(\.levelCount).max() ?? 0
    self.profile = profile
    origin = [
      ("scenario", scenario.fingerprint),
      ("machine", "\(SystemDescription.machine), \(scenario.measure.threads) threads"),
      ("profile", Fingerprint(HardwareFile.text(profile).utf8).text),
    ]
  }

  /// One row for each point, with both phases.
  package var points: RowForm<MeasuredPoint> {
    let kernel = TableColumn<MeasuredPoint>(Column("reference_s", "reference", as: .si(unit: "s"))) {
      Cell($0.referenceSeconds)
    }
    let keys = ["measured_s", "error_percent", "spread_percent", "measured_bound"]
    return form(
      Phase.allCases.flatMap(measured) + [kernel],
      essential: keys.flatMap { key in Phase.allCases.map { "\($0.rawValue)_\(key)" } }, \.subject)
  }

  /// One row for each phase and node of a point.
  package var nodes: RowForm<MeasuredNode> {
    form(
      [
        TableColumn(.text("phase")) { .text($0.result.phase.rawValue) },
        TableColumn(Column("level")) { Cell($0.node.node.level) },
        TableColumn(.text("side")) { .text($0.node.node.side.rawValue) },
        TableColumn(.text("component")) { .text($0.node.node.component.rawValue) },
        TableColumn(Column("measured_s", "measured", as: .si(unit: "s"))) { Cell($0.node.measured) },
        TableColumn(Column("time_s", "predicted", as: .si(unit: "s"))) { Cell($0.node.figure.time.value) },
        TableColumn(Column("error_percent", "error", as: .percent(decimals: 1))) {
          Cell(100 * ($0.node.figure.time.value / $0.node.measured - 1))
        },
      ] + ofWork + ofLevel,
      essential: [
        "phase", "level", "side", "component", "measured_s", "time_s", "error_percent", "bound", "level_measured_bound",
      ], \.subject)
  }

  /// What a node did in its time, as shares of the ceilings that its prediction was made with.
  private var ofWork: [TableColumn<MeasuredNode>] {
    let profile = profile
    func rate(
      _ key: String, _ heading: String, _ unit: String, _ amount: @escaping (Work<Int128>) -> Int128
    ) -> TableColumn<MeasuredNode> {
      TableColumn(Column(key, heading, as: .si(unit: unit))) {
        Cell(Double(amount($0.node.work)) / $0.node.measured)
      }
    }
    func percent(
      _ key: String, _ heading: String, _ share: @escaping (TimedNodeResult) -> Double
    ) -> TableColumn<MeasuredNode> {
      TableColumn(Column(key, heading, as: .percent(decimals: 0))) { Cell(100 * share($0.node)) }
    }
    return [
      rate("flop_per_s", "work", "FLOP/s") { $0.matmulFlops + $0.elementwiseFlops },
      rate("weight_bytes_per_s", "weights", "B/s") { $0.weightBits / 8 },
      rate("cache_bytes_per_s", "cache", "B/s") { ($0.cacheReadBits + $0.cacheWriteBits) / 8 },
      rate("local_bytes_per_s", "windows", "B/s") { $0.localReadBits / 8 },
      rate("activation_bytes_per_s", "activations", "B/s") { $0.activationBits / 8 },
      percent("compute_share_percent", "of the peak") {
        $0.figure.flops / $0.measured / (profile.peaks[.fp32]?.perSecond ?? .nan)
      },
      percent("bandwidth_share_percent", "of memory's") {
        $0.figure.bytes / $0.measured / profile.memoryBandwidth.perSecond
      },
      percent("compute_time_percent", "arithmetic, predicted") { $0.figure.compute.value / $0.measured },
      percent("memory_time_percent", "traffic, predicted") { $0.figure.memory.value / $0.measured },
      TableColumn(.text("bound")) { $0.node.figure.hasWork ? .text($0.node.figure.bound.rawValue) : .missing },
    ]
  }

  /// What the node's level waits for by measurement, and how far the nodes are from the whole.
  private var ofLevel: [TableColumn<MeasuredNode>] {
    regime("level_") { $0.node.level } + [
      TableColumn(Column("node_sum_percent", "all nodes", as: .percent(decimals: 1))) {
        Cell($0.result.nodeSum.map { 100 * $0 })
      }
    ]
  }

  /// What some signs say, one by one and together.
  private func regime<Row>(
    _ prefix: String, _ signs: @escaping (Row) -> MeasuredSigns?
  ) -> [TableColumn<Row>] {
    func column(_ key: String, _ heading: String, _ value: @escaping (MeasuredSigns) -> Cell) -> TableColumn<Row> {
      TableColumn(Column(prefix + key, heading, .left)) { signs($0).map(value) ?? .missing }
    }
    func number(
      _ key: String, _ heading: String, _ format: NumberFormat, _ value: @escaping (MeasuredSigns) -> Double?
    ) -> TableColumn<Row> {
      TableColumn(Column(prefix + key, heading, as: format)) { row in Cell(signs(row).flatMap(value)) }
    }
    return [
      number("nodes_s", "nodes", .si(unit: "s")) { $0.time },
      number("cached_s", "cached", .si(unit: "s")) { $0.cached },
      number("reading_s", "read only", .si(unit: "s")) { $0.reading },
      number("batch_elasticity", "d log t / d log batch", .fixed(decimals: 2)) { $0.batch?.time },
      number("context_elasticity", "d log t / d log prompt", .fixed(decimals: 2)) { $0.context?.time },
      column("signs", "signs") { .text($0.text) },
      column("measured_bound", "measured bound") { $0.regime.map { .text($0.bound.rawValue) } ?? .missing },
      number("measured_margin", "measured margin", .ratio) { $0.regime?.margin },
      column("confidence", "confidence") { $0.regime.map { .text($0.confidence.rawValue) } ?? .missing },
    ]
  }

  /// - Parameters:
  ///   - measured: the columns about what was measured.
  ///   - essential: those of them that a narrow terminal shows first.
  ///   - subject: what a row is about.
  private func form<Row>(
    _ measured: [TableColumn<Row>], essential: [String], _ subject: @escaping (Row) -> MeasuredSubject
  ) -> RowForm<Row> {
    let name = profile.name
    return RowForm(
      identity: identity, origin: origin, rest: [TableColumn(.text("hardware")) { _ in .text(name) }] + measured,
      essential: ["point"] + axes.map(\.path) + ["name"] + essential, subject: subject)
  }

  /// The columns of a sweep that say which point it is, and the lengths of each level.
  private var identity: [TableColumn<MeasuredSubject>] {
    let place = TableColumn<MeasuredSubject>(Column("point")) { $0.isOfGrid ? Cell($0.point.index) : .missing }
    let swept = axes.enumerated().map { index, axis in
      TableColumn<MeasuredSubject>(Column(axis.path, heading(axis.path), axis.isLiteral ? .right : .left)) {
        $0.axes[index]
      }
    }
    let asked = figures.map { figure in
      let names = PointFigure.asked(figure).names
      return TableColumn<MeasuredSubject>(
        Column(names.column!, names.label, names.unit == .words ? .left : .right)
      ) { figure.cell(of: $0.point, parameters: Formulas.parameters(of: $0.point.model).total) }
    }
    return [place] + swept + asked + (0..<levelCount).flatMap(levelColumns)
  }

  /// `C_1`, `R_1`, or a key without its section: a line of a terminal holds few whole keys.
  private func heading(_ path: String) -> String {
    if let parts = path.wholeMatch(of: /model\.levels\[(\d+)\]\.(chunk|condition)/)?.output {
      return (parts.2 == "chunk" ? "C_" : "R_") + parts.1
    }
    return path.split(separator: ".", maxSplits: 1).last.map(String.init) ?? path
  }

  /// `C_l`, `R_l` and `M_l` at the end of generation; missing where a model has fewer levels.
  private func levelColumns(_ index: Int) -> [TableColumn<MeasuredSubject>] {
    func column(
      _ key: String, _ symbol: String, _ value: @escaping (Level, Workload) -> Int
    ) -> TableColumn<MeasuredSubject> {
      TableColumn(Column("level\(index + 1)_\(key)", "\(symbol)_\(index + 1)")) { subject in
        let levels = subject.point.model.hierarchy
        return index < levels.count ? Cell(value(levels[index], subject.point.workload)) : .missing
      }
    }
    return [
      column("chunk_length", "C") { level, _ in level.chunkLength },
      column("condition_length", "R") { level, _ in level.conditionLength },
      column("stream_length", "M") { ($1.promptLength + $1.generatedLength) / $0.span },
    ]
  }

  /// What was measured of a phase beside the prediction, which has the names of `photon sweep --estimates`.
  private func measured(_ phase: Phase) -> [TableColumn<MeasuredPoint>] {
    func column(
      _ key: String, _ heading: String, _ format: NumberFormat? = nil, _ value: @escaping (TimedPhaseResult) -> Cell
    ) -> TableColumn<MeasuredPoint> {
      TableColumn(
        Column(
          "\(phase.rawValue)_\(key)", "\(phase.rawValue) \(heading)", format == nil ? .left : .right,
          as: format ?? .exact)
      ) { $0.phases.first { $0.phase == phase }.map(value) ?? .missing }
    }
    func predicted(_ figure: PhaseFigure, _ value: @escaping (TimedPhaseResult) -> Cell) -> TableColumn<MeasuredPoint> {
      let names = PointFigure.phase(figure, phase).names
      return TableColumn(Column(names.column!, names.label, names.unit == .words ? .left : .right, as: .significant(3)))
      {
        $0.phases.first { $0.phase == phase }.map(value) ?? .missing
      }
    }
    let profile = profile
    return [
      column("measured_s", "measured", .si(unit: "s")) { Cell($0.measured.median) },
      column("spread_percent", "spread", .percent(decimals: 1)) { Cell($0.pair.spreadPercent) },
      predicted(.time) { PhaseFigure.time.value(of: PhaseResult($0.figure)).field },
      column("error_percent", "error", .percent(decimals: 1)) { Cell($0.pair.errorPercent) },
      column("flop_per_s", "work", .si(unit: "FLOP/s")) { Cell($0.figure.flops / $0.measured.median) },
      column("compute_share_percent", "of the peak", .percent(decimals: 0)) {
        Cell(100 * $0.computeShare(on: profile))
      },
      column("bytes_per_s", "traffic", .si(unit: "B/s")) { Cell($0.figure.bytes / $0.measured.median) },
      column("bandwidth_share_percent", "of memory's", .percent(decimals: 0)) {
        Cell(100 * $0.bandwidthShare(on: profile))
      },
      column("disturbed", "disturbed") { .flag($0.isDisturbed) },
      predicted(.bound) { PhaseFigure.bound.value(of: PhaseResult($0.figure)).field },
      predicted(.margin) { PhaseFigure.margin.value(of: PhaseResult($0.figure)).field },
      column("node_sum_percent", "all nodes", .percent(decimals: 1)) { Cell($0.nodeSum.map { 100 * $0 }) },
    ]
      + regime("\(phase.rawValue)_") { point in point.phases.first { $0.phase == phase }?.signs }
  }
}
