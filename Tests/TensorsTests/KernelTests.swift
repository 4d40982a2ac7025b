import Architectures
import CKernels
import GSL
import Testing

/// Half the distance from 1 to the next float32: the largest relative error of one rounding.
let unitRoundoff = 0x1p-24

/// The number of threads belongs to the process, so the kernel tests run one after another.
@Suite(.serialized) struct KernelTests {
  static func random(_ count: Int, _ name: String) -> [Float] {
    let stream = RandomStream(seed: 1, name: name)
    return (0..<count).map { _ in Float(stream.uniform() * 2 - 1) }
  }

  static func withThreads<Value>(_ count: Int32, _ body: () -> Value) -> Value {
    ck_pool_start(count)
    defer { ck_pool_start(1) }
    return body()
  }

  @Test(arguments: [1, 2, 3, 5] as [Int32])
  func `every part runs exactly once, however many threads and parts there are`(threads: Int32) {
    Self.withThreads(threads) {
      #expect(ck_pool_threads() == threads)
      for parts in [0, 1, 2, 3, 7, 64] {
        for _ in 0..<50 {
          var runs = [Int32](repeating: 0, count: 65)
          ck_parallel(
            Int32(parts), { part, context in context?.assumingMemoryBound(to: Int32.self)[Int(part)] += 1 }, &runs)
          #expect(runs == (0...64).map { $0 < parts ? 1 : 0 })
        }
      }
    }
  }

  @Test func `a nested call runs all its parts`() {
    Self.withThreads(2) {
      var runs = [Int32](repeating: 0, count: 12)
      ck_parallel(
        3,
        { outer, context in
          let row = context?.assumingMemoryBound(to: Int32.self).advanced(by: Int(outer) * 4)
          ck_parallel(4, { $1?.assumingMemoryBound(to: Int32.self)[Int($0)] += $0 + 1 }, row)
        }, &runs)
      #expect(runs == [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4])
    }
  }

  @Test func `a pool that slept wakes again`() {
    Self.withThreads(2) {
      for _ in 0..<5 {
        // Longer than workers spin.
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .milliseconds(2) {}
        var runs = [Int32](repeating: 0, count: 4)
        ck_parallel(4, { $1?.assumingMemoryBound(to: Int32.self)[Int($0)] += 1 }, &runs)
        #expect(runs == [1, 1, 1, 1])
      }
    }
  }

  /// A sum of n numbers in any order is within n roundings of the sum of magnitudes.
  @Test func `the read loop adds every number`() {
    for count in [1, 63, 64, 1000, 5003] {
      let data = Self.random(count, "read")
      let exact = data.reduce(0) { $0 + Double($1) }
      let bound = Double(count) * unitRoundoff * data.reduce(0) { $0 + Double(abs($1)) }
      for threads in [1, 2] as [Int32] {
        let sum = Self.withThreads(threads) { ck_read(data, count * 4, 3) }
        #expect(abs(Double(sum) - 3 * exact) <= 4 * bound)
      }
    }
  }

  @Test func `more threads than the pool has room for are clamped, and each reads its part`() {
    Self.withThreads(1024) {
      #expect(ck_pool_threads() <= Int32(CK_MAX_THREADS))
      #expect(ck_read([Float](repeating: 1, count: 1 << 16), 4 << 16, 1) == 65536)
    }
  }

  @Test func `no context of a scenario has more entries than the kernels' masks can number`() {
    #expect(Limits.promptLength + Limits.generatedLength <= Int(Int32.max))
  }

  @Test func `the instruction set has a name`() {
    #expect(["avx512", "avx2", "portable"].contains(String(cString: ck_instruction_set())))
  }
}
