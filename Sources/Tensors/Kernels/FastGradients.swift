import Architectures
import CGSL
import CKernels

/// Gradients on OpenBLAS and vector kernels; the same sums as the plain ones in another order.
enum FastGradients: GradientKernels {
  typealias Scalar = Float

  static func accumulate(_ count: Int, _ x: Input, into y: Output) { ck_add_into(count, x, y) }

  static func accumulateRows(rows: Int, width: Int, _ x: Input, into y: Output) { ck_add_rows(rows, width, x, y) }

  static func norm(rows: Int, width: Int, _ x: Input, weight: Input, into y: Output) {
    ck_rms_norm(rows, width, x, width, weight, Float(normEpsilon), y, width)
  }

  static func normGradient(
    rows: Int, width: Int, _ x: Input, weight: Input, resultGradient: Input, into inputGradient: Output,
    weightGradient: Output
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: rows) {
      ck_rms_norm_gradient(
        rows, width, x, weight, Float(normEpsilon), resultGradient, inputGradient, weightGradient, $0.baseAddress!)
    }
  }

  static func rotate(
    rows: Int, columns: Int, heads: Int, headWidth: Int, _ x: Output, cosine: Input, sine: Input, first: Int,
    period: Int
  ) {
    ck_rotate(rows, heads, headWidth, x, columns, cosine, sine, nil, first, period)
  }

  static func activationGradient(
    _ kind: FeedForwardKind, rows: Int, width: Int, hidden: Input, resultGradient: Input, into hiddenGradient: Output
  ) {
    switch kind {
    case .gated: ck_silu_gate_gradient(rows, width, hidden, resultGradient, hiddenGradient)
    case .twoMatrix: ck_gelu_gradient(rows, width, hidden, resultGradient, hiddenGradient)
    }
  }

  /// Both products are cut into parts for the kernels' threads, as the forward product is.
  static func linearGradient(
    rows: Int, outputs: Int, inputs: Int, _ x: Input, weight: Input, resultGradient: Input, into inputGradient: Output,
    weightGradient: Output
  ) {
    let product = LinearGradient(
      rows: rows, outputs: outputs, inputs: inputs, x: x, weight: weight, resultGradient: resultGradient,
      inputGradient: inputGradient, weightGradient: weightGradient)
    Cut.run(product, count: rows, grain: 16) { part, context in
      let (product, rows) = Cut<LinearGradient>.part(part, of: context)
      product.addInputGradient(rows)
    }
    Cut.run(product, count: outputs, grain: 16) { part, context in
      let (product, outputs) = Cut<LinearGradient>.part(part, of: context)
      product.addWeightGradient(outputs)
    }
  }

  /// The most keys that a window of a local decoder usually has: for more, products are faster than the vector kernel.
  static let windowKeys = 64

  /// Over few keys a vector kernel takes whole windows; over many, blocks of queries are products.
  static func attentionGradient(_ attention: AttentionGradient<Float>) {
    let (shape, layer) = (attention.shape, attention.shape.layer)
    let scale = 1 / Float(layer.headWidth).squareRoot()
    guard shape.keysBefore + shape.queries > windowKeys else {
      let (entries, gradients) = (attention.entries, attention.entryGradients)
      precondition(gradients.layout == entries.layout, "gradients of entries that lie elsewhere")
      var arguments = ck_attention_gradient(
        groups: shape.groups, queries: shape.queries, past: shape.keysBefore, heads: layer.heads,
        keyValueHeads: layer.keyValueHeads, headWidth: layer.headWidth, scale: scale, q: attention.query,
        dy: attention.resultGradient, keys: entries.keys, values: entries.values,
        headStride: entries.layout.headStride, groupStride: entries.layout.groupStride, dq: attention.queryGradient,
        dkeys: gradients.keys, dvalues: gradients.values)
      return ck_attention_gradient(&arguments)
    }
    Cut.run(attention, count: shape.groups * layer.keyValueHeads, grain: 1) { part, context in
      let (attention, entries) = Cut<AttentionGradient<Float>>.part(part, of: context)
      attention.addBlocks(entries)
    }
  }
}

private struct LinearGradient {
  let rows, outputs, inputs: Int
  let x, weight, resultGradient: UnsafePointer<Float>
  let inputGradient, weightGradient: UnsafeMutablePointer<Float>

  /// dx += dy · w for a range of rows.
  func addInputGradient(_ part: Range<Int>) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(part.count), Int32(inputs), Int32(outputs), 1,
      resultGradient + part.lowerBound * outputs, Int32(outputs), weight, Int32(inputs), 1,
      inputGradient + part.lowerBound * inputs, Int32(inputs))
  }

  /// dw += dyᵀ · x for a range of outputs.
  func addWeightGradient(_ part: Range<Int>) {
    cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, Int32(part.count), Int32(inputs), Int32(rows), 1,
      resultGradient + part.lowerBound, Int32(outputs), x, Int32(inputs), 1,
      weightGradient + part.lowerBound * inputs, Int32(inputs))
  }
}

extension AttentionGradient<Float> {
  /// Queries whose scores are made together: few enough to waste little on keys that come after them.
  private static var blockQueries: Int { 64 }

  /// A range of (group, key–value head) pairs, each with its blocks of queries and the heads that share it.
  fileprivate func addBlocks(_ entries: Range<Int>) {
    let (layer, keyCount) = (shape.layer, shape.keysBefore + shape.queries)
    let sharing = layer.heads / layer.keyValueHeads
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * Self.blockQueries * keyCount) { scratch in
      for entry in entries {
        let (group, head) = (entry / layer.keyValueHeads, entry % layer.keyValueHeads)
        for first in stride(from: 0, to: shape.queries, by: Self.blockQueries) {
          let queries = first..<Swift.min(first + Self.blockQueries, shape.queries)
          for member in 0..<sharing {
            let row = group * shape.queries + first
            let at = row * layer.queryWidth + (head * sharing + member) * layer.headWidth
            addBlock(
              queries, rows: at, group: group, head: head, weights: scratch.baseAddress!,
              gradients: scratch.baseAddress! + Self.blockQueries * keyCount)
          }
        }
      }
    }
  }

  /// - Parameters:
  ///   - rows: where the first query's head begins.
  ///   - head: among the key–value heads.
  private func addBlock(
    _ queries: Range<Int>, rows: Int, group: Int, head: Int, weights: UnsafeMutablePointer<Float>,
    gradients: UnsafeMutablePointer<Float>
  ) {
    let (keys, values) = (entries.keys(group: group, head: head), entries.values(group: group, head: head))
    let (width, stride) = (Int32(shape.layer.headWidth), Int32(shape.layer.queryWidth))
    let visible = shape.keysBefore + queries.upperBound
    let (count, keyCount) = (Int32(queries.count), Int32(visible))
    let (query, dy) = (query + rows, resultGradient + rows)
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, count, keyCount, width, 1, query, stride, keys, width, 0,
      weights, keyCount)
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, count, keyCount, width, 1, dy, stride, values, width, 0,
      gradients, keyCount)
    let scale = 1 / Float(shape.layer.headWidth).squareRoot()
    for (index, position) in queries.enumerated() {
      let (row, own) = (index * visible, shape.keysBefore + position + 1)
      ck_softmax_gradient(own, scale, weights + row, gradients + row)
      (weights + row + own).update(repeating: 0, count: visible - own)
      (gradients + row + own).update(repeating: 0, count: visible - own)
    }
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, count, width, keyCount, 1, gradients, keyCount, keys, width,
      1, queryGradient + rows, stride)
    cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, keyCount, width, count, 1, gradients, keyCount, query, stride, 1,
      entryGradients.keys(group: group, head: head), width)
    cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, keyCount, width, count, 1, weights, keyCount, dy, stride, 1,
      entryGradients.values(group: group, head: head), width)
  }
}
