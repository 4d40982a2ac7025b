import Architectures
import Foundation
import GSL
import Quantities
import Testing

@testable import Tensors

/// What quantised entries are, number by number.
struct QuantisationTests {
  static let formats = Quantisation.Format.allCases

  /// Groups of numbers of many magnitudes, around 0 and far from it.
  static var groups: [[Float]] {
    let stream = RandomStream(seed: 3, name: "groups")
    return [0.001, 1, 300].flatMap { magnitude in
      [0, 1, -7].flatMap { offset in
        [1, 2, 5, 32].map { count in
          (0..<count).map { _ in Float(magnitude * (stream.gaussian() + offset)) }
        }
      }
    }
  }

  /// q·scale + zero is at most half a step from a number, as the steps cover all numbers of the group. Float32 rounds
  /// difference, quotient, product and sum: 2⁻²⁴ of each, which together are less than 2⁻²¹ of the largest number.
  @Test(arguments: [255, 15])
  func `no number is further than half a step from what its code stands for`(steps: Int) {
    for group in Self.groups {
      var numbers = group
      let (scale, zero) = PlainKernels<Float>.quantise(group.count, &numbers, steps: steps)
      let (least, most) = (group.min()!, group.max()!)
      let rounding = 0x1p-21 * group.map(\.magnitude).max()!
      #expect(zero <= least && zero + Float(steps) * scale >= most - rounding)
      // 16 bits have eleven of the mantissa.
      #expect(zero >= least - 0x1p-10 * abs(least) - 0x1p-24)
      #expect(scale <= (most - zero) / Float(steps) * (1 + 0x1p-10) + 0x1p-24)
      #expect(Float(Float16(scale)) == scale && Float(Float16(zero)) == zero)
      #expect(numbers.allSatisfy { $0 == $0.rounded() && $0 >= 0 && $0 <= Float(steps) })
      PlainKernels<Float>.dequantise(group.count, &numbers, scale: scale, zero: zero)
      for (left, right) in zip(group, numbers) { #expect(abs(left - right) <= scale / 2 + rounding) }
    }
  }

  /// Three bits of mantissa: half of the last one is 2⁻⁴ of a number, and below 2⁻⁶ the steps are 2⁻⁹.
  @Test func `floats of eight bits are off by a sixteenth at most, or by half of the smallest step`() {
    for group in Self.groups {
      var numbers = group
      let scale = PlainKernels<Float>.quantiseFloats(group.count, &numbers)
      #expect(scale * 448 >= group.map(\.magnitude).max()! * (1 - 0x1p-22))
      PlainKernels<Float>.dequantise(group.count, &numbers, scale: scale, zero: nil)
      for (left, right) in zip(group, numbers) {
        #expect(abs(left - right) <= max(abs(left) * (0x1p-4 + 0x1p-21), scale * 0x1p-10))
      }
    }
  }

  /// E4M3 of the OCP 8-bit floating point specification: the largest number 448, the smallest normal 2⁻⁶, the smallest 2⁻⁹.
  @Test func `the numbers of e4m3 are those of its specification`() {
    var numbers: Set<Double> = [0]
    for exponent in -6...8 {
      for mantissa in 0..<8 { numbers.insert((1 + Double(mantissa) / 8) * scalbn(1, exponent)) }
    }
    for mantissa in 1..<8 { numbers.insert(Double(mantissa) * 0x1p-9) }
    // The last code of the largest exponent is no number.
    numbers.remove(480)
    for number in numbers { #expect(toE4M3(number) == number && toE4M3(-number) == -number) }
    #expect(Set((0...40_000).map { toE4M3(Double($0) / 64) }).isSubset(of: numbers))
    #expect(toE4M3(1e9) == 448 && toE4M3(0x1p-11) == 0 && toE4M3(1.0625) == 1 && toE4M3(1.1875) == 1.25)
    #expect(numbers.count == 1 + 15 * 8 - 1 + 7)
  }

  @Test(arguments: formats)
  func `what the codes of a group hold comes back as it was`(format: Quantisation.Format) {
    // Multiples of a step that 16 bits hold, with the first and the last of them; e4m3 with its largest number.
    let group: [Float] =
      switch format {
      case .int8: [-3, -2.75, 0, 12.5, 60.75]
      case .int4: [-2, -1.5, 0, 5.5]
      case .fp8: [448, -448, 1, 0, 1.125, 0x1p-9]
      }
    var numbers = group
    Quantisation(format: format, group: 8).round(&numbers, count: group.count)
    #expect(numbers == group)
    // Equal numbers that 16 bits hold have no step.
    numbers = [0.5, 0.5, 0.5]
    Quantisation(format: format, group: 2).round(&numbers, count: 3)
    #expect(format == .fp8 || numbers == [0.5, 0.5, 0.5])
    // Alone in its group a number that they hold is exact whatever its code.
    numbers = [3, -0.125, 448]
    Quantisation(format: format, group: 1).round(&numbers, count: 3)
    #expect(format == .fp8 || numbers == [3, -0.125, 448])
  }

  static func methods(_ plan: CachePlan) -> [CacheMethods] { [CacheMethods(plan)] }

  @Test(arguments: [Backend.plain, .fast], formats)
  func `a residual as long as the text changes no bit`(backend: Backend, format: Quantisation.Format) {
    let form = EntryForm.quantised(Quantisation(format: format, residual: 40))
    for retention in [Retention.everything, .slidingWindow(3)] {
      let plain = Passes(backend, methods: Self.methods(CachePlan(retention: retention)))
      let quantised = Passes(backend, methods: Self.methods(CachePlan(retention: retention, entry: form)))
      for queries in [4, 1, 1, 2, 1] {
        #expect(plain.pass(queries).result == quantised.pass(queries).result)
      }
      #expect(plain.cache.bitsHeld(in: .bf16) == quantised.cache.bitsHeld(in: .bf16))
    }
  }

  @Test(arguments: [0, 1, 3], formats)
  func `entries are rounded once, when they leave the residual`(residual: Int, format: Quantisation.Format) {
    let plan = Quantisation(format: format, group: 2, residual: residual)
    let passes = Passes(.plain, methods: Self.methods(CachePlan(entry: .quantised(plan))))
    var end = 0
    for queries in [4, 1, 1, 2, 1] {
      _ = passes.pass(queries)
      end += queries
      for group in 0..<2 {
        for head in 0..<2 {
          for entry in 0..<end {
            let (stored, whole) = (passes.cache.entries(0)!, passes.whole.entries(0)!)
            for (stored, whole) in [
              (stored.keys(group: group, head: head, entry: entry), whole.keys(group: group, head: head, entry: entry)),
              (
                stored.values(group: group, head: head, entry: entry),
                whole.values(group: group, head: head, entry: entry)
              ),
            ] {
              var expected = (0..<3).map { whole[$0] }
              if entry < end - residual { plan.round(&expected, count: 3) }
              #expect((0..<3).map { stored[$0] } == expected)
            }
          }
        }
      }
      let fresh = min(residual, end)
      let entry = 2 * (3 * (format == .int4 ? 4 : 8) + 2 * (format == .fp8 ? 16 : 32))
      #expect(passes.cache.bitsHeld(in: .bf16) == Int128(4 * (fresh * 6 * 16 + (end - fresh) * entry)))
    }
  }

  @Test func `what leaves the residual is read and written, what never was in it is neither`() {
    let form = Quantisation(format: .int8, group: 3, residual: 2)
    let trace = Trace(levelCount: 0, precision: Precision(cache: .bf16), listsOperations: true)
    let passes = Passes(.shapes, groups: 1, trace: trace, methods: Self.methods(CachePlan(entry: .quantised(form))))
    let node = Node(0, .decoder, .upkeep)
    _ = passes.pass(5)
    // Three of five entries of two heads; a vector of three features takes 5·3 + 2 FLOP.
    let prompt = Work<Int128>(elementwiseFlops: 3 * 2 * 2 * 17)
    #expect(trace.work(.prefill, at: node) == prompt)
    trace.phase = .decode
    _ = passes.pass(1)
    // One entry: read in 16 bits an element, written in 8 with 32 for each vector.
    let token = Work<Int128>(
      elementwiseFlops: 2 * 2 * 17, cacheReadBits: 2 * 6 * 16, cacheWriteBits: 2 * 2 * (3 * 8 + 32))
    #expect(trace.work(.decode, at: node) == token)
    #expect(
      trace.operations.map { "\($0.entry.operation)" }.filter { $0.hasPrefix("quantise") } == [
        "quantiseEntries 3 of 2 × 6 (int8, 0 of them held before)",
        "quantiseEntries 1 of 2 × 6 (int8, 1 of them held before)",
      ])
  }
}
