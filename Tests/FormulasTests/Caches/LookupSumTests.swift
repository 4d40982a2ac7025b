import Architectures
import Testing

@testable import Formulas

struct LookupSumTests {
  @Test func `sums of floors are those of their terms`() {
    for m in 1...7 {
      for a in 0...9 {
        for b in 0...9 {
          for n in 0...12 { #expect(floorSum(n, a, b, m) == (0..<n).reduce(0) { $0 + (a * $1 + b) / m }) }
        }
      }
    }
  }

  @Test func `positions before a place are counted and cut`() {
    for step in 1...3 {
      let positions = Progression(5, by: step, count: 6)
      let all = (0..<6).map { 5 + step * $0 }
      #expect(positions.sum == all.reduce(0, +))
      for place in 0...30 { #expect(positions.count(before: place) == all.count { $0 < place }) }
      let (one, other) = positions.cut(at: 4)
      #expect((one.count, other.first, other.count) == (4, all[4], 2))
    }
  }

  /// (3 · 2^20 − 1280)/256 chunks, each searched at nine turns of two keys; see Tests/TensorsTests/LookupTests.swift.
  @Test func `three million positions are summed like one`() {
    let counts = InfiniteHiPCounts(plan: InfiniteHiP())
    let once = counts.choosing(Progression(3 << 20, count: 1), rows: 1)
    #expect(once.voted == 196_528 / 8 * 9 + 1024 * 12 + 1024 * 8 && counts.read(Progression(3 << 20, count: 1)) == 3328)
    let passes = PassRange(before: 0, rows: 3 << 20, step: 3 << 20, count: 1, readsOnce: true)
    let sums = counts.sums(passes, PromptPasses(units: 3 << 20, chunk: nil))
    // Rows of the blocks up to `dense` read everything; a block of 64 reads once what each of its rows reads.
    let (blocks, dense) = ((3 << 20) / 64, counts.dense / 64 + 1)
    var expected = ChosenSums()
    expected.pairs = dense * 64 * (dense * 64 + 1) / 2
    expected.entries = dense * 64
    for block in dense..<blocks {
      let read = counts.read(Progression(64 * block, count: 1))
      expected.pairs += 64 * read + 64 * 65 / 2
      expected.entries += read + 64
      expected.choosing += counts.choosing(Progression(64 * block, count: 1), rows: 64)
    }
    #expect((sums.pairs, sums.entries, sums.choosing) == (expected.pairs, expected.entries, expected.choosing))
  }
}
