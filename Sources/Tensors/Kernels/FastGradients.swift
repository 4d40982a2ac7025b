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
    weightGradient: Output?
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
    weightGradient: Output?
  ) {
    let product = LinearGradient(
      rows: rows, outputs: outputs, inputs: inputs, x: x, weight: weight, resultGradient: resultGradient,
      inputGradient: inputGradient, weightGradient: weightGradient)
    Cut.run(product, count: rows, grain: 16) { part, context in
      let (product, rows) = Cut<LinearGradient>.part(part, of: context)
      product.addInputGradient(rows)
    }
    guard weightGradient != nil else { return }
    Cut.run(product, count: outputs, grain: 16) { part, context in
      let (product, outputs) = Cut<LinearGradient>.part(part, of: context)
      product.addWeightGradient(outputs)
    }
  }

  /// The most keys that a window of a local decoder usually has: for more, products are faster than the vector kernel.
  static let windowKeys = 64

  /// Over few keys a vector kernel takes whole windows; over many, or where some are masked, blocks of queries are
  /// products.
  static func attentionGradient(_ attention: AttentionGradient<Float>) {
    let (shape, layer) = (attention.shape, attention.shape.layer)
    let scale = 1 / Float(layer.headWidth).squareRoot()
    guard shape.window > 0 || shape.keysBefore + shape.queries > windowKeys else {
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
  let inputGradient: UnsafeMutablePointer<Float>
  let weightGradient: UnsafeMutablePointer<Float>?

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
      weightGradient! + part.lowerBound * inputs, Int32(inputs))
  }
}

extension AttentionGradient<Float> {
  /// A range of (group, key–value head) pairs, each with its blocks of queries and the heads that share it.
  fileprivate func addBlocks(_ entries: Range<Int>) {
    let (layer, keyCount) = (shape.layer, shape.keysBefore + shape.queries)
    let sharing = layer.heads / layer.keyValueHeads
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * AttentionShape.blockQueries * keyCount) { scratch in
      for entry in entries {
        let (group, head) = (entry / layer.keyValueHeads, entry % layer.keyValueHeads)
        for first in stride(from: 0, to: shape.queries, by: AttentionShape.blockQueries) {
          let queries = first..<Swift.min(first + AttentionShape.blockQueries, shape.queries)
          for member in 0..<sharing {
            let row = group * shape.queries + first
            let at = row * layer.queryWidth + (head * sharing + member) * layer.headWidth
            addBlock(
              queries, rows: at, group: group, head: head, weights: scratch.baseAddress!,
              gradients: scratch.baseAddress! + AttentionShape.blockQueries * keyCount)
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
    let (keyGradient, valueGradient) = (
      entryGradients.keys(group: group, head: head), entryGradients.values(group: group, head: head)
    )
    let (width, stride, count) = (Int32(shape.layer.headWidth), Int32(shape.layer.queryWidth), Int32(queries.count))
    let block = shape.keys(of: queries)
    let (query, dy, columns) = (query + rows, resultGradient + rows, Int32(block.count))
    for (column, range) in block.stretches {
      let at = range.lowerBound * shape.layer.headWidth
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, count, Int32(range.count), width, 1, query, stride, keys + at, width,
        0, weights + column, columns)
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, count, Int32(range.count), width, 1, dy, stride, values + at, width,
        0, gradients + column, columns)
    }
    let scale = 1 / Float(shape.layer.headWidth).squareRoot()
    for (index, position) in queries.enumerated() {
      block.softmax(
        of: shape.stretches(of: shape.keysBefore + position + 1), scale: scale, weights + index * block.count,
        gradients: gradients + index * block.count)
    }
    for (column, range) in block.stretches {
      let (at, keyCount) = (range.lowerBound * shape.layer.headWidth, Int32(range.count))
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, count, width, keyCount, 1, gradients + column, columns, keys + at,
        width, 1, queryGradient + rows, stride)
      cblas_sgemm(
        CblasRowMajor, CblasTrans, CblasNoTrans, keyCount, width, count, 1, gradients + column, columns, query, stride,
        1, keyGradient + at, width)
      cblas_sgemm(
        CblasRowMajor, CblasTrans, CblasNoTrans, keyCount, width, count, 1, weights + column, columns, dy, stride, 1,
        valueGradient + at, width)
    }
  }
}
