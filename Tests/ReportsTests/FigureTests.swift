import Architectures
import Formulas
import Foundation
import Hardware
import Quantities
import Rendering
import Scenarios
import Testing

@testable import Reports

/// One registry names every figure in every form of output.
struct FigureTests {
  @Test func `every figure is in the registry once, and its names are its own in every form`() {
    let figures = PointFigure.allCases
    #expect(Set(figures).count == figures.count)
    let forms: [(String, (FigureNames) -> String?)] = [
      ("column", \.column), ("JSON", \.json), ("objective", \.objective), ("compare", \.compared), ("label", \.label),
    ]
    for (form, name) in forms {
      let names = figures.compactMap { name($0.names) }
      let twice = Dictionary(grouping: names, by: \.self).filter { $0.value.count > 1 }.keys
      #expect(names.count > 3 && twice.isEmpty, "\(form): \(twice)")
    }
  }

  @Test func `a figure leaves the program somewhere`() {
    for figure in PointFigure.allCases where figure != .phase(.boundWithMargin, .prefill) {
      guard figure != .phase(.boundWithMargin, .decode) else { continue }
      let names = figure.names
      #expect([names.column, names.json, names.objective, names.compared].contains { $0 != nil }, "\(names.label)")
    }
  }

  @Test func `an objective's name is the path in the object of one machine, and finds its figure`() {
    for figure in PointFigure.objectives {
      let (objective, json) = (figure.names.objective!, figure.names.json)
      #expect(figure == .quality ? json == nil : [objective, "hardware[]." + objective].contains(json))
      #expect(PointFigure.named(objective) == figure)
    }
    #expect(Set(reportFigureNames).count == reportFigureNames.count)
    #expect(reportFigureNames.count == PointFigure.objectives.count)
  }

  @Test func `a point has every figure that an objective can name`() throws {
    var priced = machine
    (priced.pricePerHour, priced.boardPower) = (2, 500)
    let subject = try subject(on: [priced])
    var summary = try #require(subject.summaries.first)
    summary.quality = 3
    for name in reportFigureNames { #expect(summary.number(name) != nil, "\(name)") }
    #expect(summary.number("decode.tyme_s") == nil)
  }

  @Test func `a machine has every figure that its object holds, each under its key`() throws {
    let subject = try subject()
    let object = try PricedPoint(subject.question, on: machine).json.text()
    let parsed = try #require(
      try JSONSerialization.jsonObject(with: Data(object.utf8)) as? [String: Any])
    var expected: Set<String> = []
    for figure in PointFigure.machineMembers {
      let path = figure.names.machinePath!
      expected.insert(path)
      var value: Any? = parsed
      for key in path.split(separator: ".") { value = (value as? [String: Any])?[String(key)] }
      #expect(value != nil, "\(path)")
    }
    #expect(expected.count == PointFigure.machineMembers.count && expected.contains("decode.bottleneck.node_share"))
  }

  @Test func `what a comparison states is in the registry`() throws {
    let subject = try subject()
    let point = try ComparedPoint(subject.question, on: machine)
    let waterfalls = PointComparison(point, point).waterfalls
    #expect(waterfalls.count == 4)
    for waterfall in waterfalls {
      let figure = try #require(PointFigure.named(waterfall.figure), "\(waterfall.figure)")
      #expect(figure.names.compared == waterfall.figure)
    }
  }

  @Test func `the page of columns lists those of the registry`() throws {
    let page = try Page("sweep-columns.md")
    let parts = page.text.components(separatedBy: "\nWith `--estimates`")
    try #require(parts.count == 2)
    for (part, isEstimate) in zip(parts, [false, true]) {
      let columns = PointFigure.columns.filter { $0.isEstimate == isEstimate }.map { $0.names.column! }
      #expect(Set(Page.keys(part).filter { !$0.contains(".") }) == Set(columns))
    }
  }

  @Test func `the page of the object lists the keys of the registry`() throws {
    let page = try Page("explain-json.md")
    let last = Set(Page.keys(page.text).flatMap { $0.split { ".[]".contains($0) }.map(String.init) })
    for figure in PointFigure.allCases {
      for key in (figure.names.json ?? "").split(whereSeparator: { ".[]".contains($0) }) {
        #expect(last.contains(String(key)), "\(key)")
      }
    }
    let machine = try page.section("`hardware[]`")
    let keys = PointFigure.machineMembers.flatMap { $0.names.machinePath!.split(separator: ".").map(String.init) }
    // Of the stretches of one bound, which are a figure's value.
    #expect(Set(Page.keys(machine)).subtracting(["from", "to"]) == Set(keys))
  }

  @Test func `the page of scenarios lists the figures of objectives`() throws {
    let section = try Page("scenario-format.md").section("Objective")
    let list = try #require(section.components(separatedBy: "\nFigures:").last)
    let words = list.split(separator: "`", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    #expect(Set(words) == Set(reportFigureNames) && words.count == reportFigureNames.count)
  }

  /// A page of docs/.
  struct Page {
    let text: String

    init(_ name: String) throws {
      let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
      text = try String(contentsOf: root.appending(path: "docs/" + name), encoding: .utf8)
    }

    func section(_ title: String) throws -> String {
      try #require(text.components(separatedBy: "\n## ").first { $0.hasPrefix(title + "\n") }, "a section \(title)")
    }

    /// What stands in backticks in the first cells of tables, braces expanded.
    static func keys(_ text: String) -> [String] {
      text.split(separator: "\n").filter { $0.hasPrefix("| ") }.flatMap { row in
        row.components(separatedBy: " | ")[0].split(separator: "`", omittingEmptySubsequences: false).enumerated()
          .filter { $0.offset % 2 == 1 }.flatMap { expanded(String($0.element)) }
      }
    }

    private static func expanded(_ text: String) -> [String] {
      guard let open = text.firstIndex(of: "{"), let close = text[open...].firstIndex(of: "}") else { return [text] }
      let (before, after) = (String(text[..<open]), String(text[text.index(after: close)...]))
      return text[text.index(after: open)..<close].split(separator: ",").flatMap { expanded(before + $0 + after) }
    }
  }
}
