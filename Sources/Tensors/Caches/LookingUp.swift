import Architectures

/// Which of the held entries rows of a pass read: a conformance for each method, in a file of its own.
///
/// Rows come in blocks. A block reads some of the entries before it, in ascending order of position, and of its own those
/// up to each row. How many depends on its position alone, so that it is the same for all groups and heads, and for shapes.
package protocol LookingUp: Sendable {
  /// A block with at most so many entries before it reads all of them, and nothing is chosen.
  var dense: Int { get }
  /// Rows of a prompt that are one block, from its multiples on; a generated row is a block of its own.
  var block: Int { get }
  /// Entries before a block that its rows read.
  func count(before position: Int) -> Int
  /// What choosing them takes.
  func scan(_ block: ReadBlock) -> Scan
  /// What choosing takes for all blocks of a pass, and what the pass takes besides.
  func scan(_ blocks: [ReadBlock], of pass: Range<Int>) -> Scan
  /// Latest entries, a row's own among them, whose weights are added up as it attends; nil: nobody asks.
  var tallyWindow: Int? { get }
  /// Whether entries outside that window are attended as if they stood where it ends.
  var bringsNear: Bool { get }
  /// Chooses for all heads of a run in one group.
  /// - Parameter memory: what the last generated row chose from and has chosen.
  /// - Returns: by head, ranges of the entries before the block in ascending order, as many entries as `count` says.
  func choose(_ block: ReadBlock, _ keys: KeyReader, _ memory: inout LookupMemory) -> [[Range<Int>]]
}

extension LookingUp {
  package func scan(_ blocks: [ReadBlock], of _: Range<Int>) -> Scan {
    blocks.reduce(into: Scan()) { $0 += scan($1) }
  }
  package var tallyWindow: Int? { nil }
  package var bringsNear: Bool { false }
}

/// Consecutive rows that read the same entries before them.
package struct ReadBlock: Sendable {
  /// Positions before the first of them.
  package let position: Int
  package let rows: Int
  /// Generated rows that have chosen before it; nil in a prompt.
  package let step: Int?

  /// Whether a choice is made anew that is used for so many generated rows.
  func refreshes(every interval: Int) -> Bool { step.map { $0 % interval == 0 } ?? true }
}

/// What choosing takes, in one key–value head of a group.
package struct Scan: Equatable, Sendable {
  /// Rows whose queries are read.
  package var queries = 0
  /// (Query, key) pairs whose products are compared.
  package var pairs = 0
  /// Keys that are read.
  package var keys = 0
  /// Rows that are added to means, and means that are made.
  package var averaged = 0
  /// Rows whose queries are rotated to another position.
  package var turned = 0
  /// Keys that are rotated, in either direction.
  package var rotatedKeys = 0
  /// Representatives that are read, each as a key in the cache's type.
  package var representatives = 0
  /// Representatives that are made, each the mean of so many keys.
  package var made = 0
  package var keysOfEach = 0

  static func += (sum: inout Scan, other: Scan) {
    sum.queries += other.queries
    sum.pairs += other.pairs
    sum.keys += other.keys
    sum.averaged += other.averaged
    sum.turned += other.turned
    sum.rotatedKeys += other.rotatedKeys
    sum.representatives += other.representatives
    sum.made += other.made
  }
}

/// What a group remembers of a choice that later rows use.
package struct LookupMemory: Sendable {
  /// Candidates of each stage.
  var inputs: [[Int]] = []
  /// What was found, by head.
  var found: [[Range<Int>]] = []
  /// A key for each block and head.
  var representatives: [[[Float]]] = []
}

/// The method of a plan; nil where everything is read.
func lookingUp(_ lookup: Lookup) -> (any LookingUp)? {
  switch lookup {
  case .everything: nil
  case .topK(let plan): LargestProducts(k: plan.k)
  case .hip(let plan): HalvedGroups(plan: plan)
  case .infiniteHiP(let plan): StagedChunks(plan: plan)
  case .infLLM(let plan): RepresentedBlocks(plan: plan)
  }
}

extension KeyValueCache {
  /// The blocks of a pass that choose what they read; the rows before them read everything.
  func choosingBlocks(run index: Int, queries: Int, isPrompt: Bool) -> [ReadBlock] {
    guard let method = runs[index].methods.lookingUp else { return [] }
    let (start, end) = (nextPosition, nextPosition + queries)
    let block = isPrompt ? method.block : 1
    precondition(start % block == 0, "a block of \(block) rows that begins in another pass")
    let first = max((method.dense / block + 1) * block, start)
    if !isPrompt, first < end, firstChoice[index] == nil { firstChoice[index] = first }
    return stride(from: first, to: end, by: block).map { position in
      ReadBlock(
        position: position, rows: min(block, end - position),
        step: isPrompt ? nil : firstChoice[index].map { position - $0 })
    }
  }
}
