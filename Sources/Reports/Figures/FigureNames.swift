import Rendering
import Scenarios

/// In what a figure is counted, and so how its values are written for a person.
public enum FigureUnit: Hashable, Sendable {
  case seconds, bytes, flops, flopPerByte, count, ratio, share, words
  case tokensPerSecond, tokensPerSecondPerGibibyte
  case dollarsPerMillionTokens, joulesPerMillionTokens
  /// Whatever the last column of a quality table holds.
  case quality

  /// In sentences, on maps and in comparisons.
  var format: NumberFormat {
    switch self {
    case .seconds: .si(unit: "s")
    case .bytes: .binaryBytes
    case .flops: .si(unit: "FLOP")
    case .flopPerByte, .dollarsPerMillionTokens: .significant(3)
    case .count, .words: .exact
    case .ratio: .ratio
    case .share: .percent(decimals: 0)
    case .tokensPerSecond: .si(unit: "tok/s")
    case .tokensPerSecondPerGibibyte: .si(unit: "tok/s/GiB")
    case .joulesPerMillionTokens: .si(unit: "J")
    case .quality: .significant(4)
    }
  }

  /// On the axis of a map.
  var text: String {
    switch self {
    case .seconds: "s"
    case .bytes: "B"
    case .flops: "FLOP"
    case .flopPerByte: "FLOP per byte"
    case .count: "count"
    case .ratio: "×"
    case .share: "%"
    case .words: "–"
    case .tokensPerSecond: "tok/s"
    case .tokensPerSecondPerGibibyte: "tok/s/GiB"
    case .dollarsPerMillionTokens: "$ per million tokens"
    case .joulesPerMillionTokens: "J per million tokens"
    case .quality: "quality"
    }
  }
}

/// What a figure is called wherever it leaves the program, side by side; nil where a form does not have it.
///
/// The forms differ because each names what its reader has not been told yet: a row of `photon sweep` is flat, so a
/// column carries the phase and what was priced; the JSON object of `photon explain` is nested, so a key does not repeat
/// the object that it stands in; an objective is the path in that object of one machine; a table has a title.
public struct FigureNames: Sendable {
  /// The heading of a table's column, and how its numbers are written there.
  struct Heading: Sendable {
    var text: String
    var format: NumberFormat

    init(_ text: String, as format: NumberFormat) {
      (self.text, self.format) = (text, format)
    }
  }

  /// Where a value stands in the object of `photon explain --format json`: a path of keys with dots between.
  enum Place: Sendable {
    /// In the object itself, which is about the point.
    case point(String)
    /// In the object of each machine, a member of `hardware`.
    case machine(String)

    /// From the object that it stands in.
    var path: String {
      switch self {
      case .point(let path), .machine(let path): path
      }
    }
  }

  /// In sentences and above maps: `decode time per token`.
  public let label: String
  /// What its values are counted in.
  public let unit: FigureUnit
  /// The column of `photon sweep`: `prefill_time_s`.
  public let column: String?
  private let place: Place?
  /// The name in a scenario's objective: `prefill.time_s`.
  public let objective: String?
  /// The name in the data of `photon compare`.
  public let compared: String?
  /// Which values are better, where more of the figure is a gain or a loss whatever is asked.
  public let sense: Objective.Sense?
  /// Above a column of a report.
  let report: Heading
  /// Above a column of `photon explain`, whose tables keep to a terminal's width.
  let terminal: Heading

  /// - Parameters:
  ///   - isObjective: whether a scenario's objective may name it: by its path in the object of one machine, or by its
  ///     label where it stands in no object.
  ///   - report: above a column of a report; the label by default.
  ///   - terminal: above a column of `photon explain`; the report's by default.
  init(
    _ label: String, _ unit: FigureUnit, column: String? = nil, json place: Place? = nil, isObjective: Bool = false,
    compared: String? = nil, sense: Objective.Sense? = nil, report: String? = nil, reportFormat: NumberFormat? = nil,
    terminal: String? = nil, terminalFormat: NumberFormat? = nil
  ) {
    (self.label, self.unit, self.column, self.place) = (label, unit, column, place)
    (self.compared, self.sense) = (compared, sense)
    objective = isObjective ? place?.path ?? label : nil
    self.report = Heading(report ?? label, as: reportFormat ?? unit.format)
    self.terminal = Heading(terminal ?? report ?? label, as: terminalFormat ?? unit.format)
  }

  /// The path in the object of `photon explain --format json`: `hardware[].prefill.time_s`.
  public var json: String? {
    switch place {
    case .point(let path): path
    case .machine(let path): "hardware[].\(path)"
    case nil: nil
    }
  }

  /// The path in the object of one machine; nil for what does not depend on the machine.
  public var machinePath: String? { if case .machine(let path) = place { path } else { nil } }

  /// The path in the object of `photon explain`; nil for what stands in `hardware[]`.
  public var pointPath: String? { if case .point(let path) = place { path } else { nil } }

  /// The names of a name in an objective or a comparison; one that nobody knows stands for a count.
  static func named(_ name: String) -> FigureNames {
    PointFigure.named(name)?.names ?? FigureNames(name, .count)
  }

  func text(_ value: Double?) -> String { value.map(unit.format.text) ?? "–" }
}
