import Architectures

/// The arena of a teacher-forced pass under a tape: every result is kept in whole cache lines, and what an operation
/// needs for itself is borrowed on top.
struct ForwardMemory {
  private var kept: Int128 = 0
  /// The most at a time.
  private(set) var most: Int128 = 0

  mutating func run(_ rows: TrainingRows) {
    let (model, all) = (rows.model, rows.sequences * rows.tokens)
    switch model.structure {
    case .stack:
      keep(all, rows.width(0))
      runStack(model.tokenStack, all)
    case .hierarchy:
      for level in 1...model.levelCount where rows.unitsEach(level) > 0 { runEncoder(level, rows) }
      for level in stride(from: model.levelCount, through: 1, by: -1) { runDecoder(level, rows) }
      // Restored tokens without those behind the end.
      keep(all, rows.width(0))
    }
    keep(all, Int128(model.vocabulary))
    borrow(all * rows.width(0))
  }

  // MARK: Booking

  private mutating func keep(_ rows: Int128, _ columns: Int128) {
    kept += wholeLines(rows * columns)
    most = max(most, kept)
  }

  private mutating func borrow(_ counts: Int128...) { most = max(most, counts.reduce(kept) { $0 + wholeLines($1) }) }

  /// The same results so many times: the last time has most below it.
  private mutating func repeated(_ count: Int128, _ body: (inout Self) -> Void) {
    guard count > 0 else { return }
    var once = Self()
    body(&once)
    kept += (count - 1) * once.kept
    body(&self)
  }

  // MARK: Parts

  private mutating func runStack(_ stack: Stack, _ rows: Int128, endsNormalised: Bool = false) {
    for run in stack.runs {
      let (shape, width, query) = (run.shape, Int128(run.shape.width), Int128(run.shape.queryWidth))
      repeated(Int128(run.layers)) {
        $0.keep(rows, width)
        $0.keep(rows, query)
        $0.borrow(rows * width, rows * Int128(shape.jointWidth))
        $0.keep(rows, query)
        $0.keep(rows, width)
        $0.keep(rows, Int128(shape.feedForward))
        $0.keep(rows, Int128(shape.hiddenWidth))
        $0.borrow(rows * width)
      }
    }
    if endsNormalised { keep(rows, Int128(stack.width)) }
  }

  private mutating func runEncoder(_ level: Int, _ rows: TrainingRows) {
    let (own, units) = (rows.model.level(level), rows.units(level))
    let inputs = Int128(own.chunkerInputs)
    // Embedded tokens, or the units of whole chunks where there are more.
    if level == 1 || !rows.readsAll(level) { keep(units, inputs) }
    // What a linear chunker borrows is never the most: its decoder restores as much, and keeps it.
    if own.chunker != .concatenation { keep(units, rows.width(level)) }
    runStack(rows.model.encoder(at: level), units, endsNormalised: true)
  }

  private mutating func runDecoder(_ level: Int, _ rows: TrainingRows) {
    let (shape, chunks, width) = (rows.model.levels[level], rows.chunks(level), rows.width(level - 1))
    let (stack, condition) = (rows.model.decoder(at: level), Int128(shape.conditionLength))
    keep(chunks, rows.width(level))
    keep(chunks, condition * width)
    if rows.unrolls(level) {
      runStack(stack, chunks * condition, endsNormalised: level > 1)
      keep(chunks, width)
      repeated(Int128(shape.chunkLength) - 1) {
        if level == 1 {
          // Its own output, and that normalised.
          $0.keep(chunks, width)
          $0.keep(chunks, width)
        }
        $0.runStack(stack, chunks, endsNormalised: level > 1)
      }
    } else {
      if level == 1 { keep(rows.sequences * rows.tokens, width) }
      keep(chunks * rows.positions(level), width)
      runStack(stack, chunks * rows.positions(level), endsNormalised: level > 1)
    }
    keep(rows.restored(level), width)
  }
}
