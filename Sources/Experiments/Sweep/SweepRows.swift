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
    let hasPlans = grid.models.contains { $0?.model.hasFullCaches == false }
    let usesHost = grid.models.contains { $0?.model.usesHost == true }
    let hasStorage = grid.precisions.contains { !$0.isUniform }
    return possible(of: grid).filter { column in
      guard case .figure(let figure) = column else { return true }
      return (estimates || !figure.isEstimate) && (hasPlans || figure != .asked(.cachePlan))
        && (hasStorage || figure != .asked(.storage)) && (usesHost || !figure.isOfHost)
    }
  }

  /// Every column that a person may name.
  private static func possible(of grid: Grid) -> [SweepColumn] {
    let axes = grid.axes.enumerated().map { SweepColumn.axis($0.offset, isLiteral: $0.element.isLiteral) }
    return PointFigure.columns.flatMap { figure in
      [.figure(figure)] + (figure == .asked(.point) ? axes : [])
    }
  }

  /// The columns of these names, in their order.
  /// - Throws: `ScenarioError` with every name that is wrong.
  static func named(_ names: [String], of grid: Grid) throws(ScenarioError) -> [SweepColumn] {
    let possible = possible(of: grid)
    let known = possible.map { $0.name(grid) }
    var diagnostics: [Diagnostic] = []
    var columns: [SweepColumn] = []
    for (index, name) in names.enumerated() {
      if let place = known.firstIndex(of: name), !names[..<index].contains(name) {
        columns.append(possible[place])
      } else {
        diagnostics.append(Self.refusal(of: name, among: known))
      }
    }
    guard diagnostics.isEmpty else { throw ScenarioError(diagnostics) }
    return columns
  }

  private static func refusal(of name: String, among known: [String]) -> Diagnostic {
    let option = Position(file: "--columns")
    if known.contains(name) {
      return Diagnostic(
        option, path: "", found: "the column \(name) stands in the list twice", accepted: "every column once")
    }
    return Diagnostic(
      option, path: "", found: "there is no column \"\(name)\"", accepted: known.joined(separator: ", "),
      suggestion: nearMiss(name, among: known))
  }

  package func name(_ grid: Grid) -> String {
    switch self {
    case .axis(let index, _): grid.axes[index].path
    case .figure(let figure): figure.names.column!
    }
  }
}

/// What the columns of a sweep take to know.
struct SweepNeeds: Sendable {
  /// Whether anything has to be counted, whether the counts themselves stand in a row, and whether phases are timed.
  private(set) var prices = false, counts = false, roofline = false, costs = false
  private(set) var estimates = false, parameters = false, memory = false

  init(_ columns: [SweepColumn]) {
    for case .figure(let figure) in columns {
      switch figure {
      case .work, .cache, .host: counts = true
      case .roofline(let figure):
        roofline = true
        costs = costs || figure == .cost || figure == .energy
      case .asked(let asked): parameters = parameters || asked == .parameters
      case .phase, .timeToFirstToken, .extrapolated: estimates = true
      case .memory: memory = true
      case .machine, .serving, .quality: break
      }
    }
    prices = counts || roofline || memory
  }
}

/// What one thread keeps: its tables, its rows, and what it looked up for the model and the precision it saw last.
package struct SweepWorker {
  /// Those of the chunk in work.
  package var rows: RowBuilder
  private let columns: [SweepColumn]
  private let needs: SweepNeeds
  private let machines: [Precision: [SweptMachine]]
  private var current: (precision: Precision, machines: [SweptMachine])?
  private var pricer = Pricer()
  private var memory = SweepMemory()
  private var parameters: (modelIndex: Int, total: Int128) = (-1, 0)

  private static let noCache = CacheFigures(bytesAfterPrefill: 0, bytesAtEnd: 0, peakBytes: 0, localPeakBytes: 0)

  init(_ rows: RowBuilder, _ columns: [SweepColumn], _ machines: [Precision: [SweptMachine]]) {
    self.rows = rows
    self.columns = columns
    self.machines = machines
    needs = SweepNeeds(columns)
  }

  /// Adds the rows of a point, one per machine.
  package mutating func append(_ point: ScenarioPoint) throws(CountOverflow) {
    if needs.prices { try pricer.fill(point.question) }
    if needs.parameters, parameters.modelIndex != point.modelIndex {
      parameters = (point.modelIndex, Formulas.parameters(of: point.model).total)
    }
    if current?.precision != point.question.precision {
      current = (point.question.precision, machines[point.question.precision]!)
      memory.forget()
    }
    let devices = current!.machines.first?.devices ?? 1
    let demand = needs.memory ? try memory.demand(of: point, devices: devices, &pricer) : nil
    for machine in current!.machines {
      if !needs.counts {
        append(point, Work<Int64>.zero, .zero, Self.noCache, demand, machine)
      } else if let narrow = pricer.narrowTotals {
        append(point, narrow.prefill, narrow.decode, pricer.cacheFigures, demand, machine)
      } else {
        let wide = pricer.totals
        append(point, wide.prefill, wide.decode, wide.cache, demand, machine)
      }
      rows.endRow()
    }
  }

  /// Millions of rows pass here: no value is boxed, no list is made, and nothing is computed that no column states.
  private mutating func append<Integer>(
    _ point: ScenarioPoint, _ prefill: Work<Integer>, _ decode: Work<Integer>, _ cache: CacheFigures,
    _ demand: MemoryDemand?, _ machine: SweptMachine
  ) {
    let room = demand.map { machine.room(for: $0, batchSize: point.question.workload.batchSize) }
    let plain = needs.roofline ? roofline(of: point, on: machine) : nil
    let estimates = needs.estimates ? machine.estimates(of: point) : nil
    for column in columns {
      switch column {
      case .axis(let index, let isLiteral):
        let value = point.axisValue(at: index)
        if isLiteral { rows.append(literal: value) } else { rows.append(value) }
      case .figure(.asked(let figure)): figure.append(point, parameters: parameters.total, to: &rows)
      case .figure(.work(let figure, let phase)): append(phase == .prefill ? prefill[figure] : decode[figure])
      case .figure(.cache(let figure)): rows.append(figure.value(of: cache))
      case .figure(.host(let figure)): rows.append(figure.value(Work(prefill), Work(decode), cache))
      case .figure(.machine(let figure)):
        figure.append(name: machine.name, devices: machine.devices, to: &rows)
      case .figure(.memory(let figure)): figure.append(fits: room!.fits, largestBatch: room!.largestBatch, to: &rows)
      case .figure(.roofline(let figure)): figure.append(plain!, to: &rows)
      case .figure(.phase(let figure, let phase)): rows.append(figure.value(of: estimates![phase]).field)
      case .figure(.timeToFirstToken): rows.append(estimates!.timeToFirstToken.value)
      case .figure(.extrapolated): rows.append(FigureValue.words(estimates!.extrapolated).field)
      case .figure(.serving), .figure(.quality): preconditionFailure("a sweep does not price \(column)")
      }
    }
  }

  private mutating func roofline(of point: ScenarioPoint, on machine: SweptMachine) -> RooflineResult {
    let times = pricer.times(on: machine.peaks)
    var result = RooflineResult(times.prefill, times.decode, point.question.workload)
    if needs.costs { result.cost = machine.cost(at: result.throughput) }
    return result
  }

  private mutating func append<Integer: FixedWidthInteger & SignedInteger>(_ value: Integer) {
    if Integer.bitWidth <= 64 { rows.append(Int64(truncatingIfNeeded: value)) } else { rows.append(Int128(value)) }
  }
}
