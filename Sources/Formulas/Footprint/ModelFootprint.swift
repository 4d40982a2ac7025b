import Architectures
import Quantities

/// What some alike heads of a stack hold over the tokens of one sequence.
public struct FootprintPart: Hashable, Sendable {
  /// The attention of its stack.
  public let node: Node
  /// Among those of the stack, from 0.
  public let layers: Range<Int>
  /// Key–value heads of each layer, among those of the layer.
  public let heads: Range<Int>
  /// How they keep their entries; windows of decoders keep everything.
  public let plan: CachePlan
  /// Entries that one head holds, added up over all tokens.
  public let stored: Int128
  /// Those of them in the memory of the host.
  public let hostStored: Int128
  /// (Query, key) pairs of one head: the entries that queries read.
  public let read: Int128
  /// Entries that one head holds at the end.
  public let heldAtEnd: Int
  /// What one position takes in all layers and heads of the part, in the form in which it is kept.
  /// - Unit: bit
  let entryBits: Int128
  /// The same as it came; and of the entries stored and read those that are so.
  /// - Unit: bit
  let freshBits: Int128
  let freshStored, freshRead: Int128

  /// - Unit: bit · token
  var storedBits: Int128 { (stored - freshStored) &* entryBits + freshStored &* freshBits }
  /// - Unit: bit · token
  var hostBits: Int128 { hostStored &* entryBits }
  /// - Unit: bit
  var readBits: Int128 { (read - freshRead) &* entryBits + freshRead &* freshBits }
}

/// The KV footprint of a model of any family in token time: memory held, added up over the tokens of prompt and
/// generation, as a share of what a Transformer of the same layers that attends to everything holds.
///
/// For a vanilla Transformer this is the definition of PruLong (arXiv:2506.17121 §2.1): n(τ) entries while token τ is
/// processed, its own included, over T(T + 1)/2. For hierarchies it is a convention of this program. A token of the
/// prompt counts the entries up to the one of its unit, ⌈(τ + 1)/C_{≤l}⌉ of them where everything is kept; a token that
/// is generated counts those of units that have closed, and of each decoder that runs one open window of R_l + u_l
/// entries. The reference has the layers of all encoders and decoders at their widths.
public struct ModelFootprint: Hashable, Sendable {
  /// Stack by stack, from level 1 up, encoder first; runs of layers and heads in their order.
  public let parts: [FootprintPart]
  /// Memory held, added up over tokens.
  /// - Unit: bit · token
  public let stored: Int128
  /// The part of it in the memory of the host.
  /// - Unit: bit · token
  public let hostStored: Int128
  /// The same of full attention.
  /// - Unit: bit · token
  public let reference: Int128
  /// Entries read by all queries.
  /// - Unit: bit
  public let read: Int128
  /// The most memory of the device held at once.
  /// - Unit: byte
  public let peakBytes: Int128
  /// Full attention's at the end.
  /// - Unit: byte
  public let referencePeakBytes: Int128

  /// Of one sequence of the question; batch and continuations do not matter.
  /// - Throws: `CountOverflow` where a count could exceed 2^126.
  public init(_ question: Question) throws(CountOverflow) {
    var pricer = Pricer()
    self = try pricer.footprint(question)
  }

  /// - Parameter stacks: all of the model's.
  /// - Parameter planned: of those that persist, from level 1 up; empty where all keep and read everything.
  init(
    _ question: Question, _ stacks: [PricedStack<Int128>], _ planned: [StackSums], _ passes: PointPasses,
    _ cache: CacheFigures
  ) {
    let tokens = Int128(question.workload.promptLength + question.workload.generatedLength)
    let walk = TokenWalk(question)
    var parts: [FootprintPart] = []
    for priced in stacks {
      let stack = priced.stack
      let isPlanned = stack.persists && !planned.isEmpty
      walk.append(priced, isPlanned ? planned[max(stack.level - 1, 0)] : walk.sums(priced, passes), to: &parts)
    }
    self.parts = parts
    stored = parts.indices.reduce(0) { $0 + parts[$1].storedBits }
    hostStored = parts.indices.reduce(0) { $0 + parts[$1].hostBits }
    read = parts.indices.reduce(0) { $0 + parts[$1].readBits }
    let full = stacks.reduce(Int128(0)) { $0 + $1.cost.entryBits }
    reference = full * (tokens * (tokens + 1) / 2)
    peakBytes = cache.peakBytes + cache.localPeakBytes
    referencePeakBytes = bytes(full * tokens)
  }

  /// Memory held as a share of full attention's; 1 is no saving.
  public var footprint: Double { reference > 0 ? Double(stored) / Double(reference) : 1 }
  /// The part of the footprint in the memory of the host.
  public var hostFootprint: Double { reference > 0 ? Double(hostStored) / Double(reference) : 0 }
  /// The part of it in the memory of the device.
  public var deviceFootprint: Double { reference > 0 ? Double(stored - hostStored) / Double(reference) : 1 }
  /// Entries read as a share of what full attention reads.
  public var activeFraction: Double { reference > 0 ? Double(read) / Double(reference) : 1 }
  /// The most memory of the device held as a share of full attention's at the end.
  public var peak: Double { referencePeakBytes > 0 ? Double(peakBytes) / Double(referencePeakBytes) : 1 }
}

/// Token time over the stacks of a question.
private struct TokenWalk {
  let question: Question
  private var model: Model { question.model }
  private var prompt: Int { question.workload.promptLength }
  private var end: Int { prompt + question.workload.generatedLength }
  /// `E`, where recursive generation drops the caches of lower levels; nil elsewhere.
  private let drop: Int?

  init(_ question: Question) {
    self.question = question
    let walk = HierarchyWalk(
      question.model, prompt: question.workload.promptLength, generated: question.workload.generatedLength)
    drop = question.model.generation == .recursive ? walk.dropAt : nil
  }

  /// What the heads of a stack do that has not been priced with a plan.
  func sums(_ priced: PricedStack<Int128>, _ passes: PointPasses) -> StackSums {
    let span = span(priced.stack.level)
    return StackSums(priced, StackPoint(priced.stack, (prompt / span, prompt / span, end / span), passes))
  }

  func append(_ priced: PricedStack<Int128>, _ sums: StackSums, to parts: inout [FootprintPart]) {
    let stack = priced.stack
    for index in priced.heads.indices {
      let stored: (all: Int128, fresh: Int128, host: Int128) =
        stack.persists ? persistent(sums, index, priced) : (window(stack.level), 0, 0)
      let (prefill, decode) = (sums[.prefill][index], sums[.decode][index])
      parts.append(
        FootprintPart(
          node: stack.node(.attention), layers: priced.heads[index].layers, heads: priced.heads[index].heads,
          plan: priced.heads[index].cache, stored: stored.all, hostStored: stored.host,
          read: prefill.tokenPairs + decode.tokenPairs,
          heldAtEnd: heldAtEnd(sums, index, stack), entryBits: priced.costs[index].formedBits,
          freshBits: priced.costs[index].freshBits, freshStored: stored.fresh,
          freshRead: prefill.freshPairs + decode.freshPairs))
    }
  }

  private func heldAtEnd(_ sums: StackSums, _ index: Int, _ stack: Stack) -> Int {
    guard stack.persists else {
      guard let shape = decoderRuns(at: stack.level, after: end), end % model.level(stack.level).span != 0 else {
        return 0
      }
      return shape.conditionLength + end / shape.spanBelow % shape.chunkLength
    }
    return isDropped(stack.level, at: end) ? 0 : sums.rooms[index].heldAtEnd
  }

  private func span(_ level: Int) -> Int { model.metaContextLength(upTo: level) }

  private func isDropped(_ level: Int, at tokens: Int) -> Bool {
    guard let drop, level > 0, level < model.levelCount else { return false }
    return tokens >= drop
  }

  // MARK: Persistent caches

  /// Entries of a head over all tokens, those of the prompt and then those of generation: all of them, those that are as
  /// they came, and those in the memory of the host.
  private func persistent(
    _ sums: StackSums, _ index: Int, _ priced: PricedStack<Int128>
  ) -> (all: Int128, fresh: Int128, host: Int128) {
    let (prefill, decode) = (sums[.prefill][index], sums[.decode][index])
    // Every unit is a token.
    if priced.stack.level == 0 {
      return (
        prefill.stored + decode.stored, prefill.freshStored + decode.freshStored,
        prefill.hostStored + decode.hostStored
      )
    }
    let planned = PlannedHeads(priced.heads[index].cache, sums.point.prompt)
    return (
      persistent(planned, priced.stack, .all, prefill.stored),
      planned.hasFresh ? persistent(planned, priced.stack, .fresh, prefill.freshStored) : 0,
      planned.hasHost ? persistent(planned, priced.stack, .host, prefill.hostStored) : 0
    )
  }

  /// - Parameter inPrompt: those over the units of the prompt.
  private func persistent(
    _ planned: PlannedHeads, _ stack: Stack, _ part: PlannedHeads.Part, _ inPrompt: Int128
  ) -> Int128 {
    let span = span(stack.level)
    let units = prompt / span
    // Every token of a unit sees what its pass holds up to it; those of an open unit one more than has closed.
    let inPrompt =
      Int128(span) * inPrompt
      + Int128(prompt % span) * Int128(planned.count(part, of: planned.held(after: units), open: 1))
    let stop = isDropped(stack.level, at: end) ? max(drop!, prompt) : end
    guard stop > prompt else { return inPrompt }
    // ⌊τ/C⌋ units have closed when token τ is processed.
    let (first, last) = (prompt / span, (stop - 1) / span)
    let whole = Int128(span) * planned.heldSum(part, first..<last + 1)
    let before = Int128(prompt - first * span) * Int128(planned.held(part, after: first))
    let behind = Int128((last + 1) * span - stop) * Int128(planned.held(part, after: last))
    return inPrompt + whole - before - behind
  }

  // MARK: Windows

  /// The level, if its decoder runs once so many tokens are there.
  private func decoderRuns(at level: Int, after tokens: Int) -> Level? {
    let isLate = level > 1 && model.decoderInput == .encoderState
    return isLate && (drop.map { tokens < $0 } ?? true) ? nil : model.level(level)
  }

  /// Entries of the open window of a decoder over the tokens that are generated.
  private func window(_ number: Int) -> Int128 {
    let isLate = number > 1 && model.decoderInput == .encoderState
    guard let start = isLate ? drop.map({ max($0, prompt) }) : prompt, start < end else { return 0 }
    let level = model.level(number)
    /// Σ R + u(τ) over τ < tokens: whole chunks, whole units of the open one, and the tokens of an open unit.
    func sum(_ tokens: Int) -> Int128 {
      let (chunk, below) = (Int128(level.chunkLength), Int128(level.spanBelow))
      let (whole, rest) = (Int128(tokens / level.span), Int128(tokens % level.span))
      let (units, open) = (rest / below, rest % below)
      return Int128(level.conditionLength) * Int128(tokens) + whole * below * (chunk * (chunk - 1) / 2)
        + below * (units * (units - 1) / 2) + open * units
    }
    return sum(end) - sum(start)
  }
}

extension PlannedHeads {
  /// Which entries of a head are added up.
  fileprivate enum Part {
    case all
    /// Those that are as they came.
    case fresh
    /// Those in the memory of the host.
    case host
  }

  /// - Parameter open: entries of a unit that has not closed, which are on the device.
  fileprivate func count(_ part: Part, of held: Int, open: Int = 0) -> Int {
    switch part {
    case .all: held + open
    case .fresh: fresh(of: held + open)
    case .host: atHost(of: held)
    }
  }

  fileprivate func held(_ part: Part, after positions: Int) -> Int { count(part, of: held(after: positions)) }

  /// Σ held(u) over units u behind which all of the prompt has been read.
  fileprivate func heldSum(_ part: Part, _ units: Range<Int>) -> Int128 {
    heldPieces(units).reduce(0) { sum, piece in
      let (count, base) = (Int128(piece.count), Int128(held(part, after: piece.first)))
      let slope = Int128(held(part, after: piece.second)) - base
      return sum + count * base + slope * (count * (count - 1) / 2)
    }
  }
}
