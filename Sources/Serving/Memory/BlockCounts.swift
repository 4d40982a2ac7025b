/// How many blocks state takes, level by level (docs/simulation.md, §5).
struct BlockCounts: Hashable, Sendable {
  let shape: StateShape
  let blockBytes: Int
  /// q, units of a block; by level from 0.
  let unitsPerBlock: [Int]
  /// Tokens of a node of the prefix tree; 0 without one.
  let span: Int
  /// Of a node; by level from 0.
  let blocksPerNode: [Int]

  init(_ shape: StateShape, _ paging: ServingSettings.Paging) throws(ServingError) {
    self.shape = shape
    blockBytes = paging.blockBytes
    unitsPerBlock = shape.levels.map { paging.blockBytes / $0.bytes }
    guard paging.hasTree else {
      (span, blocksPerNode) = (0, [])
      return
    }
    var span = 1
    for (level, units) in zip(shape.levels, unitsPerBlock) {
      let (tokens, overflow) = units.multipliedReportingOverflow(by: level.tokens)
      let (multiple, more) = tokens.dividedReportingOverflow(by: greatestCommonDivisor(span, tokens))
      let (product, most) = span.multipliedReportingOverflow(by: multiple)
      if overflow || more || most { throw .overflow("the tokens of a node of the prefix tree") }
      span = product
    }
    self.span = span
    blocksPerNode = zip(shape.levels, unitsPerBlock).map { span / ($1 * $0.tokens) }
  }

  /// Blocks of windows of one continuation.
  func windows(_ extent: Extent) -> Int { extent.windowBytes.dividedUp(by: blockBytes) }

  /// Shared blocks of a level, and those of each continuation.
  func parts(_ index: Int, _ extent: Extent, units: Int) -> (shared: Int, each: Int) {
    let (ofPrompt, perBlock) = (extent.prompt / shape.levels[index].tokens, unitsPerBlock[index])
    if units <= ofPrompt { return (units.dividedUp(by: perBlock), 0) }
    let shared = ofPrompt / perBlock
    return (shared, units.dividedUp(by: perBlock) - shared)
  }

  /// All blocks of a request.
  /// - Parameter isRefill: whether it fills again, and holds lower levels up to E.
  func total(_ extent: Extent, length: Int, isRefill: Bool) -> Int {
    shape.levels.indices.reduce(extent.continuations * windows(extent)) { sum, index in
      let units = shape.units(index, length: length, drop: extent.drop, isRefill: isRefill)
      let parts = parts(index, extent, units: units)
      return sum + parts.shared + extent.continuations * parts.each
    }
  }

  /// New blocks of a level for one token more.
  func growth(_ index: Int, _ extent: Extent, length: Int) -> Int {
    let tokens = shape.levels[index].tokens
    guard (length + 1) % tokens == 0, index == shape.levels.count - 1 || length < extent.drop else { return 0 }
    let units = length / tokens
    if units % unitsPerBlock[index] == 0 { return extent.continuations }
    // The first write behind the prompt: all but the last holder copy the block that is begun.
    return units == extent.prompt / tokens ? extent.continuations - 1 : 0
  }

  /// New blocks for one token more.
  func growth(_ extent: Extent, length: Int) -> Int {
    shape.levels.indices.reduce(0) { $0 + growth($1, extent, length: length) }
  }
}

private func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
  right == 0 ? left : greatestCommonDivisor(right, left % right)
}
