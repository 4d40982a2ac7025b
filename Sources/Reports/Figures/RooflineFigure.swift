import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

/// Each phase as one operation at the profile's peaks, what `photon sweep` prices millions of points with; the raw value
/// is the column.
///
/// These are lower bounds of the times of `PhaseFigure`, which are sums over dispatched operations: other figures, so they
/// have other names, with `roofline` in each, and no other form of output has them.
public enum RooflineFigure: String, CaseIterable, Sendable {
  case prefillTime = "prefill_roofline_time_s"
  case prefillBound = "prefill_roofline_bound"
  case prefillMargin = "prefill_roofline_margin"
  case decodeTime = "decode_roofline_time_s"
  case decodeTimePerToken = "decode_roofline_time_per_token_s"
  case decodeBound = "decode_roofline_bound"
  case decodeMargin = "decode_roofline_margin"
  case throughput = "roofline_throughput_tokens_per_s"
  case cost = "roofline_cost_usd_per_million_tokens"
  case energy = "roofline_energy_j_per_million_tokens"

  var names: FigureNames {
    switch self {
    case .prefillTime: FigureNames("prefill roofline", .seconds, column: rawValue, sense: .minimise)
    case .decodeTime: FigureNames("decode roofline", .seconds, column: rawValue, sense: .minimise)
    case .decodeTimePerToken: FigureNames("decode roofline per token", .seconds, column: rawValue, sense: .minimise)
    case .prefillBound: FigureNames("bound of the prefill roofline", .words, column: rawValue)
    case .decodeBound: FigureNames("bound of the decode roofline", .words, column: rawValue)
    case .prefillMargin: FigureNames("margin of the prefill roofline", .ratio, column: rawValue)
    case .decodeMargin: FigureNames("margin of the decode roofline", .ratio, column: rawValue)
    case .throughput: FigureNames("roofline throughput", .tokensPerSecond, column: rawValue, sense: .maximise)
    case .cost:
      FigureNames("cost at roofline throughput", .dollarsPerMillionTokens, column: rawValue, sense: .minimise)
    case .energy:
      FigureNames("energy at roofline throughput", .joulesPerMillionTokens, column: rawValue, sense: .minimise)
    }
  }

  /// Adds the field of a row.
  public func append(_ result: RooflineResult, to rows: inout RowBuilder) {
    switch self {
    case .prefillTime: rows.append(result.prefill.time.value)
    case .prefillBound: appendBound(result.prefill, to: &rows)
    case .prefillMargin: appendMargin(result.prefill, to: &rows)
    case .decodeTime: rows.append(result.decode.time.value)
    case .decodeTimePerToken: rows.append(result.timePerToken?.value)
    case .decodeBound: appendBound(result.decode, to: &rows)
    case .decodeMargin: appendMargin(result.decode, to: &rows)
    case .throughput: rows.append(result.throughput?.perSecond)
    case .cost: rows.append(result.cost.dollars)
    case .energy: rows.append(result.cost.joules)
    }
  }

  /// Nothing is bound where nothing is done, or by times that are no numbers.
  private func appendBound(_ figure: TimeFigure, to rows: inout RowBuilder) {
    if figure.isBound { rows.append(figure.bound.rawValue) } else { rows.appendMissing() }
  }

  private func appendMargin(_ figure: TimeFigure, to rows: inout RowBuilder) {
    rows.append(figure.isBound ? figure.margin : nil)
  }
}

/// The plain rooflines of a workload on one machine, and what follows from them.
public struct RooflineResult: Sendable {
  let prefill: TimeFigure
  let decode: TimeFigure
  /// Nil where nothing is generated.
  let timePerToken: Seconds?
  /// Emitted tokens of all sequences over prefill and decode; nil where nothing is generated.
  public let throughput: Rate<Token>?
  /// At that throughput; nothing until somebody asks for it.
  public var cost = TokenCost()

  /// The times of a workload's two phases by the plain roofline.
  public init(_ prefill: TimeFigure, _ decode: TimeFigure, _ workload: Workload) {
    (self.prefill, self.decode) = (prefill, decode)
    let generated = Double(workload.generatedLength)
    let tokens = Double(workload.batchSize) * Double(workload.continuations) * generated
    let rate = Rate<Token>(tokens > 0 ? tokens / (prefill.time + decode.time).value : 0)
    timePerToken = generated > 0 ? Seconds(decode.time.value / generated) : nil
    throughput = generated > 0 ? rate : nil
  }
}
