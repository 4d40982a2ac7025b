import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Reports
import Scenarios

/// A column of a sweep's rows.
package enum SweepColumn: Sendable {
  /// One of the grid's axes; a literal is a number or a truth value, which has no quotes in JSON.
  case axis(Int, isLiteral: Bool)
  /// What is stated of every point.
  case figure(PointFigure)

  /// A grid's columns: the point's place, what distinguishes it, and what is stated of it.
  static func all(of grid: Grid, estimates: Bool) -> [SweepColumn] {
    let axes = grid.axes.enumerated().map { SweepColumn.axis($0.offset, isLiteral: $0.element.isLiteral) }
    let hasPlans = grid.models.contains { $0?.model.hasFullCaches == false }
    return PointFigure.columns.filter { figure in
      (estimates || !figure.isEstimate) && (hasPlans || figure != .asked(.cachePlan))
    }.flatMap { figure in
      [.figure(figure)] + (figure == .asked(.point) ? axes : [])
    }
  }

  func name(_ grid: Grid) -> String {
    switch self {
    case .axis(let index, _): grid.axes[index].path
    case .figure(let figure): figure.names.column!
    }
  }
}

/// What one thread keeps: its tables, its rows, and what it looked up for the model and the precision it saw last.
package struct SweepWorker {
  /// Those of the chunk in work.
  package var rows: RowBuilder
  private let columns: [SweepColumn]
  private let machines: [Precision: [SweptMachine]]
  private var current: (precision: Precision, machines: [SweptMachine])?
  private var pricer = Pricer()
  private var parameters: (modelIndex: Int, total: Int128)?

  init(_ rows: RowBuilder, _ columns: [SweepColumn], _ machines: [Precision: [SweptMachine]]) {
    self.rows = rows
    self.columns = columns
    self.machines = machines
  }

  /// Adds the rows of a point, one per machine.
  package mutating func append(_ point: ScenarioPoint) throws(CountOverflow) {
    try pricer.fill(point.question)
    let cache = pricer.cacheFigures
    if parameters?.modelIndex != point.modelIndex {
      parameters = (point.modelIndex, Formulas.parameters(of: point.model).total)
    }
    if current?.precision != point.question.precision {
      current = (point.question.precision, machines[point.question.precision]!)
    }
    for machine in current!.machines {
      if let narrow = pricer.narrowTotals {
        append(point, narrow.prefill, narrow.decode, cache, machine)
      } else {
        let wide = pricer.totals
        append(point, wide.prefill, wide.decode, cache, machine)
      }
      rows.endRow()
    }
  }

  /// Millions of rows pass here: no value is boxed, and no list is made.
  private mutating func append<Integer>(
    _ point: ScenarioPoint, _ prefill: Work<Integer>, _ decode: Work<Integer>, _ cache: CacheFigures,
    _ machine: SweptMachine
  ) {
    let plain = RooflineResult(
      machine.roofline.plain(prefill), machine.roofline.plain(decode), point.question.workload,
      on: machine.roofline.profile)
    let estimates = machine.estimates(of: point)
    for column in columns {
      switch column {
      case .axis(let index, let isLiteral):
        let value = point.axisValues[index]
        if isLiteral { rows.append(literal: value) } else { rows.append(value) }
      case .figure(.asked(let figure)): figure.append(point, parameters: parameters!.total, to: &rows)
      case .figure(.work(let figure, let phase)): append(phase == .prefill ? prefill[figure] : decode[figure])
      case .figure(.cache(let figure)): rows.append(figure.value(of: cache))
      case .figure(.machine(let figure)):
        figure.append(name: machine.name, devices: machine.devices, to: &rows)
      case .figure(.roofline(let figure)): figure.append(plain, to: &rows)
      case .figure(.phase(let figure, let phase)): rows.append(figure.value(of: estimates![phase]).field)
      case .figure(.timeToFirstToken): rows.append(estimates!.timeToFirstToken.value)
      case .figure(.extrapolated): rows.append(FigureValue.words(estimates!.extrapolated).field)
      case .figure(.serving), .figure(.quality): preconditionFailure("a sweep does not price \(column)")
      }
    }
  }

  private mutating func append<Integer: FixedWidthInteger & SignedInteger>(_ value: Integer) {
    if Integer.bitWidth <= 64 { rows.append(Int64(truncatingIfNeeded: value)) } else { rows.append(Int128(value)) }
  }
}
