import Foundation
import Rendering
import Scenarios
import Testing

@testable import Reports

/// Published figures of long contexts beside predictions.
struct AnchorTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static func anchors() throws -> [LongContextAnchor] {
    let card = try HardwareFile.read(file: root.appending(path: "scenarios/hardware/rtx-4090.yaml").path)
    return try LongContextAnchors(on: card).all()
  }

  /// By hand: (T + 1)·4096 bytes over 1.008e12 byte/s; 4·32·128·32768·((T − 32768) + 16384.5) FLOP over 165.2e12.
  @Test func `columns of FlashAttention-2 are what their formulas give`() throws {
    let anchors = try Self.anchors()
    let decode = anchors.filter { $0.unit == "µs" }.prefix(8).map { $0.predicted.rounded() }
    #expect(decode == [133, 266, 533, 1065, 1598, 2130, 3196, 4261])
    let prefill = anchors.filter { $0.unit == "ms" }.map { ($0.predicted * 10).rounded() / 10 }
    #expect(prefill == [53.2, 159.7, 372.7, 798.7, 1224.6, 1650.6, 2502.5, 3354.4])
    let memory = anchors.filter { $0.unit == "GiB" }
    // One token more in four has 64 KiB in each.
    #expect(abs(memory[2].predicted - memory[1].predicted - 32) < 1e-9)
  }

  @Test func `what is off by more than half says why`() throws {
    for anchor in try Self.anchors() {
      #expect(anchor.published > 0 && anchor.predicted > 0 && !anchor.cause.isEmpty)
      let isNear = (1 / 1.5...1.5).contains(anchor.ratio)
      #expect(isNear || anchor.cause.count > 40, "\(anchor.subject), \(anchor.tokens): \(anchor.ratio)")
    }
  }

  @Test func `the page holds the table that the command prints`() throws {
    let page = try String(contentsOf: Self.root.appending(path: "docs/long-context-anchors.md"), encoding: .utf8)
    #expect(page.contains(try Self.anchors().table.terminalText()))
  }
}
