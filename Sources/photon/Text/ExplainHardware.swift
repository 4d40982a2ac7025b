import Architectures
import Formulas
import Quantities
import Rendering
import Reports

/// What `photon explain` says of machines.
extension ExplainedPoint {
  var hardwareTable: Table {
    Table(
      title: "Hardware (margin: the larger of compute and memory time over the smaller)",
      [
        PhaseRow.name, PhaseRow.phase, .of(.time), .of(.timePerToken), .of(.bound), .of(.margin),
        .together(.throughput), .together(.throughputPerSampleGibibyte),
        TableColumn<PhaseRow>.largestBatch.replacing { $1 == 0 ? "none fits" : $1 },
      ], of: rows)
  }

  /// What crosses the link to the host takes, and both ways of waiting for it; without rows where nothing does.
  var linkTable: Table {
    Table(
      title: "The link to the host (the time of the phase is that which the placement says)",
      [
        PhaseRow.name, PhaseRow.phase, .of(.link), .of(.overlapped), .of(.serial), .of(.time), .of(.bound),
      ], of: rows.filter { $0.priced.timed[$0.phase].link > .zero })
  }

  /// What fills the memory of the host, where entries lie there.
  var hostTable: Table {
    func column(_ figure: MemoryFigure) -> TableColumn<PricedPoint> {
      PointFigure.memory(figure).explained { $0.value(of: .memory(figure)) }
    }
    return Table(
      title: "Memory of the host at this batch",
      [TableColumn(.text("name")) { .text($0.timed.machine()) }, column(.host), column(.hostMemory)],
      of: priced.filter { $0.timed.use.hostBytes > 0 })
  }

  /// What fills the memory of each device, and how many tokens of context it holds.
  var memoryTable: Table {
    func column(_ figure: MemoryFigure) -> TableColumn<PricedPoint> {
      PointFigure.memory(figure).explained { $0.value(of: .memory(figure)) }
    }
    return Table(
      title: "Memory of each device at this batch",
      [
        TableColumn(.text("name")) { .text($0.timed.machine()) }, column(.device), column(.reserved), column(.weights),
        column(.activations), column(.cache), column(.free), column(.cacheTokens), column(.fits),
      ], of: priced)
  }

  /// Where the batch does not fit, a line for each machine.
  var misfits: String {
    let lines = priced.compactMap(\.misfit)
    return lines.isEmpty ? "" : lines.map { "note: \($0)\n" }.joined()
  }

  /// What tokens cost where profiles have a price or a power; without rows where none has.
  var tokenCostTable: Table {
    func column(_ figure: ServingFigure) -> TableColumn<PricedPoint> {
      PointFigure.serving(figure).explained { $0.value(of: .serving(figure)) }
    }
    return Table(
      title: "A million emitted tokens, prefill included: price, and energy at full board power",
      [
        TableColumn(.text("name")) { .text($0.timed.machine()) }, column(.cost), column(.energy),
        column(.costAtLargestBatch), column(.energyAtLargestBatch),
      ], of: priced.filter { $0.timed.cost != TokenCost() })
  }

  /// How sure the times and their bounds are.
  var rangeTable: Table {
    Table(
      title: "Range of the times, and where bounds change (* beyond what the profile was fitted to)",
      [
        PhaseRow.name, PhaseRow.phase, .of(.floor), .of(.low), .of(.time, "estimate"), .of(.high),
        .of(.memoryProbability), .of(.bottleneckCause, with: .bottleneckCauseShare),
        .of(.bottleneckNode, with: .bottleneckNodeShare), .of(.boundOverBatch), .of(.boundOverPrompt),
        PointFigure.extrapolated.explained { $0.priced.value(of: .extrapolated) },
      ], of: rows.filter { $0.priced.timed.range($0.phase).bottleneck != nil })
  }

  private var rows: [PhaseRow] {
    priced.flatMap { priced in Phase.allCases.map { PhaseRow(priced: priced, phase: $0) } }
  }
}

/// A phase on a machine: a row of the tables above.
private struct PhaseRow {
  let priced: PricedPoint
  let phase: Phase

  static var name: TableColumn<PhaseRow> { TableColumn(.text("name")) { .text($0.priced.timed.machine($0.phase)) } }
  static var phase: TableColumn<PhaseRow> { TableColumn(.text("phase")) { .text($0.phase.rawValue) } }

  func value(of figure: PhaseFigure) -> FigureValue { priced.value(of: .phase(figure, phase)) }
}

extension TableColumn<PhaseRow> {
  fileprivate static func of(_ figure: PhaseFigure, _ heading: String? = nil) -> Self {
    PointFigure.phase(figure, .decode).explained(heading) { $0.value(of: figure) }
  }

  /// A word, and in the same column its share.
  fileprivate static func of(_ figure: PhaseFigure, with share: PhaseFigure) -> Self {
    let shares = Self.of(share)
    return Self.of(figure).replacing { row, cell in
      .text("\(shares.shown(cell)) \(shares.shown(shares.cell(row)))")
    }
  }

  fileprivate static var largestBatch: Self {
    PointFigure.memory(.largestBatch).explained { row in
      row.phase == .decode ? row.priced.value(of: .memory(.largestBatch)) : nil
    }
  }

  /// Of both phases together: in the second row of a machine.
  fileprivate static func together(_ figure: ServingFigure) -> Self {
    PointFigure.serving(figure).explained { row in
      row.phase == .decode ? row.priced.value(of: .serving(figure)) : nil
    }
  }
}

extension TimedPoint {
  /// `h100-sxm`, or `4 × h100-sxm` and what share of a phase they take to reach each other.
  fileprivate func machine(_ phase: Phase? = nil) -> String {
    guard devices > 1 else { return profile }
    guard let figure = phase.map({ self[$0] }), figure.time > .zero else { return "\(devices) × \(profile)" }
    let share = figure.communication.value / figure.time.value
    return "\(devices) × \(profile), \(NumberFormat.percent(decimals: 0).text(100 * share)) exchange"
  }
}
