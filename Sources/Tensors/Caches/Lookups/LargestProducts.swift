/// Top-k: a row scores all entries before it and reads those with the largest products, and its own.
struct LargestProducts: LookingUp {
  let k: Int

  var dense: Int { k }
  var block: Int { 1 }

  func count(before _: Int) -> Int { k }

  func scan(_ block: ReadBlock) -> Scan { Scan(queries: 1, pairs: block.position, keys: block.position) }

  /// Rows of a prompt score the keys that are read once for all of them.
  func scan(_ blocks: [ReadBlock], of _: Range<Int>) -> Scan {
    var scan = blocks.reduce(into: Scan()) { $0 += self.scan($1) }
    if let last = blocks.last, last.step == nil { scan.keys = last.position }
    return scan
  }

  func choose(_ block: ReadBlock, _ keys: KeyReader, _: inout LookupMemory) -> [[Range<Int>]] {
    keys.heads.indices.map { head in
      let products = keys.largestProducts(head, keys.queries(head, rows: [0]), ofFirst: block.position)
      return joined(best(k, of: products), length: 1)
    }
  }
}
