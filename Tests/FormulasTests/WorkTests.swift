import Architectures
import Formulas
import Quantities
import TestModels
import Testing

/// The rows of NOTATION.md's table, operation by operation and pass by pass, added up over grouped passes.
@Suite struct WorkTests {
  @Test func `nodes are the sums of their operations`() throws {
    let precision = Precision(weights: .int8, activations: .fp32, cache: .int4)
    let base = LayerShape(width: 10, heads: 6, keyValueHeads: 2, headWidth: 5, feedForward: 7)
    var models = variants(levels: 3).map {
      small(chunks: [2, 3, 2], conditions: [2, 1, 3], $0, $1, base: base)
    }
    // A level-1 chunker with weights, and no chunker with weights above it.
    models.append(models[0])
    models[models.count - 1].levels[1].chunker = .linear
    models.append(Model.vanilla(vocabulary: 9, layer: base, layers: 3))
    for model in models {
      for (prompt, generated) in [(1, 0), (17, 5), (12, 25), (7, 31)] {
        let workload = Workload(promptLength: prompt, generatedLength: generated, batchSize: 2, continuations: 3)
        let cost = try price(Question(model, workload, precision))
        for phase in Phase.allCases {
          let sum = try operations(Question(model, workload, precision), phase)
          for entry in cost[phase] {
            #expect(entry.work == sum[entry.node] ?? .zero, "\(entry.node) \(phase) \(model.decoderInput)")
          }
          #expect(sum.keys.allSatisfy(model.nodes.contains))
        }
      }
    }
  }

  /// Dispatches every operation of every pass with its rows in the whole batch.
  func operations(
    _ question: Question, _ phase: Phase
  ) throws -> [Node: Work<Int128>] {
    let batch = Int128(question.workload.batchSize * (phase == .prefill ? 1 : question.workload.continuations))
    let grouped = try passes(question, in: phase)
    var ledger = Ledger(precision: question.precision)
    for group in grouped.stacks {
      let encoder = group.side == .encoder
      let shape = question.model.layer(at: encoder ? group.level : max(group.level - 1, 0))
      let persistent = encoder || group.level == 0
      for index in 0..<group.indices {
        for _ in 0..<group.repetitions {
          let pairs = batch * (group.pairs + index * group.pairsSlope)
          let rows = batch * group.rows
          func node(_ component: Component) -> Node { Node(group.level, group.side, component) }
          let layers: Int
          if group.level == 0 {
            layers = question.model.layers
          } else {
            let level = question.model.levels[group.level]
            layers = encoder ? level.encoderLayers : level.decoderLayers
          }
          ledger.add(node(.projections), Work(sequentialPasses: 1, sequentialLayers: Int128(layers)))
          for _ in 0..<layers {
            ledger.layer(
              group, shape, rows: rows, pairs: pairs, reads: group.entriesReadOnce.map { $0 * batch } ?? pairs,
              persistent: persistent)
          }
          if group.level == 0 {
            ledger.embedding(Node(0, .decoder, .embedding), rows: rows, width: shape.width)
            continue
          }
          let level = question.model.levels[group.level]
          if encoder {
            if group.level == 1 {
              let tokens = rows * Int128(level.chunkLength)
              ledger.embedding(Node(0, .encoder, .embedding), rows: tokens, width: question.model.encoderEmbeddingWidth)
            }
            if level.chunker != .concatenation {
              let below =
                group.level == 1
                ? question.model.encoderEmbeddingWidth : question.model.layer(at: group.level - 1).width
              ledger.map(
                node(.chunker), rows: rows, inputs: level.chunkLength * below, outputs: level.layer.width, bias: true,
                norm: level.chunker == .linear)
            }
            ledger.norm(node(.norm), rows: rows, width: shape.width)
            continue
          }
          if group.calls > 0 {
            ledger.map(
              node(.converter), rows: batch * group.calls, inputs: level.layer.width,
              outputs: level.conditionLength * shape.width, bias: true, norm: false)
          }
          if group.level > 1 {
            ledger.norm(node(.norm), rows: rows, width: shape.width)
          } else if question.model.decoderInput.feedsTokens {
            ledger.embedding(
              Node(0, .decoder, .embedding), rows: batch * group.fedRows, width: question.model.layer.width)
          } else if group.fedRows > 0 {
            ledger.norm(node(.norm), rows: batch * group.fedRows, width: shape.width)
          }
        }
      }
    }
    for group in grouped.heads {
      for _ in 0..<group.dispatches {
        ledger.map(
          Node(0, .decoder, .head), rows: batch * group.rows, inputs: question.model.layer.width,
          outputs: question.model.vocabulary,
          bias: false, norm: true)
      }
    }
    return ledger.work
  }
}

private struct Ledger {
  let precision: Precision
  var work: [Node: Work<Int128>] = [:]

  init(precision: Precision) { self.precision = precision }

  mutating func add(_ node: Node, _ term: Work<Int128>) { work[node, default: .zero] += term }

  mutating func dispatch(
    _ node: Node, matmul: Int128 = 0, elementwise: Int128 = 0, weights: Int128 = 0, elements: Int128
  ) {
    add(
      node,
      Work(
        matmulFlops: matmul, elementwiseFlops: elementwise, weightBits: weights * Int128(precision.weights.bits),
        activationBits: elements * Int128(precision.activations.bits)))
  }

  mutating func layer(
    _ group: PassGroup, _ shape: LayerShape, rows: Int128, pairs: Int128, reads: Int128, persistent: Bool
  ) {
    let (width, hidden, head) = (Int128(shape.width), Int128(shape.feedForward), shape.headWidth)
    let (heads, few) = (Int128(shape.heads), Int128(shape.keyValueHeads))
    let (query, keyValue) = (heads * Int128(head), few * Int128(head))
    let cache = Int128(precision.cache.bits)
    let projections = Node(group.level, group.side, .projections)
    let feedForward = Node(group.level, group.side, .feedForward)
    // norm + Q, K, V + rotation + append
    dispatch(
      projections, matmul: 2 * rows * width * (query + 2 * keyValue),
      elementwise: rows * (4 * width + 4) + rows * 6 * Int128(head / 2) * (heads + few),
      weights: width * (query + 2 * keyValue) + width, elements: rows * width + rows * query)
    let appended = rows * 2 * keyValue * cache
    add(projections, persistent ? Work(cacheWriteBits: appended) : Work(activationBits: appended))
    // attention
    let attention = Node(group.level, group.side, .attention)
    dispatch(attention, matmul: 4 * pairs * query, elementwise: 6 * pairs * heads, elements: 2 * rows * query)
    let read = reads * 2 * keyValue * cache
    add(attention, persistent ? Work(cacheReadBits: read) : Work(localReadBits: read))
    // output product + residual
    dispatch(
      projections, matmul: 2 * rows * query * width, elementwise: rows * width, weights: query * width,
      elements: rows * (query + width) + rows * width)
    // norm + gate, up + activation, or norm + one matrix + activation
    let gated = shape.feedForwardKind == .gated
    dispatch(
      feedForward, matmul: (gated ? 4 : 2) * rows * width * hidden,
      elementwise: rows * (4 * width + 4) + (gated ? 5 : 8) * rows * hidden,
      weights: (gated ? 2 : 1) * width * hidden + width, elements: rows * width + rows * hidden)
    // down + residual
    dispatch(
      feedForward, matmul: 2 * rows * hidden * width, elementwise: rows * width, weights: hidden * width,
      elements: rows * (hidden + width) + rows * width)
  }

  mutating func embedding(_ node: Node, rows: Int128, width: Int) {
    if rows > 0 { dispatch(node, weights: rows * Int128(width), elements: rows * Int128(width)) }
  }

  mutating func norm(_ node: Node, rows: Int128, width: Int) {
    dispatch(
      node, elementwise: rows * (4 * Int128(width) + 4), weights: Int128(width), elements: 2 * rows * Int128(width))
  }

  /// Chunker, converter or head.
  mutating func map(_ node: Node, rows: Int128, inputs: Int, outputs: Int, bias: Bool, norm: Bool) {
    let (inputs, outputs) = (Int128(inputs), Int128(outputs))
    dispatch(
      node, matmul: 2 * rows * inputs * outputs,
      elementwise: (norm ? rows * (4 * inputs + 4) : 0) + (bias ? rows * outputs : 0),
      weights: inputs * outputs + (bias ? outputs : 0) + (norm ? inputs : 0), elements: rows * (inputs + outputs))
  }
}
