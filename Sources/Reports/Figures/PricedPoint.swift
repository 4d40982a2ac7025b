import Architectures
import Formulas
import Hardware
import Quantities
import Rendering

/// What has figures: a row of a table.
protocol FigureBearing {
  func value(of figure: PointFigure) -> FigureValue
}

/// A point on one machine, with what `photon explain` says of it.
public struct PricedPoint: Sendable {
  /// Times, bounds, rates and the batch that memory allows.
  public let timed: TimedPoint
  /// Where each phase with work is bound by what; of one whose time is no number, or whose time the
  /// link to the host takes, nothing is said.
  public let bounds: [Phase: BoundStretches]
  /// The fewest devices that hold the batch; nil where none do.
  public let devicesNeeded: Int?
  private let batchSize: Int
  private let emits: Bool

  /// - Throws: `CountOverflow`, `HardwareError`
  public init(_ question: Question, on profile: HardwareProfile) throws {
    let timed = try TimedPoint(question, on: profile)
    let roofline = try Roofline(profile, question.precision)
    self.timed = timed
    batchSize = question.workload.batchSize
    devicesNeeded = try Formulas.devicesNeeded(question, on: profile)
    emits = question.workload.generatedLength > 0
    bounds = Dictionary(
      uniqueKeysWithValues: Phase.allCases.filter {
        timed[$0].hasWork && timed[$0].time.isNumber && timed[$0].bound != .link
      }.map {
        ($0, BoundStretches($0, question, roofline))
      })
  }

  /// A figure of the machine; a rate is missing where nothing is emitted.
  /// - Precondition: it stands in `hardware[]`.
  public func value(of figure: PointFigure) -> FigureValue {
    if case .serving(let figure) = figure, figure.isRate, !emits { return .cell(.missing) }
    if case .memory(let figure) = figure {
      return .cell(figure.cell(of: timed.use, devicesNeeded: devicesNeeded))
    }
    if case .phase(let figure, let phase) = figure { return figure.value(of: timed.result(phase, bounds[phase])) }
    return timed.value(of: figure)
  }

  /// What a person reads where the batch does not fit; nil where it does.
  public var misfit: String? {
    let devices = timed.devices
    return timed.use.misfit(
      batch: batchSize, on: devices == 1 ? timed.profile : "\(devices) × \(timed.profile)", devicesNeeded: devicesNeeded
    )
  }

  /// The object of `hardware[]` that docs/explain-json.md describes.
  public var json: JSON {
    .nested(PointFigure.machineMembers.map { ($0.names.machinePath!, value(of: $0).json) })
  }
}

extension TimedPoint: FigureBearing {
  func result(_ phase: Phase, _ bounds: BoundStretches? = nil) -> PhaseResult {
    PhaseResult(
      self[phase], timePerToken: phase == .decode ? figures.timePerOutputToken : nil, range(phase), bounds)
  }

  /// A figure of the machine.
  /// - Precondition: it does not take counts or a table of quality.
  func value(of figure: PointFigure) -> FigureValue {
    switch figure {
    case .machine(let figure): .cell(figure.cell(name: profile, devices: devices))
    case .phase(let figure, let phase): figure.value(of: result(phase))
    case .timeToFirstToken: .cell(Cell(figures.timeToFirstToken.value))
    case .extrapolated: .words(extrapolated)
    case .memory(let figure): .cell(figure.cell(of: use))
    case .serving(let figure): .cell(figure.cell(of: ServingResult(self)))
    case .asked, .work, .cache, .host, .roofline, .quality:
      preconditionFailure("\(figure.names.label) is not a figure of a timed point")
    }
  }
}
