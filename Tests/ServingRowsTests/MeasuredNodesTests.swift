import Architectures
import Hardware
import Quantities
import Scenarios
import Testing

@testable import ServingRows

private let header = MeasuredNodes.columns.joined(separator: ",")

@Suite struct MeasuredNodesTests {
  @Test func `parts of rows are read with their exact counts`() throws {
    let nodes = try MeasuredNodes(
      text: """
        # measured by a machine
        \(header)
        a row,0,decoder,head,1,14,28,0.5,1.2
        "a, b",2,encoder,feed_forward,8,170000000000000000000,0,2,

        """, file: "nodes.csv"
    ).nodes
    #expect(nodes.map(\.row) == ["a row", "a, b"])
    #expect(nodes.map(\.node) == [Node(0, .decoder, .head), Node(2, .encoder, .feedForward)])
    #expect(nodes.map(\.seconds) == [0.0005, 0.002])
    #expect(nodes[1].matmulFlops == 170_000_000_000_000_000_000 && nodes[0].trafficBytes == 28)
    #expect(nodes[1].position == Position(file: "nodes.csv", line: 4, column: 1))
  }

  @Test func `everything that is wrong with parts is said at its cell`() {
    func complaints(_ text: String) -> [String] {
      do {
        _ = try MeasuredNodes(text: text, file: "n.csv")
        return []
      } catch {
        return error.diagnostics.map(\.description)
      }
    }
    #expect(
      complaints("\(header)\nr,x,up,head,1,-1,2,0,\nr,1\n") == [
        "n.csv:2:3: error: level: found \"x\"; accepted: an integer from 0 to 16",
        "n.csv:2:5: error: side: found \"up\"; accepted: encoder, decoder",
        "n.csv:2:15: error: matmul_flops: found \"-1\"; accepted: an integer of at least 0",
        "n.csv:2:20: error: time_ms: found \"0\"; accepted: a time above 0 in milliseconds",
        "n.csv:3:1: error: found 2 cells; accepted: 9, as the header has",
      ])
    #expect(
      complaints("id,level\n") == ["n.csv:1:1: error: the columns are id,level; accepted: \(header)"])
    #expect(
      complaints(header)
        == ["n.csv:1:1: error: there are no rows; accepted: the header \(header), and a row for each component"])
  }

  @Test func `comments above the header say what measured`() throws {
    let table = try MeasuredTable(
      text: "# PyTorch 2\n#a device \nmodel,prompt,prefill_ms,spread_percent\n# no\nm,8,1,0.5\nm,8,1,\n", file: "t.csv")
    #expect(table.comments == ["PyTorch 2", "a device"])
    #expect(table.rows.map(\.spreadPercent) == [0.5, nil])
  }

  @Test func `a case follows the memory of the machine and nothing else`() throws {
    let many = machine(memoryBytes: 10_000_000_000)
    var few = many
    few.memoryBytes = 5_000_000_000
    var faster = many
    faster.memoryBandwidth = .init(8e12)
    let point = try rows(small, on: many, prompts: [(4096, 512)], concurrencies: [64])[0]
    let served = try ServingCase(point, memoryOf: many)
    for profile in [many, few, faster] {
      let again = served.on(profile)
      let anew = try ServingCase(point, memoryOf: profile)
      #expect(again.active == anew.active)
      #expect(try again.predicted(.timePerOutputToken, on: profile) == anew.predicted(.timePerOutputToken, on: profile))
    }
    #expect(served.on(few).active < served.active)
  }
}
