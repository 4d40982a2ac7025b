import Formulas
import Testing

extension OfficialFootprint {
  /// In the order of the table of golden values: P, R, c, S, W, s, h.
  init(
    _ prompt: Int, _ generated: Int, _ chunk: Int, _ sinks: Int, _ window: Int, _ sparsity: Double, _ heads: Double
  ) {
    self.init(
      promptLength: prompt, generatedLength: generated, chunkLength: chunk, sinkCount: sinks, windowLength: window,
      kvSparsity: sparsity, headSparsity: heads)
  }
}

/// `eval/viz/kv_footprint.py` of PruLong (commit ff22598e), run on each case.
@Suite struct OfficialFootprintTests {
  struct Golden: Sendable, CustomTestStringConvertible {
    let point: OfficialFootprint
    /// Of a streaming head; nil where none streams.
    let streaming: Int128?
    let global: Int128
    let footprint: Double
    let peak: Peak

    enum Peak {
      case exact(Double)
      /// Ten digits behind the point.
      case digits(Double)
    }

    var testDescription: String {
      "P \(point.promptLength), R \(point.generatedLength), c \(point.chunkLength), s \(point.kvSparsity), "
        + "h \(point.headSparsity)"
    }
  }

  private static let full: Int128 = 8_603_112_378

  static let goldens = [
    Golden(
      point: OfficialFootprint(10, 3, 4, 1, 2, 0, 1), streaming: 53, global: 91, footprint: 0.5824175824175825,
      peak: .exact(7.0 / 13)),
    Golden(
      point: OfficialFootprint(10, 3, 4, 1, 2, 0, 0.5), streaming: 53, global: 91, footprint: 0.7912087912087913,
      peak: .exact(8.5 / 13)),
    Golden(
      point: OfficialFootprint(16, 4, 4, 1, 3, 0, 1), streaming: 108, global: 210, footprint: 0.5142857142857142,
      peak: .exact(8.0 / 20)),
    Golden(
      point: OfficialFootprint(16, 4, 16, 1, 3, 0, 1), streaming: 156, global: 210, footprint: 0.7428571428571429,
      peak: .exact(16.0 / 20)),
    Golden(
      point: OfficialFootprint(8, 1, 4, 0, 0, 0, 0), streaming: 21, global: 45, footprint: 1, peak: .exact(1)),
    Golden(
      point: OfficialFootprint(300, 5, 100, 0, 0, 0.9, 0), streaming: nil, global: 38475,
      footprint: 0.8244937319189971, peak: .exact(248.0 / 305)),
    Golden(
      point: OfficialFootprint(131072, 100, 32768, 128, 1024, 0, 1), streaming: 2_260_910_692, global: full,
      footprint: 0.26280148307508255, peak: .digits(0.2585917726)),
    Golden(
      point: OfficialFootprint(131072, 100, 32768, 128, 1024, 0, 0.7), streaming: 2_260_910_692, global: full,
      footprint: 0.4839610381525578, peak: .digits(0.4807855335)),
    Golden(
      point: OfficialFootprint(131072, 100, 131072, 128, 1024, 0, 0.7), streaming: 8_590_115_428, global: full,
      footprint: 0.9989424914379516, peak: .digits(0.9992376422)),
    Golden(
      point: OfficialFootprint(131072, 100, 32768, 0, 0, 0.7, 0), streaming: nil, global: 4_096_751_386,
      footprint: 0.4761941034823944, peak: .exact(62450.0 / 131172)),
    Golden(
      point: OfficialFootprint(131072, 100, 32768, 0, 0, 0.9, 0), streaming: nil, global: 2_805_757_962,
      footprint: 0.3261328968775212, peak: .exact(42791.0 / 131172)),
    Golden(
      point: OfficialFootprint(131072, 100, 8192, 0, 0, 0.9, 0), streaming: nil, global: 1_406_378_618,
      footprint: 0.16347323575551695, peak: .digits(0.1634266459)),
    Golden(
      point: OfficialFootprint(131072, 100, 131072, 0, 0, 0.9, 0), streaming: nil, global: 8_591_322_278,
      footprint: 0.9986295541099579, peak: .digits(0.9992376422)),
    Golden(
      point: OfficialFootprint(6000, 3000, 32768, 128, 1024, 0, 0.9), streaming: 21_462_000, global: 40_504_500,
      footprint: 0.5768803466281525, peak: .exact(6000.0 / 9000)),
    Golden(
      point: OfficialFootprint(91000, 100, 32768, 128, 1024, 0, 0.7), streaming: 1_465_193_536,
      global: 4_149_650_550, footprint: 0.5471618905837746, peak: .digits(0.5041844127)),
  ]

  @Test(arguments: goldens)
  func `sums, footprint and peak are the official code's to the last bit`(golden: Golden) {
    let point = golden.point
    if let streaming = golden.streaming { #expect(point.streamingSum == streaming) }
    #expect(point.globalSum == golden.global)
    #expect(point.footprint == golden.footprint)
    switch golden.peak {
    case .exact(let peak): #expect(point.peak == peak)
    case .digits(let peak): #expect((point.peak * 1e10).rounded() == (peak * 1e10).rounded())
    }
  }

  @Test(arguments: [(13, 91), (20, 210), (9, 45), (305, 46665), (131172, full), (9000, 40_504_500)] as [(Int, Int128)])
  func `the denominator is a triangle`(length: Int, sum: Int128) {
    #expect(OfficialFootprint(length - 1, 1, 4, 0, 0, 0, 0).denominator == sum)
  }

  @Test func `peaks are listed chunk by chunk, and one for the end`() {
    let small = OfficialFootprint(10, 3, 4, 1, 2, 0, 1)
    #expect(small.streamingPeaks == [4, 7, 5, 4])
    #expect(small.globalPeaks == [4, 8, 10, 13])
    #expect(
      OfficialFootprint(131072, 100, 32768, 128, 1024, 0.7, 0).globalPeaks == [32768, 42662, 52556, 62450, 39676])
  }

  /// The paper's example: 8 tokens, 26 of 8 · 9/2 = 36 entries.
  @Test func `an example of eight tokens`() {
    let point = OfficialFootprint(8, 0, 1, 1, 2, 0, 1)
    #expect(point.streamingSum == 26 && point.denominator == 36)
    #expect(point.streamingPeaks == [1, 2, 3, 4, 4, 4, 4, 4])
    #expect(OfficialFootprint(8, 0, 4, 1, 2, 0, 1).streamingSum == 32)
    // Generated tokens are chunks of one.
    #expect(OfficialFootprint(0, 8, 4, 1, 2, 0, 1).streamingSum == 26)
  }
}

/// What is easy to get wrong.
@Suite struct OfficialFootprintEdgeTests {
  @Test(arguments: [(129, 64), (131, 66), (130, 65)])
  func `half an entry is rounded to the even number`(chunk: Int, rounded: Int) {
    let point = OfficialFootprint(2 * chunk, 1, chunk, 0, 0, 0.5, 0)
    #expect(point.globalPeaks == [chunk, rounded + 64 + chunk, 2 * (rounded + 64) + 1])
  }

  @Test func `sixty-four entries of a chunk stay in any case`() {
    #expect(OfficialFootprint(300, 5, 100, 0, 0, 1, 0).globalPeaks == [100, 164, 228, 197])
    // 0.5 · 128 + 64 is the whole chunk.
    #expect(OfficialFootprint(256, 16, 128, 0, 0, 0.5, 0).footprint == 1)
    #expect(OfficialFootprint(256, 16, 64, 0, 0, 1, 0).footprint == 1)
  }

  @Test func `a prompt of whole chunks has no empty one, and a short prompt is one chunk`() {
    #expect(OfficialFootprint(12, 1, 4, 1, 2, 0, 1).streamingPeaks == [4, 7, 7, 4])
    #expect(OfficialFootprint(3, 1, 4, 1, 1, 0, 1).streamingPeaks == [3, 3])
    #expect(OfficialFootprint(3, 1, .max, 1, 1, 0, 1).streamingPeaks == [3, 3])
  }

  @Test func `where nothing is generated there is no point behind the chunks`() {
    let point = OfficialFootprint(10, 0, 4, 1, 2, 0, 0.5)
    #expect(point.streamingPeaks == [4, 7, 5] && point.globalPeaks == [4, 8, 10])
    // The official code's stale points, 1 + min(8, 3) and 10 + 0, would not be the largest.
    #expect(point.peak == 7.5 / 10 && point.peak > (0.5 * 4 + 0.5 * 10) / 10)
  }

  @Test func `a sequence without a prompt has no chunk`() {
    let point = OfficialFootprint(0, 6, 4, 1, 2, 0.9, 0.5)
    #expect(point.streamingPeaks == [4] && point.globalPeaks == [6])
    #expect(point.streamingSum == 1 + 2 + 3 + 4 + 4 + 4 && point.globalSum == 21)
  }

  @Test func `heads of one kind alone have their own sum over the denominator`() {
    let (streaming, global) = (
      OfficialFootprint(900, 30, 128, 4, 60, 0.8, 1), OfficialFootprint(900, 30, 128, 4, 60, 0.8, 0)
    )
    #expect(streaming.footprint == Double(streaming.streamingSum) / Double(streaming.denominator))
    #expect(global.footprint == Double(global.globalSum) / Double(global.denominator))
    #expect(streaming.footprint < 1 && global.footprint < 1)
  }

  @Test func `a window of the whole sequence saves nothing, whatever the shares`() {
    for heads in stride(from: 0, through: 1, by: 1.0 / 64) {
      for window in [1003, .max] {
        let point = OfficialFootprint(1000, 3, 7, window, window, 0, heads)
        #expect(point.footprint == 1 && point.peak == 1)
      }
    }
  }

  @Test func `sinks and window count together`() {
    for sinks in 0...9 {
      #expect(
        OfficialFootprint(50, 7, 6, sinks, 9 - sinks, 0, 1).streamingSum
          == OfficialFootprint(50, 7, 6, 0, 9, 0, 1).streamingSum)
    }
  }

  @Test func `chunks of twice the length never hold less in a streaming head`() {
    for chunk in 1...40 {
      #expect(
        OfficialFootprint(97, 5, chunk, 2, 6, 0, 1).streamingSum
          <= OfficialFootprint(97, 5, 2 * chunk, 2, 6, 0, 1).streamingSum)
    }
  }

  /// n equal chunks: no head can hold less than the chunks' own triangles, a share 1/n of the prompt's.
  @Test func `a chunk's own entries are a floor`() {
    let point = OfficialFootprint(131072, 0, 32768, 0, 0, 0, 1)
    #expect(point.streamingSum == 4 * (32768 * 32769 / 2) && point.footprint > 0.25)
  }

  @Test func `the longest context is counted in full`() {
    let length = OfficialFootprint.longestContext
    let point = OfficialFootprint(length - 1, 1, 1, 0, 0, 0, 0.5)
    #expect(point.streamingSum == Int128(length))
    #expect(point.globalSum == point.denominator)
    #expect(point.denominator == Int128(length) * Int128(length + 1) / 2)
  }
}
