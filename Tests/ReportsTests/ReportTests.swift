import Architectures
import Formulas
import Foundation
import Hardware
import Quantities
import Rendering
import Reports
import Scenarios
import TestFolders
import Testing

private func folder() -> String { TestFolders.newPath() }

private func read(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

private func headings(_ text: String) -> [String] {
  text.split(separator: "\n").filter { $0.hasPrefix("## ") }.map { String($0.dropFirst(3)) }
}

/// Everything between a heading and the next of its level.
private func section(_ name: String, of text: String) -> String {
  let parts = text.components(separatedBy: "\n## ")
  return parts.first { $0.hasPrefix(name) } ?? ""
}

@Suite struct ReportTests {
  @Test func `two reports of one scenario are the same bytes, figures included`() async throws {
    let text = small(chunks: "[2, 4]", conditions: "[1, 2]", prompt: "[64, 256]", batch: "[1, 4]")
    let first = try await computedReport(try subject(text))
    let second = try await computedReport(try subject(text))
    #expect(first.document.text == second.document.text)
    #expect(first.figures.map(\.name) == second.figures.map(\.name))
    #expect(first.figures.map(\.bytes) == second.figures.map(\.bytes))
  }

  @Test func `every figure that the text shows is written, and no other`() async throws {
    let report = try await computedReport(
      try subject(small(chunks: "[2, 4]", conditions: "[1, 2]", prompt: "[64, 256]")))
    let folder = folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try report.write(to: folder)
    let text = try read("\(folder)/report.md")
    let shown = text.split(separator: "](").dropFirst().map { String($0.prefix { $0 != ")" }) }
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(shown.count > 6)
    #expect(Set(shown).union(["report.md"]) == Set(files))
    for name in shown { #expect(try read("\(folder)/\(name)").contains("</svg>")) }
  }

  @Test func `a report that cannot be written leaves the old one whole`() async throws {
    let folder = folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var old = ReportBuilder()
    old.document.paragraph("the old text")
    try old.write(to: folder)
    // A folder under the name of a figure: that figure cannot be replaced.
    let blocked = "\(folder)/cost-prefill.svg"
    try FileManager.default.createDirectory(atPath: "\(blocked)/inside", withIntermediateDirectories: true)
    let report = try await computedReport(try subject())
    #expect(throws: FileFailure.self) { try report.write(to: folder) }
    #expect(try read("\(folder)/report.md") == "the old text\n")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(names == ["cost-prefill.svg", "report.md"])
  }

  @Test func `what a report that was killed has left does not disturb the next one, and goes`() async throws {
    let folder = folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try "half".write(
      toFile: "\(folder)/.report.md.0123456789abcdef.partial", atomically: false, encoding: .utf8)
    var report = ReportBuilder()
    report.document.paragraph("whole")
    try report.write(to: folder)
    #expect(try read("\(folder)/report.md") == "whole\n")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["report.md"])
  }

  @Test func `figures that only the old text showed are removed, other files stay`() async throws {
    let folder = folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await computedReport(try subject()).write(to: folder)
    try "mine".write(toFile: "\(folder)/notes.svg", atomically: true, encoding: .utf8)
    var small = ReportBuilder()
    small.document.paragraph("no figures")
    try small.write(to: folder)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["notes.svg", "report.md"])
  }

  @Test func `sections that do not apply are left out`() async throws {
    let text = try await computedReport(try subject()).document.text
    let one = headings(text)
    #expect(one.first == "Findings")
    #expect(!one.contains("Chunk and condition lengths over the grid"))
    #expect(!one.contains("Pareto set") && !one.contains("Other machines"))
    #expect(!text.contains("Beside what the paper prints"))

    let silent = headings(try await computedReport(try subject(small(generate: 0))).document.text)
    #expect(!silent.contains("Decode time against context") && !silent.contains("Throughput and TPM"))

    var other = machine
    other.name = "other"
    let grid = try subject(small(chunks: "[2, 4]", conditions: "[1, 2]"), on: [machine, other])
    let all = headings(try await computedReport(grid).document.text)
    #expect(all.contains("Chunk and condition lengths over the grid"))
    #expect(all.contains("Pareto set") && all.contains("Other machines"))
  }

  @Test(arguments: [
    "model: {architecture: vanilla, vocabulary: 50, width: 16, heads: 2, feed_forward: 32, layers: 2}",
    """
    model: {architecture: block, vocabulary: 50, width: 16, heads: 2, feed_forward: 32, levels: [{chunk: 2, condition: 1, encoder_layers: 1, decoder_layers: 1}]}
    """,
    """
    model: {architecture: photon, vocabulary: 50, width: 16, heads: 2, feed_forward: 32, generation: recursive, levels: [{chunk: 2, condition: 1, encoder_layers: 1, decoder_layers: 1}, {chunk: 1, condition: 1, encoder_layers: 1, decoder_layers: 1}, {chunk: 2, condition: 1, encoder_layers: 1, decoder_layers: 1}]}
    """,
  ])
  func `any architecture gets a report at any workload`(model: String) async throws {
    for workload in ["{prompt: 7, generate: 5}", "{prompt: 16, generate: 0}", "{prompt: 1, generate: 1, batch: 3}"] {
      let text = try await computedReport(try subject("\(model)\nworkload: \(workload)")).document.text
      #expect(text.contains("## Findings"))
      #expect(!text.contains("nan") && !text.contains("NaN") && !text.contains("∞"))
    }
  }

  @Test func `the middle of a report says what it does not know`() async throws {
    let text = try await computedReport(try subject(small(chunks: "[2, 4]", conditions: "[1, 2]"))).document.text
    #expect(section("Pareto set", of: text).contains("**Quality is not in it:**"))
    #expect(section("Findings", of: text).contains("Nothing here was measured"))
  }
}
