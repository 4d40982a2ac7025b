import Architectures

/// Gradients between the operations of a pass backward: each is begun where the last reader of its result runs first, and
/// given back when the operation that made the result has run.
///
/// A norm between two stacks swaps a gradient for another of the same size; both at once are less than a layer holds.
struct BackwardMemory {
  private let rows: TrainingRows
  private let settings: TrainingSettings
  /// By count of elements: buffers in use, and the most that were at a time.
  private var live: [Int128: Int128] = [:]
  private var pool: [Int128: Int128] = [:]
  private var liveElements: Int128 = 0
  /// The most elements in use at a time.
  private(set) var most: Int128 = 0
  /// Results that several operations read, by level; they are begun by whichever comes first.
  private var begunLatents: Set<Int> = []
  private var begunRestored: Set<Int> = []
  private var begunUnits: Set<Int> = []
  private var begunSummaries: Set<Int> = []

  init(_ rows: TrainingRows, _ settings: TrainingSettings) {
    self.rows = rows
    self.settings = settings
  }

  /// Elements of all buffers: none serves for another count.
  var pooled: Int128 { pool.reduce(0) { $0 + $1.key * $1.value } }

  mutating func run() {
    let (model, width, all) = (rows.model, rows.width(0), rows.sequences * rows.tokens)
    hold(all * Int128(model.vocabulary))
    beginComparisons()
    hold(all * width)
    borrow(all * width, all * width)
    release(all * Int128(model.vocabulary))
    switch model.structure {
    case .stack:
      runStack(StackPass(model.tokenStack, rows: all, entries: rows.entryElements(of: model.tokenStack)))
    case .hierarchy:
      beginRestored(1)
      release(all * width)
      for level in model.levels.indices where begunRestored.contains(level) { runDecoder(level) }
      for level in model.levels.indices.reversed() where begunLatents.contains(level) { runEncoder(level) }
    }
  }

  // MARK: Booking

  private mutating func hold(_ count: Int128, times: Int128 = 1) {
    guard times > 0 else { return }
    live[count, default: 0] += times
    pool[count] = max(pool[count, default: 0], live[count]!)
    liveElements += times * count
    most = max(most, liveElements)
  }

  private mutating func release(_ count: Int128, times: Int128 = 1) {
    guard times > 0 else { return }
    live[count]! -= times
    liveElements -= times * count
  }

  /// For the time of one operation.
  private mutating func borrow(_ counts: Int128...) {
    for count in counts { hold(count) }
    for count in counts { release(count) }
  }

  // MARK: Results that several operations read

  private mutating func beginLatents(_ level: Int) {
    if begunLatents.insert(level).inserted { hold(rows.units(level) * rows.width(level)) }
  }

  private mutating func beginRestored(_ level: Int) {
    if begunRestored.insert(level).inserted { hold(rows.restored(level) * rows.width(level - 1)) }
  }

  /// What chunker l reads: X^(l−1) itself, or embedded tokens, or the units of whole chunks moved together.
  private mutating func beginUnits(_ level: Int) {
    if level > 1, rows.readsAll(level) { return beginLatents(level - 1) }
    if begunUnits.insert(level).inserted { hold(unitElements(level)) }
  }

  private func unitElements(_ level: Int) -> Int128 {
    rows.units(level) * Int128(rows.model.level(level).chunkerInputs)
  }

  /// A^(l), which for a concatenation is a view of the units.
  private mutating func beginSummaries(_ level: Int) {
    if rows.model.levels[level].chunker == .concatenation { return beginUnits(level) }
    if begunSummaries.insert(level).inserted { hold(rows.units(level) * rows.width(level)) }
  }

  /// Both sides of L_rec and L_context, as far as they are no constants.
  private mutating func beginComparisons() {
    let levels = 1..<rows.model.levelCount + 1
    if settings.reconstructionWeight > 0 {
      for level in levels where level > 1 ? rows.unitsEach(level - 1) > 0 : settings.tokenTarget != .none {
        beginRestored(level)
        if level > 1, !settings.stopGradient { beginLatents(level - 1) }
      }
    }
    if settings.contextWeight > 0 {
      for level in levels where rows.unitsEach(level) > 1 {
        beginLatents(level)
        if !settings.stopGradient { beginSummaries(level) }
      }
    }
  }

  // MARK: Parts

  /// A pass through a stack whose gradient is taken.
  private struct StackPass {
    let stack: Stack
    let rows: Int128
    /// Keys of one layer, or its values.
    let entries: Int128
    /// Whether a later pass over the same window has begun the gradients of its entries, and an earlier one needs them.
    var isContinued = false
    var continues = false
    /// Whether the gradient of what the stack reads is there already.
    var inputIsHeld = false

    init(
      _ stack: Stack, rows: Int128, entries: Int128, isContinued: Bool = false, continues: Bool = false,
      inputIsHeld: Bool = false
    ) {
      (self.stack, self.rows, self.entries) = (stack, rows, entries)
      (self.isContinued, self.continues, self.inputIsHeld) = (isContinued, continues, inputIsHeld)
    }
  }

  /// From the gradient of a stack's result, which is held, to that of its input.
  private mutating func runStack(_ pass: StackPass) {
    let runs = pass.stack.runs
    for (index, run) in runs.enumerated().reversed() {
      runLayers(pass, run.shape, run.layers, isLowest: index == 0)
    }
  }

  /// The layers of a run, from the highest down; only their number and their place in the stack matter.
  private mutating func runLayers(
    _ pass: StackPass, _ shape: LayerShape, _ count: Int, isLowest: Bool
  ) {
    runLayer(pass, shape, isLowest: isLowest && count == 1)
    guard count > 1 else { return }
    // Those between the highest and the two lowest hold no more than the higher of these.
    let between = Int128(max(count - 3, 0))
    if pass.continues, !pass.isContinued { hold(pass.entries, times: 2 * between) }
    if pass.isContinued, !pass.continues { release(pass.entries, times: 2 * between) }
    if count > 2 { runLayer(pass, shape, isLowest: false) }
    runLayer(pass, shape, isLowest: isLowest)
  }

  private mutating func runLayer(_ pass: StackPass, _ shape: LayerShape, isLowest: Bool) {
    let rows = pass.rows
    let (width, query) = (rows * Int128(shape.width), rows * Int128(shape.queryWidth))
    let activated = rows * Int128(shape.feedForward)
    // Down: from the result to the residual and the activation.
    hold(width)
    hold(activated)
    release(width)
    // Gate and up, the norm in front of them made once more.
    borrow(rows * Int128(shape.hiddenWidth), width, width)
    release(activated)
    // Output: to the attended rows and the layer's input.
    hold(query)
    if !(isLowest && pass.inputIsHeld) { hold(width) }
    release(width)
    // Attention: to queries, keys and values.
    hold(query)
    if !pass.isContinued { hold(pass.entries, times: 2) }
    release(query)
    // Queries, keys and values side by side, and the norm in front of them.
    borrow(rows * Int128(shape.jointWidth), width, width)
    if !pass.continues { release(pass.entries, times: 2) }
    release(query)
  }

  private mutating func runEncoder(_ level: Int) {
    let (shape, units) = (rows.model.levels[level], rows.units(level))
    let width = units * rows.width(level)
    let isHeld = holdsSummaries(level)
    runStack(
      StackPass(
        rows.model.encoder(at: level), rows: units, entries: rows.entryElements(of: rows.model.encoder(at: level)),
        inputIsHeld: isHeld))
    if !isHeld {
      // The stack has held it: the sizes are equal.
      release(width)
      beginSummaries(level)
    }
    if shape.chunker != .concatenation {
      beginUnits(level)
      if shape.chunker == .linear { borrow(unitElements(level), unitElements(level)) }
      release(width)
    }
    if level == 1 {
      release(unitElements(level))
    } else if !rows.readsAll(level) {
      beginLatents(level - 1)
      release(unitElements(level))
    }
  }

  private func holdsSummaries(_ level: Int) -> Bool {
    guard rows.model.levels[level].chunker == .concatenation else { return begunSummaries.contains(level) }
    return level > 1 && rows.readsAll(level) ? begunLatents.contains(level - 1) : begunUnits.contains(level)
  }

  private mutating func runDecoder(_ level: Int) {
    let (shape, chunks, width) = (rows.model.levels[level], rows.chunks(level), rows.width(level - 1))
    let vectors = chunks * Int128(shape.conditionLength) * width
    if rows.unrolls(level) { runUnrolled(level) } else { runWhole(level) }
    // Converter, then the latents that it was given.
    hold(chunks * rows.width(level))
    release(vectors)
    let isTop = level == rows.model.levelCount
    let hasSource = rows.chunksEach(level) > 1 || !isTop && rows.model.decoderInput == .cascade
    if hasSource {
      if isTop || rows.model.decoderInput == .encoderState { beginLatents(level) } else { beginRestored(level + 1) }
    }
    release(chunks * rows.width(level))
  }

  /// All positions of all chunks in one pass; ends with the gradient of the condition vectors held.
  private mutating func runWhole(_ level: Int) {
    let (shape, width) = (rows.model.levels[level], rows.width(level - 1))
    let positions = rows.chunks(level) * rows.positions(level)
    hold(positions * width)
    release(rows.restored(level) * width)
    runStack(
      StackPass(rows.model.decoder(at: level), rows: positions, entries: rows.windowElements(level)))
    hold(rows.chunks(level) * Int128(shape.conditionLength) * width)
    let feeds = shape.chunkLength > 1
    if level == 1, feeds { hold(rows.units(0) * width) }
    if level > 1, feeds, rows.unitsEach(level - 1) > 0 { beginLatents(level - 1) }
    release(positions * width)
    if level == 1, feeds { release(rows.units(0) * width) }
  }

  /// One position of all chunks after another, from the last back to the first, then the condition vectors.
  private mutating func runUnrolled(_ level: Int) {
    let (shape, chunks) = (rows.model.levels[level], rows.chunks(level))
    let width = chunks * rows.width(level - 1)
    let (vectors, feeds) = (width * Int128(shape.conditionLength), Int128(shape.chunkLength) - 1)
    var stack = StackPass(
      rows.model.decoder(at: level), rows: chunks, entries: rows.windowElements(level), continues: true,
      inputIsHeld: level > 1)
    // Every position's output, out of all restored units.
    hold(width, times: feeds + 1)
    release(width * (feeds + 1))
    for pass in 0..<min(feeds, 2) {
      stack.isContinued = pass > 0
      runStack(stack)
      // At level 1 the input is a copy of the output before it, above that the output itself.
      if level == 1 { release(width) }
    }
    // Those before hold an output less each.
    release(width, times: max(feeds - 2, 0))
    hold(vectors)
    release(width)
    runStack(
      StackPass(
        rows.model.decoder(at: level), rows: chunks * Int128(shape.conditionLength),
        entries: rows.windowElements(level), isContinued: feeds > 0))
  }
}
