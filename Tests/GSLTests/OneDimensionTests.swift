import GSL
import Testing

@Suite struct OneDimension {
  @Test func `the root of x² − 2 is √2`() throws {
    let x = try root(in: 0...2) { $0 * $0 - 2 }
    #expect(abs(x - 2.0.squareRoot()) <= 1e-12 * x)
  }

  @Test func `a root at an end of the bracket is found`() throws {
    #expect(try root(in: 1...5) { $0 - 1 } == 1)
    #expect(try root(in: 1...5) { $0 - 5 } == 5)
  }

  @Test func `a root at zero is found in spite of the relative tolerance`() throws {
    let x = try root(in: -1...3) { $0 * $0 * $0 + $0 }
    #expect(abs(x) < 4e-15)
  }

  @Test func `a bracket without a change of sign is an error`() {
    #expect(throws: GSLError.self) { try root(in: 0...1) { $0 + 1 } }
    #expect(throws: GSLError.self) { try root(in: 0...1) { _ in .nan } }
  }

  @Test func `the minimum of a parabola is its vertex`() throws {
    let x = try minimum(in: 0...5, guess: 1) { ($0 - 2) * ($0 - 2) + 1 }
    #expect(abs(x - 2) < 2e-6)
    let zero = try minimum(in: -3...4, guess: 1) { $0 * $0 }
    #expect(abs(zero) < 7e-9)
  }

  @Test func `a guess that is not below both ends is an error`() {
    #expect(throws: GSLError.self) { try minimum(in: 0...5, guess: 1) { $0 } }
    #expect(throws: GSLError.self) { try minimum(in: 0...5, guess: 1) { _ in .nan } }
  }
}

@Suite struct Summaries {
  @Test func `summaries have their textbook values`() {
    let sample = [4.0, 1, 3, 2]
    #expect(Statistics.mean(sample) == 2.5)
    #expect(Statistics.median(sample) == 2.5)
    #expect(Statistics.median([3, 1, 2]) == 2)
    #expect(Statistics.quantile(0, of: sample) == 1)
    #expect(Statistics.quantile(1, of: sample) == 4)
    #expect(Statistics.quantile(0.25, of: sample) == 1.75)
    #expect(Statistics.median([1, .nan, 2]).isNaN)
    #expect(Statistics.determination(observed: [1, 2, 3], predicted: [1, 2, 3]) == 1)
    #expect(Statistics.determination(observed: [1, 2, 3], predicted: [2, 2, 2]) == 0)
    #expect(Statistics.determination(observed: [2, 2], predicted: [2, 2]).isNaN)
  }
}

@Suite struct RandomStreams {
  @Test func `equal seed and name give equal numbers, another of either gives others`() {
    func draw(_ seed: UInt64, _ name: String) -> [Double] {
      let stream = RandomStream(seed: seed, name: name)
      return (0..<8).map { _ in stream.uniform() }
    }
    #expect(draw(1, "weights") == draw(1, "weights"))
    #expect(draw(1, "weights") != draw(2, "weights"))
    #expect(draw(1, "weights") != draw(1, "weight"))
    #expect(draw(1, "") != draw(2, ""))
  }

  /// For an empty name the hash is two rounds of SplitMix64; its first output from 0 is 0xE220A8397B1DCDAF (reference
  /// implementation by Vigna).
  @Test func `the hash is SplitMix64 around FNV-1a`() {
    #expect(RandomStream.splitMix(0) == 0xE220_A839_7B1D_CDAF)
    #expect(RandomStream.hash(seed: 0, name: "") == RandomStream.splitMix(0xE220_A839_7B1D_CDAF))
    let afterOneByte = (0xE220_A839_7B1D_CDAF ^ UInt64(0x61)) &* 0x100_0000_01B3
    #expect(RandomStream.hash(seed: 0, name: "a") == RandomStream.splitMix(afterOneByte))
  }

  /// The mean of n samples is within 5 standard errors for this seed, as for all but one seed in a million.
  @Test func `samples have the moments of their distribution`() {
    let stream = RandomStream(seed: 7, name: "moments")
    let count = 100_000
    let error = 5 / Double(count).squareRoot()
    let gaussians = (0..<count).map { _ in stream.gaussian() }
    #expect(abs(Statistics.mean(gaussians)) < error)
    // The square of a standard normal number has mean 1 and variance 2.
    #expect(abs(Statistics.mean(gaussians.map { $0 * $0 }) - 1) < error * 2.0.squareRoot())
    let uniforms = (0..<count).map { _ in stream.uniform() }
    #expect(abs(Statistics.mean(uniforms) - 0.5) < error * (1.0 / 12).squareRoot())
    #expect(uniforms.allSatisfy { (0..<1).contains($0) })
    var seen = [Int](repeating: 0, count: 6)
    for _ in 0..<count { seen[stream.integer(in: 10..<16) - 10] += 1 }
    for hits in seen { #expect(abs(Double(hits) / Double(count) - 1.0 / 6) < error * (5.0 / 36).squareRoot()) }
  }
}

@Suite struct Products {
  /// Small integers are exact in float32, so the product of every transposition is too.
  @Test(arguments: [(false, false), (false, true), (true, false), (true, true)])
  func `sgemm multiplies in each transposition`(transposeA: Bool, transposeB: Bool) {
    let (rows, columns, inner) = (3, 5, 4)
    let a = (0..<rows * inner).map { Float($0 % 7 - 3) }
    let b = (0..<inner * columns).map { Float($0 % 5 - 2) }
    var c = (0..<rows * columns).map { Float($0) }
    let expected = (0..<rows * columns).map { index -> Float in
      let (row, column) = (index / columns, index % columns)
      let sum = (0..<inner).reduce(Float(0)) { sum, i in
        let left = transposeA ? a[i * rows + row] : a[row * inner + i]
        return sum + left * (transposeB ? b[column * inner + i] : b[i * columns + column])
      }
      return 2 * sum + 3 * Float(index)
    }
    BLAS.sgemm(
      rows: rows, columns: columns, inner: inner, alpha: 2, a: a, lda: transposeA ? rows : inner,
      transposeA: transposeA, b: b, ldb: transposeB ? inner : columns, transposeB: transposeB, beta: 3, c: &c,
      ldc: columns)
    #expect(c == expected)
  }

  @Test func `the number of threads can be set`() {
    BLAS.setThreads(1)
    #expect(BLAS.threads == 1)
  }
}
