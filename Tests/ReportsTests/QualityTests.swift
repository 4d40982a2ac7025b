import Foundation
import Rendering
import Reports
import Scenarios
import TestFolders
import Testing

@Suite struct QualityTests {
  private static let axes = ["model.levels[1].chunk"]

  @Test(arguments: [
    ("", "quality.csv:1:1: error: quality: found no rows; accepted: a header and at least one row"),
    (
      "colour,loss\nred,1\n",
      "quality.csv:1:1: error: quality: found a column \"colour\"; accepted: model or axes of the grid "
        + "(model.levels[1].chunk), then a figure"
    ),
    (
      "# source\nmodel,loss\nsmall\n",
      "quality.csv:3:1: error: found 1 cell; accepted: 2, as the header has"
    ),
    (
      "model,loss\nsmall,low\n",
      "quality.csv:2:7: error: quality: found \"low\"; accepted: a number"
    ),
  ])
  func `a wrong table says where and what is accepted`(text: String, message: String) {
    let error = #expect(throws: ScenarioError.self) {
      try QualityTable(text: text, file: "quality.csv", axes: Self.axes)
    }
    #expect(error?.description == message)
  }

  @Test(arguments: ["\n", "\r\n"])
  func `tables have their rows whatever ends the lines, and whether or not something ends the last`(end: String) throws
  {
    let quality = ["\u{FEFF}model,loss", "", "small,2.5", "large,2"].joined(separator: end)
    let published = [
      "source,model,hardware,prompt,generated,quantity,phase,part,value,unit", "a,b,c,1,1,memory,,,1,GiB",
    ]
    .joined(separator: end)
    for last in ["", end] {
      let table = try QualityTable(text: quality + last, file: "quality.csv", axes: Self.axes)
      #expect(table.figure == "loss")
      #expect(try PublishedTable(text: published + last, file: "table.csv").rows.map(\.text) == ["1 GiB"])
    }
    let error = #expect(throws: ScenarioError.self) {
      try QualityTable(text: quality + end + "x", file: "quality.csv", axes: Self.axes)
    }
    #expect(error?.description.hasPrefix("quality.csv:5:1: error: found 1 cell;") == true)
  }

  @Test func `with a quality table a dearer model that predicts better is in the Pareto set`() async throws {
    let folder = TestFolders.newPath()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try "model.levels[1].chunk,loss\n2,2.5\n4,3.0\n8,3.5\n".write(
      toFile: "\(folder)/quality.csv", atomically: true, encoding: .utf8)
    func front(_ extra: String) async throws -> [Substring] {
      let scenario = try Scenario(
        text: small(chunks: "[2, 4, 8]", extra: extra), file: "\(folder)/small.yaml",
        options: ScenarioOptions(figures: reportFigureNames, checksHardware: false))
      let report = try await computedReport(try ReportSubject(scenario, on: [machine], command: "photon report"))
      let parts = report.document.text.components(separatedBy: "\n## ")
      let section = try #require(parts.first { $0.hasPrefix("Pareto set") })
      return section.split(separator: "\n").filter { $0.hasPrefix("| `") }
    }
    let (without, with) = (try await front(""), try await front("quality: quality.csv"))
    #expect(!without.contains { $0.contains("C = (2, 4)") })
    #expect(with.contains { $0.contains("C = (2, 4)") && $0.contains("2.500") })
    #expect(with.count == 3)
  }
}
