import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

/// What is said of one phase on one machine, summed over dispatched operations.
public enum PhaseFigure: CaseIterable, Sendable {
  case time
  /// Between two tokens of one sequence; of decode alone.
  case timePerToken
  /// The time at the profile's peaks.
  case floor
  /// Between these lie nine tenths of measured times.
  case low, high
  case bound, margin
  /// Both in a few letters, as a report shows them.
  case boundWithMargin
  case memoryProbability
  case bottleneckCause, bottleneckCauseShare, bottleneckNode, bottleneckNodeShare
  case boundOverBatch, boundOverPrompt
  case intensity, communication
  /// What the link to the host takes, and the time where that hides behind the device's and where one follows the other.
  case link, overlapped, serial

  /// Whether it says something only where entries lie in the memory of the host.
  var isOfHost: Bool { [.link, .overlapped, .serial].contains(self) }

  /// The phases that the figure is one of.
  var phases: [Phase] {
    switch self {
    case .timePerToken: [.decode]
    case .time, .floor, .low, .high, .bound, .margin, .boundWithMargin, .memoryProbability, .bottleneckCause,
      .bottleneckCauseShare, .bottleneckNode, .bottleneckNodeShare, .boundOverBatch, .boundOverPrompt, .intensity,
      .communication, .link, .overlapped, .serial:
      Phase.allCases
    }
  }

  /// One time has four names: `prefill_time_s` in a flat row, where the plain roofline stands beside it under its own
  /// name; `time_s` in the object of a phase; `prefill.time_s`, its path, in an objective, which has no object around it;
  /// and `prefill` or `time` in tables, whose titles and formats say the rest.
  func names(_ phase: Phase) -> FigureNames {
    let column = "\(phase.rawValue)_"
    func path(_ key: String) -> FigureNames.Place { .machine("\(phase.rawValue).\(key)") }
    func label(_ text: String) -> String { "\(phase.rawValue) \(text)" }
    return switch self {
    case .time:
      FigureNames(
        label("time"), .seconds, column: column + "time_s", json: path("time_s"), isObjective: true,
        sense: .minimise, report: phase.rawValue, terminal: "time")
    case .timePerToken:
      // A sweep has it of the roofline alone: with estimates it is a division by `generated_length` away.
      FigureNames(
        label("time per token"), .seconds, json: path("time_per_token_s"), isObjective: true, sense: .minimise,
        report: label("per token"), terminal: "per token")
    case .floor:
      FigureNames(
        label("floor"), .seconds, column: column + "floor_s", json: path("floor_s"), sense: .minimise,
        terminal: "floor")
    case .low:
      FigureNames(
        label("time, 5 %"), .seconds, column: column + "low_s", json: path("low_s"), sense: .minimise,
        terminal: "5 %")
    case .high:
      FigureNames(
        label("time, 95 %"), .seconds, column: column + "high_s", json: path("high_s"), sense: .minimise,
        terminal: "95 %")
    case .bound:
      FigureNames(label("bound"), .words, column: column + "bound", json: path("bound"), terminal: "bound")
    case .margin:
      FigureNames(label("margin"), .ratio, column: column + "margin", json: path("margin"), terminal: "margin")
    case .boundWithMargin:
      // Data have both apart.
      FigureNames(label("bound and margin"), .words, report: "bound")
    case .memoryProbability:
      FigureNames(
        label("memory-bound probability"), .share, column: column + "memory_bound_probability",
        json: path("memory_bound_probability"), terminal: "memory-bound")
    case .bottleneckCause:
      FigureNames(
        label("bottleneck"), .words, column: column + "bottleneck_cause", json: path("bottleneck.cause"),
        terminal: "most time")
    case .bottleneckCauseShare:
      FigureNames(label("share of the bottleneck"), .share, json: path("bottleneck.cause_share"))
    case .bottleneckNode:
      FigureNames(
        label("costliest node"), .words, column: column + "bottleneck_node", json: path("bottleneck.node"),
        terminal: "most time in")
    case .bottleneckNodeShare:
      FigureNames(label("share of the costliest node"), .share, json: path("bottleneck.node_share"))
    case .boundOverBatch:
      FigureNames(label("bound over the batch"), .words, json: path("bound_over_batch"), terminal: "over the batch")
    case .boundOverPrompt:
      FigureNames(label("bound over the prompt"), .words, json: path("bound_over_prompt"), terminal: "over the prompt")
    case .intensity:
      FigureNames(label("intensity"), .flopPerByte, json: path("intensity_flop_per_byte"))
    case .communication:
      FigureNames(label("exchange"), .seconds, json: path("communication_s"), sense: .minimise)
    case .link:
      FigureNames(
        label("link time"), .seconds, column: column + "link_time_s", json: path("link_time_s"), sense: .minimise,
        terminal: "link")
    case .overlapped:
      FigureNames(
        label("time overlapped with the link's"), .seconds, column: column + "overlapped_time_s",
        json: path("overlapped_time_s"), sense: .minimise, terminal: "overlapped")
    case .serial:
      FigureNames(
        label("time behind the link's"), .seconds, column: column + "serial_time_s", json: path("serial_time_s"),
        sense: .minimise, terminal: "one by one")
    }
  }

  /// The object of a phase says how long it takes and where before what bounds it; a row says what bounds it beside the
  /// time, as it does of the roofline.
  var isLateInJSON: Bool {
    switch self {
    case .bound, .margin, .intensity, .communication, .link, .overlapped, .serial: true
    case .time, .timePerToken, .floor, .low, .high, .boundWithMargin, .memoryProbability, .bottleneckCause,
      .bottleneckCauseShare, .bottleneckNode, .bottleneckNodeShare, .boundOverBatch, .boundOverPrompt:
      false
    }
  }

  /// The figure of a phase, as a cell or a field.
  public func value(of result: PhaseResult) -> FigureValue {
    let (total, range) = (result.total, result.range)
    return switch self {
    case .time: .cell(Cell(total.time.value))
    case .timePerToken: .cell(Cell(result.timePerToken?.value))
    case .floor: .cell(Cell(range?.floor.value))
    case .low: .cell(Cell(range?.low?.value))
    case .high: .cell(Cell(range?.high?.value))
    case .bound: .cell(total.boundCell)
    case .margin: .cell(total.marginCell)
    case .boundWithMargin: .cell(total.time == .zero ? .missing : .text(boundText(total)))
    case .memoryProbability: .cell(Cell(range?.memoryProbability))
    case .bottleneckCause: .cell(range?.bottleneck.map { .text($0.cause.rawValue) } ?? .missing)
    case .bottleneckCauseShare: .cell(Cell(range?.bottleneck?.causeShare))
    case .bottleneckNode: .cell(range?.bottleneck.map { .text($0.node.description) } ?? .missing)
    case .bottleneckNodeShare: .cell(Cell(range?.bottleneck?.nodeShare))
    case .boundOverBatch: .stretches(result.bounds?.overBatch)
    case .boundOverPrompt: .stretches(result.bounds?.overPrompt)
    case .intensity: .cell(total.hasWork ? Cell(total.intensity) : .missing)
    case .communication: .cell(Cell(total.communication.value))
    case .link: .cell(Cell(total.link.value))
    case .overlapped: .cell(Cell(total.overlappedTime.value))
    case .serial: .cell(Cell(total.serialTime.value))
    }
  }
}

/// What is known of one phase on one machine.
public struct PhaseResult: Sendable {
  let total: TimeFigure
  let timePerToken: Seconds?
  let range: TimeRange?
  let bounds: BoundStretches?

  /// - Parameters:
  ///   - total: of the whole phase.
  ///   - timePerToken: of decode, where something is generated.
  ///   - range: nil where nobody asks how sure the time is.
  ///   - bounds: nil where nobody asks over what it flips, or the phase has no work.
  public init(
    _ total: TimeFigure, timePerToken: Seconds? = nil, _ range: TimeRange? = nil, _ bounds: BoundStretches? = nil
  ) {
    (self.total, self.timePerToken, self.range, self.bounds) = (total, timePerToken, range, bounds)
  }
}

extension TimeFigure {
  /// Nothing is bound where nothing is done.
  var boundCell: Cell { isBound ? .text(bound.rawValue) : .missing }
  var marginCell: Cell { isBound ? Cell(margin) : .missing }
}
