import Architectures

/// What rows read where a lookup chooses entries, and what choosing takes: in one key–value head of one layer of one
/// sequence.
///
/// All entries are held, so that before a row at position s there are s. A block of rows reads some of those before it, as
/// many as its position says, and of its own those up to each row. All sums have closed forms, whatever is summed over.
protocol LookupCounts: Sendable {
  /// A block with at most so many entries before it reads all of them, and nothing is chosen.
  var dense: Int { get }
  /// Rows of a prompt that are one block, from its multiples on; a generated row is a block of its own.
  var block: Int { get }
  /// Entries that blocks read of those before them, added up.
  func read(_ blocks: Progression) -> Int
  /// What choosing takes in a prompt, for blocks of so many rows.
  func choosing(_ blocks: Progression, rows: Int) -> UpkeepCounts
  /// What choosing takes for generated rows, the first of which is the first that chooses.
  func choosing(generated rows: Range<Int>) -> UpkeepCounts
  /// What every pass takes besides, whether its rows choose or not.
  func everyPass(_ passes: PassRange) -> UpkeepCounts
  /// Whether the keys of all entries are scored: passes of a prompt read each of them once.
  var scoresAll: Bool { get }
}

extension LookupCounts {
  func everyPass(_: PassRange) -> UpkeepCounts { UpkeepCounts() }
  var scoresAll: Bool { false }
}

extension Lookup {
  /// The counts of each method; nil where everything is read.
  var counts: (any LookupCounts)? {
    switch self {
    case .everything: nil
    case .topK(let plan): TopKCounts(k: plan.k)
    case .hip(let plan): HiPCounts(plan: plan)
    case .infiniteHiP(let plan): InfiniteHiPCounts(plan: plan)
    case .infLLM(let plan): InfLLMCounts(plan: plan)
    }
  }
}

/// Positions at even distances.
struct Progression {
  let first, step, count: Int

  init(_ first: Int, by step: Int = 1, count: Int) {
    (self.first, self.step, self.count) = (first, step, max(count, 0))
  }

  /// Σ s
  var sum: Int { count * first + step * (count * (count - 1) / 2) }

  /// How many lie before a position.
  func count(before position: Int) -> Int {
    position <= first ? 0 : min(count, (position - first + step - 1) / step)
  }

  /// Σ ⌊(s − origin)/divisor⌋ over positions from the origin on.
  func floors(from origin: Int, by divisor: Int) -> Int { floorSum(count, step, first - origin, divisor) }

  /// The first so many, and those behind them.
  func cut(at number: Int) -> (Progression, Progression) {
    let number = min(max(number, 0), count)
    return (
      Progression(first, by: step, count: number),
      Progression(first + number * step, by: step, count: count - number)
    )
  }
}

/// Σ ⌊(a·i + b)/m⌋ over 0 ≤ i < n, as Euclid divides: the points below a line, then the same with the axes exchanged.
func floorSum(_ n: Int, _ a: Int, _ b: Int, _ m: Int) -> Int {
  guard n > 0 else { return 0 }
  let whole = n * (n - 1) / 2 * (a / m) + n * (b / m)
  let (a, b) = (a % m, b % m)
  let height = (a * (n - 1) + b) / m
  guard height > 0 else { return whole }
  return whole + (n - 1) * height - floorSum(height, m, m - b - 1, a)
}

/// What passes read, and what choosing it takes.
struct ChosenSums {
  var pairs = 0
  /// Entries: once for each block of a prompt, or for each row.
  var entries = 0
  var choosing = UpkeepCounts()
}

extension LookupCounts {
  /// What passes one behind another read.
  func sums(_ passes: PassRange, _ prompt: PromptPasses) -> ChosenSums {
    let (start, end) = (passes.before, passes.before + passes.rows * passes.count)
    var sums = passes.readsOnce ? ofPrompt(passes, start..<end) : generated(start..<end, behind: prompt.units)
    sums.choosing += everyPass(passes)
    return sums
  }

  /// Rows that read everything, each pass of them every entry once; then blocks.
  private func ofPrompt(_ passes: PassRange, _ rows: Range<Int>) -> ChosenSums {
    let first = min(max((dense / block + 1) * block, rows.lowerBound), rows.upperBound)
    var sums = ChosenSums()
    sums.pairs = triangle(first) - triangle(rows.lowerBound)
    let (whole, rest) = ((first - rows.lowerBound) / passes.rows, (first - rows.lowerBound) % passes.rows)
    sums.entries = whole * rows.lowerBound + passes.rows * triangle(whole) + (rest > 0 ? first : 0)
    let blocks = Progression(first, by: block, count: (rows.upperBound - first) / block)
    let last = (rows.upperBound - first) % block
    for (blocks, rows) in [(blocks, block), (Progression(rows.upperBound - last, count: last > 0 ? 1 : 0), last)]
    where blocks.count > 0 {
      let read = read(blocks)
      sums.pairs += rows * read + blocks.count * triangle(rows)
      sums.entries += read + blocks.count * rows
      sums.choosing += choosing(blocks, rows: rows)
    }
    if scoresAll {
      // The last row of a pass scores all entries before it.
      let ends = Progression(
        rows.lowerBound + passes.rows * (whole + 1) - 1, by: passes.rows, count: passes.count - whole)
      sums.choosing.voted = ends.sum
    }
    return sums
  }

  /// Rows that read everything, then rows that choose. Intervals of refreshing begin with the first of those.
  private func generated(_ rows: Range<Int>, behind prompt: Int) -> ChosenSums {
    let first = min(max(dense + 1, rows.lowerBound), rows.upperBound)
    let base = max(dense + 1, prompt)
    let all = Progression(first, count: rows.upperBound - first)
    var sums = ChosenSums()
    sums.pairs = triangle(first) - triangle(rows.lowerBound) + (all.count > 0 ? read(all) + all.count : 0)
    sums.entries = sums.pairs
    if all.count > 0 {
      sums.choosing = choosing(generated: base..<rows.upperBound)
      if base < first { sums.choosing = sums.choosing.with(choosing(generated: base..<first), -) }
    }
    return sums
  }

  private func triangle(_ count: Int) -> Int { count * (count + 1) / 2 }
}
