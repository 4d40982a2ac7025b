import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

/// The figures that the program states of a priced point, each in one place: its names in every form of output, its unit,
/// and how it is read from what was priced.
///
/// The columns of `photon sweep`, the objects of `photon explain`, the names that an objective accepts and the columns of
/// tables all come from here. A figure with a name in a form stands in that form: nothing lists figures a second time.
public enum PointFigure: Hashable, Sendable, CaseIterable {
  case asked(AskedFigure)
  /// Exact work of a phase.
  case work(WorkFigure, Phase)
  case cache(CacheFigure)
  case host(HostFigure)
  case machine(MachineFigure)
  case memory(MemoryFigure)
  case roofline(RooflineFigure)
  case phase(PhaseFigure, Phase)
  /// Prefill and the emission of one token.
  case timeToFirstToken
  /// The properties of the point outside the ranges to which the profile was fitted.
  case extrapolated
  case serving(ServingFigure)
  /// From the scenario's quality table.
  case quality

  /// The kinds of figures, so that a kind that is added cannot be left out of `allCases`.
  private enum Kind: CaseIterable {
    case asked, work, cache, host, machine, roofline, devices, memory, phase, timeToFirstToken, extrapolated, serving,
      quality
  }

  /// In the order of the columns of a sweep.
  public static let allCases: [PointFigure] = Kind.allCases.flatMap { (kind: Kind) -> [PointFigure] in
    switch kind {
    case .asked: AskedFigure.allCases.map(PointFigure.asked)
    case .work: Phase.allCases.flatMap { phase in WorkFigure.allCases.map { .work($0, phase) } }
    case .cache: CacheFigure.allCases.map(PointFigure.cache)
    case .host: HostFigure.allCases.map(PointFigure.host)
    case .machine: [.machine(.name)]
    case .roofline: RooflineFigure.allCases.map(PointFigure.roofline)
    case .devices: [.machine(.devices)]
    case .memory: MemoryFigure.allCases.map(PointFigure.memory)
    case .phase:
      Phase.allCases.flatMap { phase in
        PhaseFigure.allCases.filter { $0.phases.contains(phase) }.map { .phase($0, phase) }
      }
    case .timeToFirstToken: [.timeToFirstToken]
    case .extrapolated: [.extrapolated]
    case .serving: ServingFigure.allCases.map(PointFigure.serving)
    case .quality: [.quality]
    }
  }

  private var kind: Kind {
    switch self {
    case .asked: .asked
    case .work: .work
    case .cache: .cache
    case .host: .host
    case .machine(let figure): figure == .name ? .machine : .devices
    case .memory: .memory
    case .roofline: .roofline
    case .phase: .phase
    case .timeToFirstToken: .timeToFirstToken
    case .extrapolated: .extrapolated
    case .serving: .serving
    case .quality: .quality
    }
  }

  /// What it is called in every form.
  public var names: FigureNames {
    switch self {
    case .asked(let figure): figure.names
    case .work(let figure, let phase): figure.names(phase)
    case .cache(let figure): figure.names
    case .host(let figure): figure.names
    case .machine(let figure): figure.names
    case .memory(let figure): figure.names
    case .roofline(let figure): figure.names
    case .phase(let figure, let phase): figure.names(phase)
    case .timeToFirstToken:
      FigureNames(
        "time to first token", .seconds, column: "time_to_first_token_s",
        json: .machine("time_to_first_token_s"), isObjective: true, sense: .minimise)
    case .extrapolated:
      FigureNames(
        "extrapolated", .words, column: "extrapolated", json: .machine("extrapolated"), terminal: "*")
    case .serving(let figure): figure.names
    case .quality:
      // No machine and no count has it, so no data of a point do; reports call it as the table's last column.
      FigureNames("quality", .quality, isObjective: true)
    }
  }

  /// Whether `photon sweep` states it with `--estimates` alone, because it takes a sum over dispatched operations.
  public var isEstimate: Bool {
    switch kind {
    case .phase, .timeToFirstToken, .extrapolated, .serving: true
    case .asked, .work, .cache, .host, .machine, .roofline, .devices, .memory, .quality: false
    }
  }

  /// Whether it says something only where entries lie in the memory of the host, so that a table without such entries
  /// leaves it out.
  public var isOfHost: Bool {
    switch self {
    case .host: true
    case .phase(let figure, _): figure.isOfHost
    case .asked, .work, .cache, .machine, .memory, .roofline, .timeToFirstToken, .extrapolated, .serving, .quality:
      false
    }
  }

  /// Figures with a column in `photon sweep`, in order.
  public static let columns = allCases.filter { $0.names.column != nil }

  /// Figures of a point in the object of `photon explain`, in the order of a sweep.
  public static let pointMembers = allCases.filter { $0.names.pointPath != nil }

  /// Figures of a machine in that object, in order: what machine, how far to trust it, both phases, both
  /// together, what its memory holds.
  public static let machineMembers = allCases.filter { $0.names.machinePath != nil }.enumerated()
    .sorted { ($0.element.placeInJSON, $0.offset) < ($1.element.placeInJSON, $1.offset) }.map(\.element)

  private var placeInJSON: Int {
    switch self {
    case .asked, .work, .cache, .host, .machine, .roofline, .quality: 0
    case .extrapolated: 1
    case .phase(let figure, _): figure.isLateInJSON ? 3 : 2
    case .timeToFirstToken, .serving: 4
    case .memory: 5
    }
  }

  /// Figures that an objective can name.
  public static let objectives = allCases.filter { $0.names.objective != nil }

  private static let byName = Dictionary(
    allCases.flatMap { figure in [figure.names.objective, figure.names.compared].compactMap { $0 }.map { ($0, figure) }
    },
    uniquingKeysWith: { first, _ in first })

  /// The figure of a name in an objective or a comparison.
  static func named(_ name: String) -> PointFigure? { byName[name] }
}

/// The names that an objective of a report can hold.
public let reportFigureNames = PointFigure.objectives.compactMap(\.names.objective)

/// On what a point is timed.
public enum MachineFigure: CaseIterable, Sendable {
  case name
  /// How many share the model.
  case devices

  /// A row names the machine after the model, whose `name` it has already; in `hardware[]` a name can only be the machine's.
  var names: FigureNames {
    switch self {
    case .name: FigureNames("hardware", .words, column: "hardware", json: .machine("name"))
    case .devices: FigureNames("devices", .count, column: "devices", json: .machine("devices"))
    }
  }

  private func write(name: String, devices: Int, to sink: inout some FigureSink) {
    switch self {
    case .name: sink.append(name)
    case .devices: sink.append(devices)
    }
  }

  func cell(name: String, devices: Int) -> Cell {
    var sink = CellSink()
    write(name: name, devices: devices, to: &sink)
    return sink.cell
  }

  /// Adds the field of a row.
  public func append(name: String, devices: Int, to rows: inout RowBuilder) {
    write(name: name, devices: devices, to: &rows)
  }
}
