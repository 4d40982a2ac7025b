import Hardware
import Scenarios

/// What a cell of a table of measurements holds.
public enum MeasuredMetric: String, CaseIterable, Sendable {
  /// Mean time between two tokens of one request, prompts of other requests prefilled in between.
  case timePerOutputToken = "time_per_output_token"
  /// From the arrival of a request to its first token.
  case timeToFirstToken = "time_to_first_token"
  /// One prefill of `concurrency` prompts.
  case prefill
  /// One token of each of `concurrency` sequences that hold `context` tokens.
  case decodeStep = "decode_step"
  /// All `concurrency` requests, sent at once, from the first prompt to the last token.
  case whole

  /// The column that holds it, in milliseconds.
  public var column: String { rawValue + "_ms" }
}

/// A key of the model section that a row of a sweep changes.
public struct ModelSetting: Hashable, Sendable {
  /// As `--set` takes it.
  public var argument: String
  /// The cell that holds the value.
  public var position: Position
}

/// One row of a table of measurements; what is nil was left empty.
public struct MeasuredRow: Hashable, Sendable {
  /// Where the model is named.
  public var position: Position
  /// The `id`, or the line where there is none.
  public var identifier: String
  /// The name as the table writes it.
  public var model: String
  /// What differs from the named model, in the order of the columns.
  public var settings: [ModelSetting] = []
  /// The name of the machine as the table writes it.
  public var hardware: String
  /// The serving engine as the table writes it.
  public var engine: String
  /// Its version as the table writes it; empty where nobody says.
  public var engineVersion = ""
  /// How many of the machines share the model by tensor parallelism.
  public var devices = 1
  /// Element types, by the table's word for them.
  public var precision: PrecisionName
  /// Tokens of each prompt.
  public var prompt: Int?
  /// Tokens that each request emits.
  public var generated: Int?
  /// Requests that are in flight at any time.
  public var concurrency: Int
  /// Tokens that each sequence holds when a decode step is timed.
  public var context: Int?
  /// The most tokens that the engine takes into one pass.
  public var tokenBudget: Int?
  /// The most requests that the engine runs at once, whatever the memory holds.
  public var maxRunning: Int?
  /// Requests of the whole run.
  public var requests: Int?
  /// Lengths are drawn evenly from this share of `prompt` and `generated` up to them; 1 where all are alike.
  public var lengthRatio: Double?
  /// - Unit: s
  public var times: [MeasuredMetric: Double]
  /// Of the repetitions, for readers.
  /// - Unit: percent
  public var spreadPercent: Double?
  /// The report that the row comes from; rows of one report share its mistakes.
  public var source = ""
  /// For readers.
  public var note = ""

  /// Times are in s; metrics that were not measured are left out.
  public init(
    position: Position, identifier: String, model: String, hardware: String = "", engine: String = "",
    precision: PrecisionName = .standard, prompt: Int? = nil, generated: Int? = nil, concurrency: Int = 1,
    context: Int? = nil, times: [MeasuredMetric: Double] = [:]
  ) {
    self.position = position
    self.identifier = identifier
    self.model = model
    self.hardware = hardware
    self.engine = engine
    self.precision = precision
    self.prompt = prompt
    self.generated = generated
    self.concurrency = concurrency
    self.context = context
    self.times = times
  }
}

extension MeasuredRow {
  /// Whether the row can be priced on a machine.
  /// - Throws: `ScenarioError` at the row.
  public func check(on profile: HardwareProfile) throws(ScenarioError) {
    do throws(HardwareError) {
      try profile.sharing(devices).check(precision.precision)
    } catch {
      let path: MeasuredColumn = if case .noDeviceLink = error { .devices } else { .precision }
      throw ScenarioError(error, at: position, path: path.rawValue)
    }
  }
}

/// What rows can be grouped by, named as the columns are.
public enum MeasuredColumn: String, CaseIterable, Sendable {
  /// The columns of that name.
  case model, hardware, engine, precision, prompt, generated, concurrency, context, devices, source
  /// Versions of an engine.
  case engineVersion = "engine_version"

  /// A row's value as text, numbers without separators.
  public func value(of row: MeasuredRow) -> String {
    switch self {
    case .model: row.model
    case .hardware: row.hardware
    case .engine: row.engine
    case .precision: row.precision.name
    case .prompt: row.prompt.map(String.init) ?? ""
    case .generated: row.generated.map(String.init) ?? ""
    case .concurrency: String(row.concurrency)
    case .context: row.context.map(String.init) ?? ""
    case .devices: String(row.devices)
    case .source: row.source
    case .engineVersion: row.engineVersion
    }
  }

  /// The different values of rows, numbers in ascending order and words in that of the alphabet.
  public func values(of rows: [MeasuredRow]) -> [String] {
    Set(rows.map(value)).sorted { left, right in
      if let left = Int(left), let right = Int(right) { return left < right }
      return left < right
    }
  }
}
