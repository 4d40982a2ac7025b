import Architectures
import Quantities
import Tensors

/// Rows moved in the time of one dispatched operation on shapes; an order of magnitude, chosen, because it only decides
/// what is executed at all.
private let rowsPerDispatch = 40.0

/// Tokens that a session keeps for each of them, of four bytes: what may be executed and listed keeps 240 MB.
private let tokensPerDispatch = 12.0

/// Lists, states and windows that a sequence has even where it has no token, in tokens; chosen by order of magnitude.
private let tokensOfSequence = 16.0

/// How often the teacher-forced pass of a model that retains conditions moves a row; chosen by order of magnitude.
private let retainedMoves = 4.0

/// The effort of a run whose operations are listed: a few seconds at some million dispatches a second, and less than a
/// gigabyte of operations where none is like another.
private let tracedEffort = 5e6

/// How long executing a model on shapes takes, in dispatched operations; moving a row or keeping a token counts a small
/// part of one. It decides what is executed at all, so it is a formula and not a clock: the same everywhere.
public func executionEffort(_ question: Question) -> Double {
  let (model, workload) = (question.model, question.workload)
  let generated = Double(workload.generatedLength)
  let batch = Double(workload.batchSize)
  let sequences = batch * Double(workload.continuations)
  let tokens = batch * Double(workload.promptLength) + sequences * generated
  // Five operations a layer, one or two around the stack.
  func dispatches(_ layers: Int) -> Double { Double(5 * layers + 2) }
  var effort = tokensOfSequence * sequences / tokensPerDispatch
  var rows = tokens
  switch model.structure {
  case .stack:
    let once = PromptCost(units: workload.promptLength, batch: batch, cache: model.cache(at: 0))
    effort += dispatches(model.tokenStack.layers) * (once.passes + generated)
    rows += once.rowsAhead
  case .hierarchy:
    var perToken = 1.0
    rows *= Double(2 * model.levelCount + 2)
    for level in model.hierarchy {
      let once = PromptCost(
        units: workload.promptLength / level.span, batch: batch, cache: model.cache(at: level.number))
      effort += dispatches(level.encoderLayers) * once.passes
      effort += dispatches(level.decoderLayers) * Double(level.chunkLength)
      perToken += dispatches(level.decoderLayers) / Double(level.spanBelow)
      perToken += dispatches(level.encoderLayers) / Double(level.span)
      // A chunk's conditions and units: at most three chunks of each prompt, then one for each that generation opens.
      let window = Double(level.conditionLength + level.chunkLength)
      let opened = generated / Double(level.span)
      rows += window * (3 * batch + sequences * (1 + opened)) + once.rowsAhead
      // The teacher-forced pass restores every unit of one sequence.
      if model.retainConditions {
        rows += retainedMoves * window * (Double(workload.promptLength) / Double(level.span) + opened)
      }
    }
    effort += perToken * generated
    // Tokens of an open chunk and of a whole meta-context, and of a slot of all its chunks.
    let kept = model.metaContextLength + model.levels[1].chunkLength
    effort += sequences * Double(kept + model.metaContextLength / model.levels[1].chunkLength) / tokensPerDispatch
  }
  return effort + rows / rowsPerDispatch
}

/// What reading a prompt takes besides its rows.
private struct PromptCost {
  /// Passes of the stack; one where it reads all at once.
  var passes: Double
  /// Rows that run behind each of them and leave nothing.
  var rowsAhead: Double

  init(units: Int, batch: Double, cache: StackCache) {
    let chunk = max(1, cache.prefillChunk ?? units)
    passes = max(1, (Double(units) / Double(chunk)).rounded(.up))
    rowsAhead = batch * passes * Double(min(cache.lookahead, units))
  }
}

/// A run on shapes with its list of operations; nil where it would take longer than some seconds.
public func tracedRun(_ question: Question) -> Trace? {
  guard executionEffort(question) <= tracedEffort else { return nil }
  return ExecutedRun(question, listsOperations: true).trace
}

/// Positions in a list whose efforts together stay within a budget: evenly spaced, the first included, without those
/// that are too long by themselves.
/// - Parameters:
///   - count: length of the list.
///   - limit: the most positions that are looked at.
///   - budget: of all positions together, in the unit of `effort`.
///   - effort: of a position; nil where there is nothing.
public func affordablePositions(
  count: Int, limit: Int = 1024, budget: Double, effort: (Int) -> Double?
) -> [Int] {
  let looked = min(count, limit)
  var chosen = (0..<looked).map { $0 * count / looked }.compactMap { position in
    // Chosen: none takes more than a quarter of the budget, so that several positions have room.
    effort(position).flatMap { $0 <= budget / 4 ? (position: position, effort: $0) : nil }
  }
  while chosen.reduce(0, { $0 + $1.effort }) > budget, chosen.count > 1 {
    chosen = stride(from: 0, to: chosen.count, by: 2).map { chosen[$0] }
  }
  return chosen.map(\.position)
}
