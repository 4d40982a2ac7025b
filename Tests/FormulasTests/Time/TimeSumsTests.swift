import Testing

@testable import Formulas

/// The sum as it is defined, term by term.
private func summedOneByOne(_ left: Affine, _ right: Affine, count: Int) -> Double {
  (0..<count).reduce(0) { $0 + max(left.value(at: Double($1)), right.value(at: Double($1))) }
}

@Suite struct TimeSumsTests {
  @Test func `the sum of maxima of whole numbers equals the sum term by term exactly`() {
    for leftFirst in -3...3 {
      for leftSlope in -2...2 {
        for rightFirst in -3...3 {
          for rightSlope in -2...2 {
            for count in 0...7 {
              let left = Affine(Double(leftFirst), slope: Double(leftSlope))
              let right = Affine(Double(rightFirst), slope: Double(rightSlope))
              #expect(
                sumOfMax(left, right, count: Double(count)) == summedOneByOne(left, right, count: count),
                "\(left) \(right) \(count)")
            }
          }
        }
      }
    }
  }

  /// Each of `count` additions rounds a partial sum of at most the total: count · ε · total; the closed form adds a few.
  @Test func `the sum of maxima of any two lines agrees with the sum term by term to its rounding`() {
    var generator = SplitMix(state: 20_251_222)
    for _ in 0..<2000 {
      let left = Affine(generator.unit(), slope: generator.unit() * 1e-2)
      let right = Affine(generator.unit(), slope: generator.unit() * 1e-2)
      let count = 1 + Int(generator.unit() * 400)
      let expected = summedOneByOne(left, right, count: count)
      let tolerance = (Double(count) + 8) * Double.ulpOfOne * expected
      #expect(abs(sumOfMax(left, right, count: Double(count)) - expected) <= tolerance)
    }
  }

  @Test func `the sum of maxima is at least the larger of both sums`() {
    var generator = SplitMix(state: 7)
    for _ in 0..<500 {
      let left = Affine(generator.unit(), slope: generator.unit())
      let right = Affine(10 * generator.unit(), slope: generator.unit())
      let count = 1 + (generator.unit() * 1000).rounded(.down)
      let larger = max(left.sum(from: 0, to: count), right.sum(from: 0, to: count))
      #expect(sumOfMax(left, right, count: count) >= larger * (1 - 8 * Double.ulpOfOne))
    }
  }

  @Test func `a progression without terms costs nothing and one term costs its maximum`() {
    #expect(sumOfMax(Affine(2, slope: 1), Affine(3, slope: -1), count: 0) == 0)
    #expect(sumOfMax(Affine(2, slope: 1), Affine(3, slope: -1), count: 1) == 3)
  }

  @Test func `equal lines are summed once`() {
    #expect(sumOfMax(Affine(2, slope: 1), Affine(2, slope: 1), count: 4) == 14)
  }
}

/// A deterministic sequence for tests that look at many cases.
struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// In 0 ..< 1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
