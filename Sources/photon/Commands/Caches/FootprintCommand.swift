import Architectures
import ArgumentParser
import Formulas
import Quantities
import Rendering
import Reports
import Scenarios

/// `photon footprint`
struct FootprintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "footprint",
    abstract: "Computes the KV footprint: of a scenario's models, or by PruLong's formula alone.",
    discussion: """
      The entries that an average head holds, added up over every query of prompt and generation, as a share of full \
      attention; as PruLong (arXiv:2506.17121) defines it and its code computes it. docs/footprint.md has the formulas.

        photon footprint --prompt 131072 --generate 100 --head-sparsity 0.7
        photon footprint --prompt 131072 --generate 100 --kv-sparsity 0.9
        photon footprint --prompt 6000 --generate 3000 --format json

      Both kinds of head evict between chunks of the prompt: a streaming head keeps the first and the latest entries, \
      the others (global heads) lose a share of each chunk. The numbers, with their keys in JSON:

      streaming_sum   entries held by a streaming head, over all queries
      global_sum      entries held by a head of the other kind, over all queries
      denominator     entries held by full attention, over all queries
      footprint       both sums / denominator, weighted by the shares of heads
      peak            most entries held at a chunk's or the sequence's end / tokens

      With a scenario it is that of every model of its grid and of `compare`, in token time and in bytes, for any \
      architecture and cache plan; --point takes one of them apart by layers and heads.

        photon footprint scenarios/cache-eviction.yaml
        photon footprint scenarios/models/photon-600m.yaml --point 0 --format json
      """)

  @Argument(help: "A scenario, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var file: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Replaces a key of the scenario; may be repeated.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(parsing: .unconditional, help: "Which point of a grid, counted from 0: the parts of its model.")
  var point: Int?

  @OptionGroup var options: OfficialFootprintOptions

  @Option(help: "table, json or csv.")
  var format = OutputFormat.table

  func run() throws {
    if let file { return try run(of: file) }
    guard overrides.isEmpty, point == nil else {
      throw ValidationError("--set and --point are about a scenario, and none is named")
    }
    let footprint = try options.footprint()
    switch format {
    case .json: printData(footprint.json.text() + "\n")
    case .table, .csv: printData(footprint.table.text(as: format.tableFormat))
    }
  }
}

extension FootprintCommand {
  private func run(of file: String) throws {
    guard try options.isUntouched() else {
      throw ValidationError(
        "--prompt, --generate, --chunk, --sinks, --window, --kv-sparsity and --head-sparsity are the formula's own: a scenario says its own with --set"
      )
    }
    let scenario = try Scenario(
      file: file,
      options: ScenarioOptions(overrides: overrides, searchPaths: searchPaths, figures: reportFigureNames))
    if let point {
      let chosen = try scenario.grid.chosenPoint(point, file: scenario.file)
      let row = try FootprintRow(chosen.name, chosen.question)
      switch format {
      case .json: printData(row.json.text() + "\n")
      case .csv: printData(row.parts.text(as: .csv))
      case .table:
        printOutput(FootprintRow.table([row], withSums: false).text(as: .table) + "\n" + row.parts.text(as: .table))
      }
      return
    }
    let rows = try Self.rows(of: scenario)
    switch format {
    case .json: for row in rows { printData(row.json.text() + "\n") }
    case .table, .csv: printData(FootprintRow.table(rows, withSums: format == .csv).text(as: format.tableFormat))
    }
  }

  /// Every point that differs in more than its batch, then the models to compare with at each of their workloads.
  private static func rows(of scenario: Scenario) throws -> [FootprintRow] {
    var rows: [FootprintRow] = []
    var seen: Set<Question> = []
    func add(_ name: String, _ question: Question) throws {
      let question = question.with(batchSize: 1).with(continuations: 1)
      if seen.insert(question).inserted { rows.append(try FootprintRow(name, question)) }
    }
    for point in scenario.grid.points { try add(point.name, point.question) }
    let asked = rows.map(\.question)
    for model in scenario.compare { for question in asked { try add(model.name, question.asked(of: model.model)) } }
    return rows
  }
}

/// What the official footprint is asked with.
struct OfficialFootprintOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Tokens of the prompt.")
  var prompt: Int?

  @Option(parsing: .unconditional, help: "Tokens that are generated.")
  var generate: Int?

  @Option(
    parsing: .unconditional, help: "Tokens of the prompt that are prefilled at once; eviction waits for their end.")
  var chunk = 32768

  @Option(parsing: .unconditional, help: "First entries that a streaming head keeps.")
  var sinks = 128

  @Option(parsing: .unconditional, help: "Latest entries that a streaming head keeps.")
  var window = 1024

  @Option(
    parsing: .unconditional,
    help: "Share of a chunk's entries that a global head drops, 0 to 1; 64 entries of a chunk stay in any case.")
  var kvSparsity = 0.0

  @Option(parsing: .unconditional, help: "Share of heads that stream, 0 to 1.")
  var headSparsity = 0.0

  /// Whether none of them was given.
  func isUntouched() throws -> Bool {
    let usual = try Self.parse([])
    return prompt == nil && generate == nil && chunk == usual.chunk && sinks == usual.sinks && window == usual.window
      && kvSparsity == usual.kvSparsity && headSparsity == usual.headSparsity
  }

  /// - Throws: `ScenarioError` with everything that is wrong.
  func footprint() throws(ScenarioError) -> OfficialFootprint {
    let longest = OfficialFootprint.longestContext
    var wrong: [Diagnostic] = []
    func check<Value>(_ option: String, _ value: Value?, _ range: some RangeExpression<Value>, _ accepted: String) {
      if let value, range.contains(value) { return }
      let found = value.map { "found \($0)" } ?? "missing"
      wrong.append(Diagnostic(Position(file: option), path: "", found: found, accepted: accepted))
    }
    check("--prompt", prompt, 0...longest, "an integer from 0 to \(longest)")
    check("--generate", generate, 0...longest, "an integer from 0 to \(longest)")
    if wrong.isEmpty, let prompt, let generate {
      check("--prompt + --generate", prompt + generate, 1...longest, "1 to \(longest) tokens together")
    }
    check("--chunk", chunk, 1..., "an integer of at least 1")
    check("--sinks", sinks, 0..., "an integer of at least 0")
    check("--window", window, 0..., "an integer of at least 0")
    check("--kv-sparsity", kvSparsity, 0...1, "a number from 0 to 1")
    check("--head-sparsity", headSparsity, 0...1, "a number from 0 to 1")
    guard wrong.isEmpty, let prompt, let generate else { throw ScenarioError(wrong) }
    return OfficialFootprint(
      promptLength: prompt, generatedLength: generate, chunkLength: chunk, sinkCount: sinks, windowLength: window,
      kvSparsity: kvSparsity, headSparsity: headSparsity)
  }
}

extension OfficialFootprint {
  /// The numbers with their keys and what each is.
  private var figures: [(key: String, value: Cell, meaning: String)] {
    [
      ("streaming_sum", .integer(streamingSum), "entries held by a streaming head, over all queries"),
      ("global_sum", .integer(globalSum), "entries held by a global head, over all queries"),
      ("denominator", .integer(denominator), "entries held by full attention, over all queries"),
      ("footprint", Cell(footprint), "both sums / denominator, weighted by the shares of heads"),
      ("peak", Cell(peak), "most entries held at a chunk's or the sequence's end / tokens"),
    ]
  }

  fileprivate var json: JSON { .object(figures.map { ($0.key, JSON($0.value)) }) }

  fileprivate var table: Table {
    var table = Table([.text("figure"), Column("value"), .text("meaning")])
    for figure in figures { table.append([.text(figure.key), figure.value, .text(figure.meaning)]) }
    return table
  }
}
