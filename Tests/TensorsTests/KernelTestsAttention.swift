import Architectures
import CKernels
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Attention over keys that a prefix shares, with room behind both segments.
struct AttentionCase: CustomStringConvertible, Sendable {
  var groups = 1
  var queries = 1
  var past = 0
  var heads = 1
  var keyValueHeads = 1
  var headWidth = 16
  var prefixLength = 0
  var share = 1
  /// Of the mask; 0 without one.
  var window = 0

  var positions: Int { past + queries }
  var capacity: Int { positions - prefixLength + 3 }
  var prefixCapacity: Int { prefixLength + 2 }
  var scale: Float { 1 / Float(headWidth).squareRoot() }
  var description: String {
    "\(groups) groups, \(queries) queries, past \(past), heads \(heads)/\(keyValueHeads) of \(headWidth), "
      + "prefix \(prefixLength) shared by \(share)" + (window == 0 ? "" : ", window \(window)")
  }

  struct Numbers {
    var q: [Float]
    var keys: [Float]
    var values: [Float]
    var prefixKeys: [Float]
    var prefixValues: [Float]
  }

  func numbers() -> Numbers {
    let own = groups * keyValueHeads * capacity * headWidth
    let prefix = (groups / share) * keyValueHeads * prefixCapacity * headWidth
    return Numbers(
      q: KernelTests.random(groups * queries * heads * headWidth, "q").map { 3 * $0 },
      keys: KernelTests.random(own, "keys"), values: KernelTests.random(own, "values"),
      prefixKeys: KernelTests.random(prefix, "prefix keys"), prefixValues: KernelTests.random(prefix, "prefix values"))
  }

  /// The key (or value) vector of a position.
  func at(_ position: Int, group: Int, head: Int, own: [Float], prefix: [Float]) -> ArraySlice<Float> {
    let start =
      position < prefixLength
      ? ((group / share * keyValueHeads + head) * prefixCapacity + position) * headWidth
      : ((group * keyValueHeads + head) * capacity + position - prefixLength) * headWidth
    return (position < prefixLength ? prefix : own)[start..<start + headWidth]
  }

  /// The same keys and values, all of them in the groups' own segments.
  func merged(_ numbers: Numbers) -> (AttentionCase, Numbers) {
    var other = self
    (other.prefixLength, other.share) = (0, 1)
    var result = numbers
    (result.keys, result.values, result.prefixKeys, result.prefixValues) = ([], [], [], [])
    for group in 0..<groups {
      for head in 0..<keyValueHeads {
        for position in 0..<other.capacity {
          let held = position < positions
          let zeros = [Float](repeating: 0, count: headWidth)[...]
          result.keys +=
            held ? at(position, group: group, head: head, own: numbers.keys, prefix: numbers.prefixKeys) : zeros
          result.values +=
            held ? at(position, group: group, head: head, own: numbers.values, prefix: numbers.prefixValues) : zeros
        }
      }
    }
    return (other, result)
  }

  func run(_ numbers: Numbers, threads: Int32 = 1) -> [Float] { runWithMass(numbers, threads: threads, mass: nil).y }

  /// - Parameters:
  ///   - mass: what to add the weights to; without it nobody asks for them.
  ///   - segmentLength: cuts the groups' own entries into segments of so many; one segment if 0.
  func runWithMass(
    _ numbers: Numbers, threads: Int32 = 1, mass before: [Float]?, segmentLength: Int = 0
  ) -> (y: [Float], mass: [Float]) {
    var y = [Float](repeating: 7, count: numbers.q.count)
    var mass = before ?? []
    KernelTests.withThreads(threads) {
      numbers.q.withUnsafeBufferPointer { q in
        numbers.keys.withUnsafeBufferPointer { keys in
          numbers.values.withUnsafeBufferPointer { values in
            numbers.prefixKeys.withUnsafeBufferPointer { prefixKeys in
              numbers.prefixValues.withUnsafeBufferPointer { prefixValues in
                var segments = [
                  ck_segment(
                    keys: prefixKeys.baseAddress, values: prefixValues.baseAddress, count: prefixLength,
                    headStride: prefixCapacity * headWidth, groupStride: keyValueHeads * prefixCapacity * headWidth,
                    share: share)
                ]
                let own = positions - prefixLength
                let step = segmentLength > 0 ? segmentLength : own
                for first in stride(from: 0, to: own, by: step) {
                  segments.append(
                    ck_segment(
                      keys: keys.baseAddress! + first * headWidth, values: values.baseAddress! + first * headWidth,
                      count: min(step, own - first), headStride: capacity * headWidth,
                      groupStride: keyValueHeads * capacity * headWidth, share: 1))
                }
                mass.withUnsafeMutableBufferPointer { mass in
                  y.withUnsafeMutableBufferPointer { y in
                    segments.withUnsafeBufferPointer { segments in
                      var attention = ck_attention(
                        groups: groups, queries: queries, past: past, window: window, heads: heads,
                        keyValueHeads: keyValueHeads, headWidth: headWidth, scale: scale, q: q.baseAddress,
                        ldq: heads * headWidth,
                        segments: segments.baseAddress, y: y.baseAddress, ldy: heads * headWidth,
                        mass: before == nil ? nil : mass.baseAddress, ldmass: massColumns)
                      ck_attention(&attention)
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    return (y, mass)
  }

  /// One more than there are entries, so that the distance of rows is not their length.
  var massColumns: Int { positions + 1 }

  /// The entries that a query sees.
  func seen(by query: Int) -> Range<Int> {
    let visible = past + query + 1
    return (window == 0 ? 0 : max(visible - window, 0))..<visible
  }

  /// What the double softmax says, and how far from it float arithmetic may be.
  struct Expected {
    var y, yBound: [Double]
    /// Of the weights that are added to each entry.
    var mass, massBound: [Double]
  }

  /// A score errs by δ = (d + 2) roundings of scale·Σ|q·k|, subtracting the maximum by another |score|; a weight then by
  /// 2δ relatively, by 4 roundings of the exponential and, for each block of 64 keys, 6 of the rescaling. Sums over n
  /// keys add n roundings. Numerator and denominator both err so.
  func expected(_ numbers: Numbers) -> Expected {
    let sharing = heads / keyValueHeads
    let (yCount, massCount) = (numbers.q.count, groups * keyValueHeads * massColumns)
    var expected = Expected(
      y: Array(repeating: 0, count: yCount), yBound: Array(repeating: 0, count: yCount),
      mass: Array(repeating: 0, count: massCount), massBound: Array(repeating: 0, count: massCount))
    for group in 0..<groups {
      for query in 0..<queries {
        let seen = seen(by: query)
        for head in 0..<heads {
          let row = ((group * queries + query) * heads + head) * headWidth
          let q = numbers.q[row..<row + headWidth].map(Double.init)
          var (scores, scoreError) = ([Double](), 0.0)
          for position in seen {
            let key = at(position, group: group, head: head / sharing, own: numbers.keys, prefix: numbers.prefixKeys)
            let products = zip(q, key).map { $0 * Double($1) / Double(headWidth).squareRoot() }
            scores.append(products.reduce(0, +))
            scoreError = max(scoreError, Double(headWidth + 4) * unitRoundoff * products.reduce(0) { $0 + abs($1) })
          }
          let top = scores.max()!
          let weights = scores.map { exp($0 - top) }
          let total = weights.reduce(0, +)
          let spread = (top - scores.min()!) * unitRoundoff
          let blocks = seen.upperBound / 64 - seen.lowerBound / 64 + 1
          let roundings = Double(seen.count + 6 * blocks + 6) * unitRoundoff
          let error = 2 * (2 * scoreError + spread + roundings)
          let masses = (group * keyValueHeads + head / sharing) * massColumns
          for (position, weight) in zip(seen, weights) {
            let value = at(
              position, group: group, head: head / sharing, own: numbers.values, prefix: numbers.prefixValues)
            for (i, v) in value.enumerated() {
              expected.y[row + i] += weight / total * Double(v)
              expected.yBound[row + i] += error * weight / total * abs(Double(v))
            }
            expected.mass[masses + position] += weight / total
            expected.massBound[masses + position] += error * weight / total
          }
        }
      }
    }
    return expected
  }
}

extension KernelTests {
  /// Heads that take more scratch memory than the usual: wide ones, the widest of a scenario, and one that is wider.
  static let wideHeads =
    [1, 5, 40].map { AttentionCase(queries: $0, past: 2, headWidth: Limits.headWidth, prefixLength: 1) } + [
      AttentionCase(groups: 2, past: 70, heads: 2, keyValueHeads: 1, headWidth: 2048, prefixLength: 9, share: 2),
      AttentionCase(queries: 70, headWidth: 2048), AttentionCase(queries: 70, headWidth: Limits.headWidth + 3),
    ]

  static let windows: [AttentionCase] =
    wideHeads
    + [1, 3, 13, 16, 52, 64].flatMap { width in
      [
        AttentionCase(groups: 6, past: 7, heads: 4, keyValueHeads: 4, headWidth: width, prefixLength: 5, share: 3),
        AttentionCase(groups: 2, past: 150, heads: 4, keyValueHeads: 2, headWidth: width, prefixLength: 70, share: 2),
        AttentionCase(groups: 2, queries: 5, heads: 6, keyValueHeads: 2, headWidth: width),
        AttentionCase(
          groups: 2, queries: 23, past: 61, heads: 4, keyValueHeads: 1, headWidth: width, prefixLength: 50, share: 2),
        AttentionCase(past: 130, heads: 8, keyValueHeads: 1, headWidth: width, prefixLength: 70),
        AttentionCase(groups: 4, queries: 3, past: 64, heads: 2, keyValueHeads: 2, headWidth: width, prefixLength: 64),
      ]
    }

  @Test(arguments: windows + masked)
  func `attention is within its rounding bound of the double softmax`(attention: AttentionCase) {
    let numbers = attention.numbers()
    let (y, expected) = (attention.run(numbers), attention.expected(numbers))
    for index in y.indices { #expect(abs(Double(y[index]) - expected.y[index]) <= expected.yBound[index]) }
  }

  @Test(arguments: windows + masked)
  func `shared prefixes equal separate keys in every bit`(attention: AttentionCase) {
    let numbers = attention.numbers()
    let (separate, copies) = attention.merged(numbers)
    #expect(attention.run(numbers) == separate.run(copies))
  }

  @Test(arguments: windows + masked)
  func `one query at a time equals all at once in every bit`(attention: AttentionCase) {
    let numbers = attention.numbers()
    let whole = attention.run(numbers)
    let width = attention.heads * attention.headWidth
    for query in 0..<attention.queries {
      // The past of a later query; the segments' rooms stay as they are.
      var (single, picked) = (attention, numbers)
      (single.queries, single.past) = (1, attention.past + query)
      let spare = (attention.queries - query - 1) * attention.headWidth
      picked.keys = Self.trimmed(numbers.keys, every: attention.capacity * attention.headWidth, by: spare)
      picked.values = Self.trimmed(numbers.values, every: attention.capacity * attention.headWidth, by: spare)
      func rows(_ all: [Float]) -> [Float] {
        var picked: [Float] = []
        for group in 0..<attention.groups {
          let first = (group * attention.queries + query) * width
          picked += all[first..<first + width]
        }
        return picked
      }
      picked.q = rows(numbers.q)
      let expected = rows(whole)
      #expect(single.run(picked) == expected)
    }
  }

  /// Cuts `count` numbers off the end of every segment.
  private static func trimmed(_ numbers: [Float], every length: Int, by count: Int) -> [Float] {
    stride(from: 0, to: numbers.count, by: length).flatMap { numbers[$0..<$0 + length - count] }
  }

  @Test(arguments: windows + masked)
  func `attention does not depend on the number of threads`(attention: AttentionCase) {
    let numbers = attention.numbers()
    #expect(attention.run(numbers) == attention.run(numbers, threads: 2))
  }

  @Test func `what lies behind the visible positions is never read into a result`() {
    let attention = AttentionCase(groups: 2, queries: 5, past: 20, heads: 4, keyValueHeads: 2, headWidth: 20)
    let clean = attention.numbers()
    var dirty = clean
    for head in 0..<attention.groups * attention.keyValueHeads {
      let end = (head * attention.capacity + attention.positions) * attention.headWidth
      for index in end..<(head + 1) * attention.capacity * attention.headWidth {
        (dirty.keys[index], dirty.values[index]) = (.nan, .nan)
      }
    }
    #expect(attention.run(clean) == attention.run(dirty))
  }
}
