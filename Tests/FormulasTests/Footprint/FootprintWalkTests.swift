import Formulas
import Testing

/// Entries held by one head, query by query.
private struct Walk {
  private(set) var sum = 0
  /// At the last query of each chunk, and at the last one of all.
  private(set) var peaks: [Int] = []

  /// Chunks of a prompt as lists of positions.
  static func chunks(_ positions: Range<Int>, of length: Int) -> [[Int]] {
    stride(from: positions.lowerBound, to: positions.upperBound, by: length).map { start in
      Array(start..<min(start + length, positions.upperBound))
    }
  }

  /// A head that forgets every position but the first and the latest whenever a chunk begins.
  init(streaming chunks: [[Int]], generated: Range<Int>, sinks: Int, window: Int) {
    var held: [Int] = []
    for chunk in chunks + generated.map({ [$0] }) {
      let start = chunk[0]
      held.removeAll { $0 >= sinks && $0 < start - window }
      for position in chunk {
        held.append(position)
        sum += held.count
      }
      if chunk.last! < generated.lowerBound || chunk.last! == generated.last { peaks.append(held.count) }
    }
  }

  /// A head that drops a share of each chunk of the prompt when the chunk ends.
  init(evicting chunks: [[Int]], generated: Range<Int>, sparsity: Double, besides: Int) {
    var held = 0
    for chunk in chunks {
      for _ in chunk {
        held += 1
        sum += held
      }
      peaks.append(held)
      held -= chunk.count - min(Self.halfEven((1 - sparsity) * Double(chunk.count)) + besides, chunk.count)
    }
    for _ in generated {
      held += 1
      sum += held
    }
    if !generated.isEmpty { peaks.append(held) }
  }

  private static func halfEven(_ value: Double) -> Int {
    let below = Int(value)
    let rest = value - Double(below)
    return rest > 0.5 || (rest == 0.5 && below % 2 == 1) ? below + 1 : below
  }
}

@Suite struct FootprintWalkTests {
  /// Compares with walks over every query.
  private func check(
    _ prompt: Int, _ generated: Int, _ chunk: Int, sinks: [Int], windows: [Int], sparsities: [Double], heads: [Double]
  ) {
    let length = prompt + generated
    guard length > 0 else { return }
    let full = Double(length * (length + 1) / 2)
    let chunks = Walk.chunks(0..<prompt, of: chunk)
    let globals = sparsities.map { Walk(evicting: chunks, generated: prompt..<length, sparsity: $0, besides: 64) }
    for sink in sinks {
      for window in windows {
        let streaming = Walk(streaming: chunks, generated: prompt..<length, sinks: sink, window: window)
        for (sparsity, global) in zip(sparsities, globals) {
          for head in heads {
            let point = OfficialFootprint(prompt, generated, chunk, sink, window, sparsity, head)
            let average = zip(streaming.peaks, global.peaks).map { head * Double($0) + (1 - head) * Double($1) }
            let agrees =
              point.streamingSum == streaming.sum && point.globalSum == global.sum
              && point.streamingPeaks == streaming.peaks && point.globalPeaks == global.peaks
              && point.peak == average.max()! / Double(length)
              && point.footprint == head * (Double(streaming.sum) / full) + (1 - head) * (Double(global.sum) / full)
            // An expectation for each of so many points would take longer than the points.
            if !agrees { Issue.record("\(point)") }
          }
        }
      }
    }
  }

  @Test func `closed forms are walks over every query of every small sequence`() {
    for prompt in 0...12 {
      for generated in 0...4 {
        for chunk in 1...13 {
          check(
            prompt, generated, chunk, sinks: [0, 1, 3], windows: [0, 1, 2, 5], sparsities: [0, 0.5, 1],
            heads: [0, 0.3, 1])
        }
      }
    }
  }

  /// Chunks of more than 64 tokens, which can lose something.
  @Test func `closed forms are walks where chunks lose entries`() {
    for prompt in [64, 65, 129, 200, 258, 300, 401] {
      for generated in [0, 1, 70] {
        for chunk in [1, 64, 65, 100, 128, 129, 131, 500] {
          check(
            prompt, generated, chunk, sinks: [0, 4], windows: [30, 200], sparsities: [0, 0.1, 0.5, 0.7, 0.9, 1],
            heads: [0, 0.7, 1])
        }
      }
    }
  }

  @Test func `Locret prefills the end of a prompt in a chunk of its own`() {
    for prompt in [0, 1, 99, 100, 101, 5099, 5100, 5101, 12_000] {
      for generated in [0, 1, 30] where prompt + generated > 0 {
        for sparsity in [0, 0.5, 0.9, 1] {
          let (length, local) = (prompt + generated, min(prompt, 100))
          let chunks = Walk.chunks(0..<(prompt - local), of: 5000) + Walk.chunks((prompt - local)..<prompt, of: 100)
          let walk = Walk(evicting: chunks, generated: prompt..<length, sparsity: sparsity, besides: 2500)
          let point = LocretFootprint(
            promptLength: prompt, generatedLength: generated, chunkLength: 5000, kvSparsity: sparsity)
          #expect(point.sum == walk.sum)
          #expect(point.footprint == Double(walk.sum) / Double(length * (length + 1) / 2))
          #expect(point.peak == Double(walk.peaks.max()!) / Double(length))
        }
      }
    }
  }
}
