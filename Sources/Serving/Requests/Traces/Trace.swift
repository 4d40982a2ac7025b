import Quantities

/// Public forms of traces, and one of ours (docs/simulation.md, §10).
public enum TraceFormat: String, CaseIterable, Sendable {
  /// The Azure LLM inference traces of 2023, CSV.
  case azure
  /// BurstGPT, CSV.
  case burstgpt
  /// Mooncake, JSON Lines.
  case mooncake
  /// Everything that a request can say, CSV.
  case own = "photon"
}

/// What is wrong with a row of a trace.
public enum BadRow: String, CaseIterable, Sendable, Comparable {
  /// A cell or a key is not there.
  case missingColumn = "missing-column"
  /// What stands there is something else.
  case notANumber = "not-a-number"
  /// A number below 0.
  case negative
  /// A request that brings nothing, to a model that needs something.
  case zeroPrompt = "zero-prompt"
  /// A request that wants nothing.
  case zeroOutput = "zero-output"
  /// It came before the row above it.
  case decreasingArrival = "decreasing-arrival"
  /// Not one hash for each block begun.
  case hashCount = "hash-count"
  /// A number beyond what a run counts with.
  case overflow

  /// In the order in which they are tried.
  public static func < (left: Self, right: Self) -> Bool {
    allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
  }
}

/// A bad row and its place; reading ended there.
public struct TraceError: Error, Hashable, CustomStringConvertible {
  /// As the reader was told.
  public var file: String
  /// From 1, the header's.
  public var line: Int
  /// Of the field's first byte, from 1.
  public var column: Int
  /// What is wrong.
  public var reason: BadRow

  public var description: String { "\(visible(file)):\(line):\(column): \(reason.rawValue)" }
}

/// Requests that somebody recorded.
public struct Trace: Sendable {
  /// In the order of their rows; bad rows have none.
  public var requests: [Request] = []
  /// How many rows were passed over, for each reason.
  public var skipped: [BadRow: Int] = [:]
  /// The first 20 of them.
  public var firstSkipped: [TraceError] = []

  /// Reads a trace.
  /// - Parameters:
  ///   - text: of the whole file.
  ///   - file: its name in complaints.
  ///   - format: which columns it has.
  ///   - skipsBadRows: whether they are counted, and not the end. A header without a needed column always is.
  ///   - allowsEmptyPrompts: whether the model can begin with nothing.
  /// - Throws: `TraceError` at the first bad row.
  public init(
    _ text: String, file: String, format: TraceFormat, skipsBadRows: Bool = false, allowsEmptyPrompts: Bool = false
  ) throws(TraceError) {
    var reader = TraceReader(file: file, format: format, allowsEmptyPrompts: allowsEmptyPrompts)
    for (index, line) in TextLines(text).enumerated() where !line.isEmpty {
      reader.line = index + 1
      do {
        if let request = try reader.read(line) { requests.append(request) }
      } catch {
        guard skipsBadRows, reader.hasHeader else { throw error }
        skipped[error.reason, default: 0] += 1
        if firstSkipped.count < 20 { firstSkipped.append(error) }
      }
    }
    if !reader.hasHeader { throw TraceError(file: file, line: 1, column: 1, reason: .missingColumn) }
  }
}

/// What stood in a field, or what is wrong with it.
enum TraceField: Hashable {
  case number(Int)
  case list([Int])
  case bad(BadRow)
}

/// A field with the column of its first byte.
struct PlacedField {
  var field: TraceField
  var column: Int
}

/// Reads rows one after the other.
struct TraceReader {
  let file: String
  let format: TraceFormat
  let allowsEmptyPrompts: Bool
  var line = 0
  /// Places of the columns in a row; nil before the header.
  private var places: [String: Int]?
  /// Of the first and the last accepted row.
  private var firstArrival, lastArrival: Int?

  init(file: String, format: TraceFormat, allowsEmptyPrompts: Bool) {
    (self.file, self.format, self.allowsEmptyPrompts) = (file, format, allowsEmptyPrompts)
  }

  var hasHeader: Bool { format == .mooncake || places != nil }

  /// Arrival, prompt and output; then what may be missing, or the hashes.
  private var columns: (needed: [String], optional: [String]) {
    switch format {
    case .azure: (["TIMESTAMP", "ContextTokens", "GeneratedTokens"], [])
    case .burstgpt: (["Timestamp", "Request tokens", "Response tokens"], [])
    case .mooncake: (["timestamp", "input_length", "output_length", "hash_ids"], [])
    case .own:
      (["arrival_ns", "prompt", "output"], ["prefix_id", "prefix_tokens", "priority", "continuations"])
    }
  }

  private func error(_ reason: BadRow, column: Int) -> TraceError {
    TraceError(file: file, line: line, column: column, reason: reason)
  }

  /// A row; nil for the header.
  mutating func read(_ line: Substring) throws(TraceError) -> Request? {
    if format == .mooncake { return try request(mooncakeFields(line)) }
    let cells = traceCells(line)
    guard let places else {
      let places = Dictionary(cells.enumerated().map { ($1.text, $0) }, uniquingKeysWith: { first, _ in first })
      guard columns.needed.allSatisfy({ places[$0] != nil }) else { throw error(.missingColumn, column: 1) }
      self.places = places
      return nil
    }
    let fields = (columns.needed + columns.optional).enumerated().map { index, name -> PlacedField in
      let isNeeded = index < columns.needed.count
      guard let place = places[name], place < cells.count, isNeeded || !cells[place].text.isEmpty else {
        // What is optional has the value that stands for nothing said.
        return PlacedField(
          field: isNeeded ? .bad(.missingColumn) : .number(name == "continuations" ? 1 : -1), column: 1)
      }
      let cell = cells[place]
      return PlacedField(field: index == 0 ? arrival(cell.text) : wholeNumber(cell.text), column: cell.column)
    }
    return try request(fields)
  }

  private func arrival(_ text: String) -> TraceField {
    switch format {
    case .azure: dateNanoseconds(text)
    case .burstgpt: decimalNanoseconds(text)
    case .mooncake, .own: wholeNumber(text)
    }
  }

  private func mooncakeFields(_ line: Substring) throws(TraceError) -> [PlacedField] {
    var scanner = JSONLineScanner(line)
    guard let object = scanner.object() else { throw error(.notANumber, column: scanner.column) }
    return columns.needed.map { object[$0] ?? PlacedField(field: .bad(.missingColumn), column: 1) }
  }

  /// The request of a row's fields, or the first thing that is wrong with them.
  private mutating func request(_ fields: [PlacedField]) throws(TraceError) -> Request {
    var found: [(reason: BadRow, place: Int)] = []
    var numbers = Array(repeating: 0, count: fields.count)
    var hashes: [Int] = []
    for (place, field) in fields.enumerated() {
      switch field.field {
      case .bad(let reason): found.append((reason, place))
      case .number(let number) where format != .mooncake || place < 3: numbers[place] = number
      case .list(let list) where format == .mooncake && place == 3: hashes = list
      case .number, .list: found.append((.notANumber, place))
      }
    }
    if found.isEmpty { found = complaints(&numbers, hashes) }
    // The first reason, and of it the first field.
    if let first = found.min(by: { ($0.reason, $0.place) < ($1.reason, $1.place) }) {
      throw error(first.reason, column: fields[first.place].column)
    }
    lastArrival = numbers[0]
    let isShifted = format == .azure || format == .burstgpt
    if firstArrival == nil { firstArrival = isShifted ? numbers[0] : 0 }
    var request = Request(arrival: numbers[0] - (firstArrival ?? 0), prompt: numbers[1], output: numbers[2])
    switch format {
    case .azure, .burstgpt: break
    case .mooncake: request.keys = .hashes(hashes, tokensPerHash: 512)
    case .own:
      if numbers[3] >= 0, numbers[4] > 0 { request.keys = .prefix(id: numbers[3], tokens: min(numbers[4], numbers[1])) }
      request.priority = max(numbers[5], 0)
      request.continuations = numbers[6]
    }
    return request
  }

  /// What is wrong with numbers that are numbers.
  private func complaints(_ numbers: inout [Int], _ hashes: [Int]) -> [(reason: BadRow, place: Int)] {
    var found: [(reason: BadRow, place: Int)] = []
    if format == .mooncake {
      let (time, overflow) = numbers[0].multipliedReportingOverflow(by: 1_000_000)
      if overflow { found.append((.overflow, 0)) }
      numbers[0] = time
    }
    if numbers[1] == 0, !allowsEmptyPrompts { found.append((.zeroPrompt, 1)) }
    if numbers[2] == 0 { found.append((.zeroOutput, 2)) }
    if format == .own, numbers[6] == 0 { found.append((.zeroOutput, 6)) }
    if format != .own, let lastArrival, numbers[0] < lastArrival { found.append((.decreasingArrival, 0)) }
    if format == .mooncake, hashes.count != numbers[1].dividedUp(by: 512) { found.append((.hashCount, 3)) }
    for place in numbers.indices.dropFirst() where numbers[place] >= 1 << 31 { found.append((.overflow, place)) }
    return found
  }
}
