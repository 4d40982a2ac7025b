import Architectures
import Formulas
import Foundation
import Hardware
import Quantities
import Rendering
import Scenarios
import TestFolders
import Testing

@testable import Reports

/// A folder with a preset, a scenario and two small tables; the counts of the parts are those of the formulas.
private final class ReplayFolder {
  let path = TestFolders.newPath()

  init(rows: [String], nodes: [String]) throws {
    try FileManager.default.createDirectory(atPath: path + "/models", withIntermediateDirectories: true)
    try write(
      "models/tiny.yaml",
      "model: {architecture: vanilla, vocabulary: 50, width: 8, heads: 2, feed_forward: 16, layers: 1}\n")
    try write(
      "replay.yaml",
      "model: {preset: tiny}\nhardware: round\nreplayed: {rows: rows.csv, nodes: nodes.csv, fitted_share: 0}\n")
    let columns =
      "id,model,hardware,precision,prompt,generated,concurrency,prefill_ms,decode_step_ms,context,spread_percent"
    try write("rows.csv", (["# a device", columns] + rows).joined(separator: "\n"))
    let header = "id,level,side,component,dispatches,matmul_flops,traffic_bytes,time_ms,spread_percent"
    try write("nodes.csv", ([header] + nodes).joined(separator: "\n"))
  }

  deinit {
    // A folder that stays does no harm.
    try? FileManager.default.removeItem(atPath: path)
  }

  private func write(_ name: String, _ text: String) throws {
    try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
  }

  func subject() throws -> TimedSubject {
    let scenario = try Scenario(file: path + "/replay.yaml", options: ScenarioOptions(checksHardware: false))
    return try TimedSubject(
      scenario, try #require(scenario.replayed), on: machine, searchPaths: [], command: "photon report replay.yaml")
  }
}

@Suite struct ReplayedTests {
  private let rows = [
    "p,tiny,round,bf16,16,,2,4,,,0.5", "d,tiny,round,bf16,16,8,2,,0.25,16,", "e,tiny,round,bf16,16,8,4,,0.25,16,",
  ]

  /// The head of eight steps of two sequences: 8 · 2 · (2 · 8 · 50) = 12 800 FLOP; a step reads 8 · 50 weights and a norm
  /// of 8, and moves 8 + 50 activations of each sequence, of two bytes: 8 · 2 · (408 + 2 · 58) = 8384 bytes.
  private let head = "d,0,decoder,head,8,12800,8384,1,0.1"

  @Test func `rows become phases, and steps the whole of their decode`() throws {
    let subject = try ReplayFolder(rows: rows, nodes: [head]).subject()
    #expect(subject.points.map(\.phase) == [.prefill, .decode, .decode])
    // 4 ms; 8 steps of 0.25 ms.
    #expect(subject.points.map(\.measured) == [0.004, 0.002, 0.002])
    #expect(subject.points.map(\.question.workload.generatedLength) == [0, 8, 8])
    #expect(subject.points.map(\.spreadPercent) == [0.5, 0, 0])
    let decode = subject.points[1]
    let estimate = try TimedPoint(decode.question, on: machine)
    #expect(decode.predicted == estimate.decode.total.time.value)
    #expect(decode.nodes.map(\.node) == [Node(0, .decoder, .head)])
    #expect(decode.nodes[0].predicted == estimate.decode[Node(0, .decoder, .head)].time.value)
    #expect(subject.notes.contains { $0.contains("a device") })
    #expect(subject.peak == 4e12 && subject.bandwidth == 1e12)
  }

  @Test func `parts of another workload and rows of another machine are refused at their cells`() throws {
    func complaint(rows: [String], nodes: [String]) throws -> String {
      let folder = try ReplayFolder(rows: rows, nodes: nodes)
      do {
        _ = try folder.subject()
        return ""
      } catch let error as ScenarioError {
        return error.description.replacing(folder.path + "/", with: "")
      }
    }
    #expect(
      try complaint(rows: rows, nodes: [head.replacing(",12800,", with: ",12801,")])
        == "nodes.csv:2:1: error: matmul_flops: found 12801 FLOP and 8384 bytes of level0/decoder/head; accepted: 12800 FLOP "
        + "and 8384 bytes, which this version counts of the row")
    #expect(
      try complaint(rows: [rows[0].replacing("round", with: "square")], nodes: [head]).hasSuffix(
        "rows.csv:3:3: error: hardware: the row is of square; accepted: rows of round, the scenario's hardware"))
  }

  @Test func `the seeded share of the rows is fitted, the others are held out`() throws {
    let committed = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
    let scenario = try Scenario(
      file: committed + "/scenarios/accelerator.yaml", options: ScenarioOptions(searchPaths: [committed + "/scenarios"])
    )
    let source = try #require(scenario.replayed)
    #expect(source.fittedShare == 0.5 && source.seed == 1 && source.nodes != nil)
  }
}
