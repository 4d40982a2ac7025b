import CKernels

/// The entries of one head of one group, wherever they lie: those of a shared prompt, then the group's own.
struct HeadEntries {
  let shared: Entries<Float>?
  let sharedCount, sharedGroup: Int
  let own: Entries<Float>
  let group, head: Int

  func key(_ entry: Int) -> UnsafeMutablePointer<Float> {
    guard let shared, entry < sharedCount else { return own.keys(group: group, head: head, entry: entry - sharedCount) }
    return shared.keys(group: sharedGroup, head: head, entry: entry)
  }

  func value(_ entry: Int) -> UnsafeMutablePointer<Float> {
    guard let shared, entry < sharedCount else {
      return own.values(group: group, head: head, entry: entry - sharedCount)
    }
    return shared.values(group: sharedGroup, head: head, entry: entry)
  }

  /// Ranges cut where the own entries begin, so that each lies side by side.
  func pieces(_ ranges: [Range<Int>]) -> [Range<Int>] {
    ranges.flatMap { [$0.clamped(to: 0..<sharedCount), $0.clamped(to: sharedCount..<max($0.upperBound, sharedCount))] }
      .filter { !$0.isEmpty }
  }
}

/// What rotates vectors of heads from one position to another.
struct Turning {
  let angles: RotaryAngles
  let headWidth: Int
  /// Features of a head that are rotated.
  let rotated: Int

  /// First to no position, then to another.
  func turn(_ vectors: UnsafeMutablePointer<Float>, heads: Int, from: Int, to position: Int) {
    for (sine, position) in [(angles.negatedSine, from), (angles.sine, position)] {
      PlainKernels<Float>.rotate(
        heads: heads, headWidth: headWidth, rotated: rotated, vectors, cosine: angles.cosine + position * angles.half,
        sine: sine + position * angles.half)
    }
  }
}

/// Queries of a block and keys before it, for whoever chooses among them.
package struct KeyReader {
  /// By head of the run.
  let heads: [HeadEntries]
  let headWidth: Int
  /// Query heads that share a key.
  let sharing: Int
  /// The queries of a row of the block: all query heads of the run.
  let query: (_ row: Int) -> UnsafePointer<Float>
  let isFast: Bool
  /// The position of its first row.
  let position: Int
  let turning: Turning
  /// By head, the weights that have been added up for entries; nil where nobody asks.
  let weights: (_ head: Int) -> UnsafePointer<Float>?

  /// Query vectors of one head that are compared together, side by side.
  struct Queries {
    var numbers: [Float]
  }

  /// Those of some rows.
  func queries(_ head: Int, rows: some Sequence<Int>) -> Queries {
    let width = sharing * headWidth
    return Queries(numbers: rows.flatMap { UnsafeBufferPointer(start: query($0) + head * width, count: width) })
  }

  /// Means of so many consecutive rows each, the last one of what is left.
  func means(_ head: Int, rows: Int, of stride: Int) -> Queries {
    let width = sharing * headWidth
    var numbers: [Float] = []
    for first in Swift.stride(from: 0, to: rows, by: stride) {
      let members = first..<min(first + stride, rows)
      var mean = [Float](repeating: 0, count: width)
      for row in members { PlainKernels<Float>.accumulate(width, query(row) + head * width, into: &mean) }
      PlainKernels<Float>.scale(width, &mean, by: 1 / Double(members.count))
      numbers += mean
    }
    return Queries(numbers: numbers)
  }

  /// The mean query of all rows in one head, each rotated as if it stood at another position.
  func meanQuery(_ head: Int, rows: Int, turnedTo position: Int) -> [Float] {
    let width = sharing * headWidth
    var mean = [Float](repeating: 0, count: width)
    for row in 0..<rows {
      var own = Array(UnsafeBufferPointer(start: query(row) + head * width, count: width))
      turning.turn(&own, heads: sharing, from: self.position + row, to: position)
      PlainKernels<Float>.accumulate(width, own, into: &mean)
    }
    PlainKernels<Float>.scale(width, &mean, by: 1 / Double(rows))
    return mean
  }

  /// A key before its rotation.
  func unrotatedKey(_ head: Int, _ entry: Int) -> [Float] {
    var key = Array(UnsafeBufferPointer(start: heads[head].key(entry), count: headWidth))
    turning.turn(&key, heads: 1, from: entry, to: 0)
    return key
  }

  /// The weights that have been added up for some entries.
  func weights(_ head: Int, of entries: Range<Int>) -> [Float] {
    guard let weights = weights(head) else { return [] }
    return entries.map { weights[$0] }
  }

  /// For each of some entries the largest product of its key with one of the queries.
  func largestProducts(_ head: Int, _ queries: Queries, of entries: [Int]) -> [Float] {
    let keys = heads[head]
    guard isFast else { return entries.map { largestProduct(queries, keys.key($0)) } }
    var gathered = [Float](repeating: 0, count: entries.count * headWidth)
    gathered.withUnsafeMutableBufferPointer { to in
      for (index, entry) in entries.enumerated() {
        (to.baseAddress! + index * headWidth).update(from: keys.key(entry), count: headWidth)
      }
    }
    return gathered.withUnsafeBufferPointer { products(queries, $0.baseAddress!, count: entries.count) }
  }

  /// The same of the first so many entries.
  func largestProducts(_ head: Int, _ queries: Queries, ofFirst count: Int) -> [Float] {
    let keys = heads[head]
    guard isFast else { return (0..<count).map { largestProduct(queries, keys.key($0)) } }
    return keys.pieces([0..<count]).flatMap { products(queries, keys.key($0.lowerBound), count: $0.count) }
  }

  private func largestProduct(_ queries: Queries, _ key: UnsafePointer<Float>) -> Float {
    PlainKernels<Float>.largestProduct(headWidth: headWidth, queries: queries.numbers, key: key)
  }

  /// By vectors of keys that lie side by side.
  private func products(_ queries: Queries, _ keys: UnsafePointer<Float>, count: Int) -> [Float] {
    let rows = queries.numbers.count / headWidth
    var products = [Float](repeating: 0, count: rows * count)
    queries.numbers.withUnsafeBufferPointer {
      ck_linear(rows, count, headWidth, $0.baseAddress!, headWidth, keys, nil, nil, &products, count)
    }
    return (0..<count).map { key in
      (1..<rows).reduce(products[key]) { max($0, products[$1 * count + key]) }
    }
  }
}

extension PlainKernels {
  /// The largest of the products of a key with queries that lie side by side.
  static func largestProduct(headWidth: Int, queries: [Scalar], key: Input) -> Scalar {
    var largest = Scalar(-Double.infinity)
    for first in stride(from: 0, to: queries.count, by: headWidth) {
      Scalar.account(as: .matmul)
      var product = Scalar(0)
      for index in 0..<headWidth { product = product + queries[first + index] * key[index] }
      Scalar.account(as: .elementwise)
      largest = Scalar.maximum(largest, product)
    }
    return largest
  }
}

/// Equal pieces of a length that begin at places in ascending order, neighbours joined.
func joined(_ starts: some Sequence<Int>, length: Int) -> [Range<Int>] {
  var ranges: [Range<Int>] = []
  for start in starts {
    if let last = ranges.last, last.upperBound == start {
      ranges[ranges.count - 1] = last.lowerBound..<start + length
    } else {
      ranges.append(start..<start + length)
    }
  }
  return ranges
}

/// The indices of the largest scores in ascending order, the earlier of two that are the same.
func best(_ count: Int, of scores: [Float]) -> [Int] {
  guard count < scores.count else { return Array(scores.indices) }
  let order = scores.indices.sorted { scores[$0] == scores[$1] ? $0 < $1 : scores[$0] > scores[$1] }
  return order.prefix(count).sorted()
}
