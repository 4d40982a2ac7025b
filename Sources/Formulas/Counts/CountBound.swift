import Architectures
import Quantities

/// A count that does not fit in 128 bits: no number is reported rather than a wrong one.
public struct CountOverflow: Error, Hashable, Sendable, CustomStringConvertible {
  public var description: String

  static let counts = CountOverflow(
    description: "the counts of this point exceed 2^126: choose shorter contexts, a smaller batch or smaller widths")
  static let positions = CountOverflow(
    description: "prompt, generated tokens and meta-context together exceed 2^60 tokens: choose shorter contexts")
}

/// The sum of all fields of all nodes of a point, and so a bound on each of them and on every intermediate product,
/// estimated from above in `Double`. Rounding is relative 2^-50 at most; the callers keep a factor of two in hand.
///
/// Rows are bounded without their floors: encoder l runs at most n/C_{≤l} units, decoder l at most
/// (n/C_{≤l} + 1)(R_l + C_l) positions, the carry included; passes and dispatches never exceed rows.
struct CountBound {
  private let sequences: Double
  private let bits: (weights: Double, activations: Double, cache: Double)
  private(set) var total = 0.0

  /// - Throws: `CountOverflow` if positions themselves do not fit.
  static func estimate(_ question: Question) throws(CountOverflow) -> Double {
    let tokens = Double(question.workload.promptLength) + Double(question.workload.generatedLength)
    var bound = CountBound(question.workload, question.precision, hasFullCaches: question.model.hasFullCaches)
    // Of a style, element-wise work and vectors of a row are at most four times those of a plain layer; so are logits.
    let styled = question.model.layer.isPlain && question.model.ends == .plain ? 1.0 : 4
    bound.addMap(
      rows: styled * Double(question.workload.generatedLength), inputs: Double(question.model.layer.width),
      outputs: Double(question.model.vocabulary))
    switch question.model.structure {
    case .stack:
      bound.addStack(
        question.model.layer, layers: question.model.layers, rows: styled * (tokens + 1),
        pairs: styled * (tokens + 1) * (tokens + 1))
      bound.addRows(styled * tokens, width: Double(question.model.layer.width))
    case .hierarchy: break
    }
    var span = 1.0
    var below = question.model.layer
    let levels = question.model.levels
    for index in levels.indices {
      let level = levels[index]
      span *= Double(level.chunkLength)
      let units = tokens / span
      let window = Double(level.conditionLength) + Double(level.chunkLength)
      let width = Double(level.layer.width)
      // Every chunker concatenates C_l vectors of at most max(D_0, D_{l−1}, D_l) features.
      let inputs = Double(level.chunkLength) * max(Double(below.width), width)
      bound.addMap(rows: units + 1, inputs: inputs, outputs: width)
      bound.addRows(units, width: inputs)
      bound.addMap(
        rows: units + 1, inputs: width, outputs: Double(level.conditionLength) * Double(below.width))
      bound.addRows((units + 1) * window, width: Double(below.width))
      bound.addStack(level.layer, layers: level.encoderLayers, rows: units + 1, pairs: (units + 1) * (units + 1))
      let rows = (units + 1) * window
      bound.addStack(below, layers: level.decoderLayers, rows: rows, pairs: rows * window)
      below = level.layer
    }
    if tokens + span > 0x1p60 { throw .positions }
    // A cache method moves, scores and forms at most what attention could read.
    return question.model.hasFullCaches ? bound.total : 4 * bound.total * lookahead(question.model, tokens)
  }

  /// By how much rows that look ahead multiply what is counted: k of them to every c, each of which may attend twice the
  /// prompt, where no more than all of it looks ahead.
  private static func lookahead(_ model: Model, _ tokens: Double) -> Double {
    model.caches.reduce(1) { most, cache in
      guard let chunk = cache.prefillChunk, cache.lookahead > 0 else { return most }
      return max(most, 2 * (1 + min(Double(cache.lookahead), tokens) / Double(chunk)))
    }
  }

  private init(_ workload: Workload, _ precision: Precision, hasFullCaches: Bool) {
    sequences = Double(workload.batchSize) * Double(workload.continuations)
    // An element that is quantised by itself has 8 bits, a scale and a zero point of 16 each, and at most 7 FLOP.
    let cache = Double(precision.cache.bits) + (hasFullCaches ? 0 : 8 + 2 * 16 + 7)
    // A weight is stored in the widest of the types, and may have a scale and a zero point of its own.
    let widest = max(
      max(precision.weights.bits, precision.embedding.bits), max(precision.head.bits, precision.norms.bits))
    let weights = widest + (precision.groups == nil ? 0 : WeightGroups.scaleBits + widest)
    bits = (Double(weights), Double(precision.activations.bits), cache)
  }

  /// A dense map with bias and norms: FLOP, element-wise FLOP, weights once per dispatch, activations.
  @inline(__always)
  private mutating func addMap(rows: Double, inputs: Double, outputs: Double) {
    let weights = (inputs + 1) * (outputs + 1)
    let features = inputs + outputs + 1
    total += rows * (sequences * (2 * weights + 4 * features + features * bits.activations) + weights * bits.weights)
  }

  /// Embedding rows or the rows of a norm.
  @inline(__always)
  private mutating func addRows(_ rows: Double, width: Double) {
    total += rows * sequences * (width + 1) * (4 + bits.weights + 2 * bits.activations)
  }

  @inline(__always)
  private mutating func addStack(_ shape: LayerShape, layers: Int, rows: Double, pairs: Double) {
    let width = Double(shape.width)
    let hidden = Double(shape.feedForward)
    let query = Double(shape.heads) * Double(shape.headWidth)
    let keyValue = Double(shape.keyValueHeads) * Double(shape.headWidth)
    let weights = width * (2 * query + 2 * keyValue + 3 * hidden + 2)
    let features = width + query + keyValue + hidden + 1
    let perRow =
      sequences * (2 * weights + 14 * features + 8 * features * bits.activations + 2 * keyValue * bits.cache)
      + weights * bits.weights + 2
    let perPair = sequences * (4 * query + 6 * Double(shape.heads) + 2 * keyValue * bits.cache)
    total +=
      Double(layers) * (rows * perRow + pairs * perPair)
      + rows * (sequences * width * (8 + 2 * bits.activations) + width * bits.weights + 1)
  }
}
