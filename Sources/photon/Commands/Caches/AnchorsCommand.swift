import ArgumentParser
import Rendering
import Reports
import Scenarios

/// `photon anchors`
struct AnchorsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "anchors",
    abstract: "Published figures of long contexts beside what the counts say of them.",
    discussion: """
      Each row is a figure that a paper prints, what bytes over bandwidth or FLOP over the peak are for the same, published over \
      predicted, and why they differ. Nothing is fitted (docs/long-context-anchors.md).

        photon anchors
      """)

  @Option(help: "table, json or csv.")
  var format = OutputFormat.table

  @OptionGroup var lines: WidthOption

  func run() async throws {
    let card = try hardwareLibrary().profile("rtx-4090", at: Position(file: "anchors"))
    let table = try LongContextAnchors(on: card).all().table
    switch format {
    case .table: printOutput(table.terminalText(width: lines.width))
    case .json, .csv: printData(table.text(as: format.tableFormat))
    }
  }
}
