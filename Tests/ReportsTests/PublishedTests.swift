import Architectures
import Formulas
import Foundation
import Hardware
import Scenarios
import ServingRows
import Testing

@testable import Reports

/// The repository's `scenarios` directory.
private let shipped = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "scenarios").path

private func subject() throws -> PublishedSubject {
  let scenario = try Scenario(file: "\(shipped)/published-tables.yaml")
  let library = HardwareLibrary(files: ScenarioFiles(), directory: shipped)
  return try PublishedSubject(scenario, command: "photon report published-tables.yaml") {
    try library.profile($0, at: $1)
  }
}

private func complaint(_ text: String) -> String? {
  do {
    _ = try PublishedTable(text: text, file: "table.csv")
    return nil
  } catch {
    return error.description
  }
}

private let header = "source,model,hardware,prompt,generated,quantity,phase,part,value,unit\n"

@Suite struct PublishedTests {
  @Test func `a printed TPM is the printed throughput over the printed memory`() throws {
    let rows = try subject().tables.flatMap(\.rows)
    let printed = rows.filter { $0.quantity == .tpm }
    #expect(printed.count == 22)
    for row in printed {
      func value(_ quantity: PublishedRow.Quantity) throws -> Double {
        try #require(
          rows.first { $0.quantity == quantity && $0.model == row.model && $0.prompt == row.prompt }
        ).value
      }
      let quotient = try value(.throughput) / value(.memory) * 0x1p30
      // Throughput is printed to at least two digits after the point, so both agree to one of the quotient's last digits.
      #expect((row.value / quotient - 1).magnitude < 4e-3, "\(row.model)")
    }
  }

  @Test func `a hierarchy is compared with the vanilla model that its paper calls by the same size`() throws {
    let subject = try subject()
    func size(_ row: PublishedRow) -> Substring? { row.model.split(separator: "-").last }
    var pairs = 0
    for table in subject.tables {
      for row in table.rows {
        for other in table.rows where other.model.contains("vanilla") && other.prompt == row.prompt {
          let isNamedAlike = !row.model.contains("vanilla") && size(row) == size(other)
          #expect(subject.isBaseline(other, of: row) == isNamedAlike, "\(row.model) and \(other.model)")
          if isNamedAlike { pairs += 1 }
        }
      }
    }
    #expect(pairs > 0)
  }

  @Test func `the ratios that made the paper known come out of its tables and multiply back`() throws {
    let claims = try subject().claims()
    #expect(claims.map { $0.ratio.rounded() } == [475, 1856])
    for claim in claims {
      #expect((claim.waterfall.product / claim.ratio - 1).magnitude < 1e-12)
      #expect((claim.throughputGain * claim.memoryGain / claim.ratio - 1).magnitude < 1e-12)
    }
  }

  @Test func `FlashAttention-2 decodes within four tenths above its roofline and prefills within 2 % of it`() throws {
    let subject = try subject()
    let rows = subject.tables.flatMap(\.rows).filter { $0.quantity == .timePerLayer }
    #expect(rows.count == 16)
    for row in rows {
      let ratio = try subject.predicted(row).ratio(0)
      let isWithin = row.phase == .decode ? ratio > 0.6 && ratio < 1 : (ratio - 1).magnitude < 0.02
      #expect(isWithin, "\(row.text) \(row.prompt): \(ratio)")
    }
  }

  @Test func `the fitted engine sees the Block Transformer paper alone and is right within a third`() throws {
    let subject = try subject()
    #expect(subject.fit.rows == 20)
    let own = subject.tables.flatMap(\.rows).filter { $0.source == PublishedSubject.fittedSource }
    let errors = try [PublishedRow.Quantity.memory, .throughput].map { quantity in
      let rows = try own.filter { $0.quantity == quantity }.map { try subject.predicted($0).ratio(2) }
      return geometricError(rows)
    }
    #expect(errors.allSatisfy { $0 > 1 && $0 < 1.33 })
  }

  @Test func `a wrong table is refused with its line and what is accepted`() {
    let row = "paper,m,h100-sxm,1,2,memory,,,3,GiB\n"
    #expect(complaint(header + row) == nil)
    #expect(complaint("# only a comment\n")?.contains("found no rows") == true)
    #expect(complaint("model,value\n" + row)?.contains("table.csv:1:1") == true)
    let cases = [
      (row.replacing("memory", with: "size"), "quantity \"size\""), (row.replacing("GiB", with: "kg"), "unit \"kg\""),
      (row.replacing(",3,", with: ",-3,"), "value \"-3\""), (row.replacing(",3,", with: ",nan,"), "value \"nan\""),
      (row.replacing(",1,2,", with: ",one,2,"), "prompt \"one\""), ("paper,m\n", "2 cells"),
      (row.replacing(",,,3", with: ",prefill,,3"), "phase \"prefill\""),
      ("paper,m,h100-sxm,1,2,time per sample,decode,encoder,3,s\n", "part \"encoder\""),
      ("paper,m,h100-sxm,1,2,time per layer,decoding,attention,3,s\n", "phase \"decoding\""),
    ]
    for (text, found) in cases {
      let complaint = complaint(header + row + text) ?? ""
      // At the cell that holds what was found, or at the row.
      let word = found.split(separator: "\"").last.map(String.init) ?? ""
      let column = text.range(of: ",\(word),").map { text.distance(from: text.startIndex, to: $0.lowerBound) + 2 }
      #expect(complaint.contains("table.csv:3:\(column ?? (found.hasPrefix("unit") ? 33 : 1)): "), "\(complaint)")
      #expect(complaint.contains(found), "\(complaint)")
    }
  }

  @Test func `an error is the same in both directions`() {
    #expect((geometricError([2, 0.5]) - 2).magnitude < 1e-15)
    #expect(geometricError([1, 1]) == 1)
  }
}
