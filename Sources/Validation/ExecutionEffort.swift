import Architectures
import Quantities
import Tensors

/// Rows moved in the time of one dispatched operation on shapes; an order of magnitude, chosen, because it only decides
/// what is executed at all.
private let rowsPerDispatch = 40.0

/// Rows that the teacher-forced pass moves for a token of a model that retains conditions; chosen by order of magnitude.
private let retainedRowsPerToken = 8.0

/// The effort of a run whose operations are listed: about ten seconds at some million dispatches a second.
private let tracedEffort = 2e7

/// How long executing a model on shapes takes, in dispatched operations; moving a token or a row counts a small part of
/// one. It decides what is executed at all, so it is a formula and not a clock: the same everywhere.
public func executionEffort(_ question: Question) -> Double {
  let generated = Double(question.workload.generatedLength)
  let sequences = Double(question.workload.batchSize) * Double(question.workload.continuations)
  let prompts = Double(question.workload.batchSize) * Double(question.workload.promptLength)
  // Five operations a layer, one or two around the stack.
  func dispatches(_ layers: Int) -> Double { Double(5 * layers + 2) }
  switch question.model.structure {
  case .stack:
    return dispatches(question.model.tokenStack.layers) * (1 + generated) + (prompts + sequences * generated)
      / rowsPerDispatch
  case .hierarchy:
    var perToken = 1.0
    var once = 0.0
    for level in question.model.hierarchy {
      once += dispatches(level.encoderLayers) + dispatches(level.decoderLayers) * Double(level.chunkLength)
      perToken += dispatches(level.decoderLayers) / Double(level.spanBelow)
      perToken += dispatches(level.encoderLayers) / Double(level.span)
    }
    let rows = Double(2 * question.model.levelCount + 2) * (prompts + sequences * generated)
    // The teacher-forced pass restores every unit of one sequence.
    let retention =
      question.model.retainConditions ? retainedRowsPerToken * (Double(question.workload.promptLength) + generated) : 0
    return once + perToken * generated + (rows + retention) / rowsPerDispatch
  }
}

/// A run on shapes with its list of operations; nil where it would take longer than about ten seconds.
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
