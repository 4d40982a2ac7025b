import Architectures
import Quantities

/// The counts of a point by other conventions.
///
/// Derivation. The exact counts stay what they are; each switch adds a difference that is closed over the groups of
/// like passes, so nothing here is in the way of pricing by the standard rules.
/// * n positions side by side, after any number of earlier keys, attend those and a triangle of n(n+1)/2 among
///   themselves; `half` counts n²/2 and `all` n² for the triangle. Twice the difference is −n or n² − n, an integer.
/// * A position that decode runs alone attends its own key too; `t` takes that pair and that read away.
/// * Unfused attention writes and reads the scores, then the weights: four elements a pair and head.
/// * `once` and `all` move the head of the first token into prefill; `all` adds the prompt's other positions.
/// - Throws: `CountOverflow` where a count could exceed 2^126.
public func counted(_ cost: ExactCost, by conventions: Conventions, _ question: Question) throws(CountOverflow)
  -> ExactCost
{
  guard conventions != Conventions() else { return cost }
  let converter = ConventionConverter(conventions, question)
  guard converter.bound(try CountBound.estimate(question)) < 0x1p126 else { throw .counts }
  var converted = cost
  converted.prefill = converter.convert(
    cost.prefill, .prefill, try passes(question, in: .prefill).stacks)
  converted.decode = converter.convert(cost.decode, .decode, try passes(question, in: .decode).stacks)
  converted.totals.prefill = converted.prefill.reduce(into: .zero) { $0 += $1.work }
  converted.totals.decode = converted.decode.reduce(into: .zero) { $0 += $1.work }
  return converted
}

private struct ConventionConverter {
  let conventions: Conventions
  let question: Question
  var model: Model { question.model }
  var workload: Workload { question.workload }
  var precision: Precision { question.precision }

  init(_ conventions: Conventions, _ question: Question) {
    self.conventions = conventions
    self.question = question
  }

  /// The exact bound with all pairs and unfused scores, and a head and a dense look-up for every position.
  func bound(_ exact: Double) -> Double {
    let positions = Double(workload.promptLength) + Double(workload.generatedLength)
    let sequences = Double(workload.batchSize) * Double(workload.continuations)
    let table = (Double(model.vocabulary) + 1) * (Double(max(model.layer.width, model.encoderEmbeddingWidth)) + 1)
    return 64 * exact + 256 * (positions + 1) * sequences * table
  }

  func sequences(_ phase: Phase) -> Int128 {
    Int128(workload.batchSize) * (phase == .prefill ? 1 : Int128(workload.continuations))
  }

  func convert(_ nodes: [NodeWork], _ phase: Phase, _ groups: [PassGroup<Int128>]) -> [NodeWork] {
    nodes.map { entry in
      var work = entry.work
      let own = groups.filter { $0.level == entry.node.level && $0.side == entry.node.side }
      switch entry.node.component {
      case .attention: convertAttention(&work, entry.node, phase, own)
      case .head: convertHead(&work, phase)
      case .embedding: convertEmbedding(&work, entry.node, groups)
      // No convention is about them; what a cache method adds as upkeep is counted as it is.
      case .chunker, .converter, .projections, .feedForward, .norm, .upkeep: break
      }
      if conventions.elementwise == .off { work.elementwiseFlops = 0 }
      return NodeWork(node: entry.node, work: work)
    }
  }

  // MARK: Attention

  private func convertAttention(_ work: inout Work<Int128>, _ node: Node, _ phase: Phase, _ groups: [PassGroup<Int128>])
  {
    let shape = model.layer(at: node.side == .decoder ? max(node.level - 1, 0) : node.level)
    let layers = Int128(model.stack(node.level, node.side).layers) * sequences(phase)
    var twicePairs: Int128 = 0
    var ownReads: Int128 = 0
    for group in groups {
      if let (blocks, length) = group.triangles(in: phase) {
        switch conventions.causalPairs {
        case .exact: break
        case .half: twicePairs -= group.passes * blocks * length
        case .all: twicePairs += group.passes * blocks * (length * length - length)
        }
      } else if phase == .decode, conventions.decodeContext == .exclusive {
        ownReads += group.passes * group.rows
      }
    }
    twicePairs = (twicePairs - 2 * ownReads) * layers
    let (query, heads) = (Int128(shape.queryWidth), Int128(shape.heads))
    work.matmulFlops += 2 * twicePairs * query
    // Half a FLOP, where a pair has an odd number of them, is left out.
    work.elementwiseFlops += twicePairs * LayerRow<Int128>(shape).pairElementwise / 2
    let readBits = ownReads * layers * 2 * Int128(shape.keyValueWidth) * Int128(precision.cache.bits)
    if node.isLocal {
      work.localReadBits -= readBits
    } else {
      work.cacheReadBits -= readBits
    }
    if conventions.attention == .unfused {
      work.activationBits += work.matmulFlops / query * heads * Int128(precision.activations.bits)
    }
  }

  // MARK: Head and embedding

  /// Without a prompt prefill has no position whose logits could be asked for.
  private func convertHead(_ work: inout Work<Int128>, _ phase: Phase) {
    guard conventions.head != .emitted, workload.promptLength > 0 else { return }
    let cost: MapCost<Int128> = model.headCost(precision)
    if phase == .prefill {
      let rows = conventions.head == .all ? Int128(workload.promptLength) : 1
      work += cost.work(rows: rows * sequences(.prefill), dispatches: 1)
    } else if workload.generatedLength > 0 {
      let first = cost.work(rows: sequences(.decode), dispatches: firstHeadIsShared ? 0 : 1)
      work.matmulFlops -= first.matmulFlops
      work.elementwiseFlops -= first.elementwiseFlops
      work.weightBits -= first.weightBits
      work.activationBits -= first.activationBits
    }
  }

  /// Whether the dispatch that emits the first token emits tokens of other chunks too, and so stays.
  private var firstHeadIsShared: Bool {
    switch model.structure {
    case .stack: return false
    case .hierarchy:
      let walk = HierarchyWalk(model, prompt: workload.promptLength, generated: workload.generatedLength)
      return walk.parallel > 0 && walk.dropAt == workload.promptLength
        && model.metaContextLength > model.levels[1].chunkLength
    }
  }

  /// One-hot rows times the table, which every dispatch reads whole.
  private func convertEmbedding(_ work: inout Work<Int128>, _ node: Node, _ groups: [PassGroup<Int128>]) {
    guard conventions.embedding == .dense, work.weightBits > 0 else { return }
    let width = Int128(node.side == .encoder ? model.encoderEmbeddingWidth : model.layer.width)
    let rows = work.activationBits / (width * Int128(precision.activations.bits))
    let tableWidth = node.side == .encoder ? model.encoderEmbeddingWidth : model.tableWidth
    let rowBits = Int128(precision.bits(of: .embedding, inputs: tableWidth))
    // Positions and projections are read as they are.
    let others = work.weightBits - rows * rowBits
    let dispatches = groups.filter {
      $0.side == node.side && (node.side == .encoder ? $0.level == 1 : $0.level <= 1 && $0.fedRows > 0)
    }.reduce(Int128(0)) { $0 + $1.passes }
    let vocabulary = Int128(model.vocabulary)
    work.matmulFlops += 2 * rows * vocabulary * Int128(tableWidth)
    work.weightBits = dispatches * vocabulary * rowBits + others
  }
}

extension PassGroup<Int128> {
  /// Positions that a pass runs side by side, as so many triangles of such a length; nil where it runs each alone.
  fileprivate func triangles(in phase: Phase) -> (blocks: Int128, length: Int128)? {
    switch kind {
    case .units: phase == .prefill || rows > 1 ? (1, rows) : nil
    case .condition: (calls, rows / calls)
    case .known: (1, rows)
    case .fed: nil
    }
  }
}
