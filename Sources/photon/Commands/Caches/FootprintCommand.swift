import ArgumentParser
import Formulas
import Rendering
import Scenarios

/// `photon footprint`
struct FootprintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "footprint",
    abstract: "Computes the KV footprint of a vanilla Transformer whose heads stream or evict.",
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
      """)

  @OptionGroup var options: OfficialFootprintOptions

  @Option(help: "table, json or csv.")
  var format = OutputFormat.table

  func run() throws {
    let footprint = try options.footprint()
    switch format {
    case .json: printOutput(footprint.json.text() + "\n")
    case .table, .csv: printOutput(footprint.table.text(as: format.tableFormat))
    }
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
