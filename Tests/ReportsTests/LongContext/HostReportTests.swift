import Architectures
import Formulas
import Foundation
import Hardware
import Quantities
import Rendering
import Scenarios
import Testing

@testable import Reports

/// The report's part about the memory of the host.
struct HostReportTests {
  private static let vanilla = "architecture: vanilla, vocabulary: 32, width: 16, heads: 2, feed_forward: 32, layers: 2"
  private static let text = """
    name: h
    model: {\(vanilla)}
    workload: {prompt: 256, generate: 16}
    compare:
      - {name: away, \(vanilla), cache: {placement: host, on_device: 32, prefill_chunk: 64}}
    """

  @Test func `device, host and link stand apart, with both times of the link`() async throws {
    var linked = machine
    linked.hostLink = Rate(1e12)
    let given = try scenario(Self.text)
    let subject = try ReportSubject(given, on: [linked], command: "photon report h")
    let text = try await computedReport(subject).document.text
    let part = try #require(text.components(separatedBy: "### Device, host and link").dropFirst().first)
    let row = try #require(part.split(separator: "\n").first { $0.contains("`away`") })
    let question = try #require(given.grid.point(at: 0)).question.asked(of: given.compare[0].model)
    let timed = try TimedPoint(question, on: linked)
    // 272 entries of 2 layers, of a key and a value of 16 features in 16 bits: 128 bytes a token.
    let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(Array(cells[1...2]) == [4096, 30_720].map { NumberFormat.binaryBytes.text(Int128($0)) })
    let total = timed.decode.total
    for time in [total.overlappedTime, total.serialTime] {
      #expect(cells.contains("\(seconds(Seconds(time.value / 16))) (\(total.bound.rawValue))"), "\(row)")
    }
    #expect(cells.suffix(2).first != cells.last, "times that are the same prove little")
    // Without such a cache there is no such part.
    let none = try await computedReport(
      ReportSubject(
        try scenario(Self.text.replacing("placement: host, on_device: 32, ", with: "")), on: [machine],
        command: "photon report h"))
    #expect(!none.document.text.contains("Device, host and link"))
  }
}
