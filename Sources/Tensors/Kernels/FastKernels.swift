import Architectures
import CGSL
import CKernels

/// The place of the first of the largest numbers; 0 where the first is not a number.
/// - Precondition: at least one.
public func firstOfLargest(_ values: UnsafeBufferPointer<Float>) -> Int {
  ck_largest(values.count, values.baseAddress)
}

/// The machine's fast arithmetic: OpenBLAS through CBLAS where rows are many, vector kernels where they are few.
extension Machine {
  /// The most rows of a product that streams its weights past them. From more on it goes to CBLAS: below, rows stay
  /// in a second-level cache of 1 MiB while OpenBLAS copies them and the weights.
  /// `photon calibrate --operations` prints rates on both sides.
  public static let streamedRows = 255

  func fastProduct(
    _ x: Tensor, _ map: Linear, input: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    residual: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>
  ) {
    if let probe, probe == .reading || x.rows <= Self.streamedRows {
      return self.probe(probe, x, map, input: input, weight: weight, into: result)
    }
    if x.rows > Self.streamedRows {
      return blasProduct(x.rows, map, input: input, weight: weight, residual: residual, into: result)
    }
    ck_linear(
      x.rows, map.outputs, map.inputs, input, map.inputs, weight, map.bias.flatMap { UnsafePointer($0.base) }, residual,
      result, map.outputs)
  }

  /// OpenBLAS runs on one thread and the kernels' pool runs it on parts of the result: two pools of threads would spin
  /// against each other. The longer side is cut, so that little is packed twice.
  private func blasProduct(
    _ rows: Int, _ map: Linear, input: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    residual: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>
  ) {
    let product = BlasProduct(
      rows: rows, outputs: map.outputs, inputs: map.inputs, input: input, weight: weight,
      bias: map.bias.flatMap { UnsafePointer($0.base) }, residual: residual, result: result)
    Cut.run(product, count: product.isCutByRows ? rows : map.outputs, grain: 64) { part, context in
      let (product, range) = Cut<BlasProduct>.part(part, of: context)
      product.run(range)
    }
  }

  /// - Parameter columns: from one row of queries, or of the result, to the next.
  func fastAttention(
    _ shape: AttentionShape, segments: UnsafeBufferPointer<Segment<Float>>, query: UnsafePointer<Float>,
    columns: Int, mass: Tensor?, into result: UnsafeMutablePointer<Float>
  ) {
    if probe == .reading { return readEntries(shape, segments: segments) }
    let dimensions = shape.layer
    let isOneHead = probe == .cached
    withUnsafeTemporaryAllocation(of: ck_segment.self, capacity: segments.count) { runs in
      for (index, segment) in segments.enumerated() {
        let layout = segment.entries.layout
        runs.initializeElement(
          at: index,
          to: ck_segment(
            keys: segment.keys(group: 0, head: 0), values: segment.values(group: 0, head: 0), count: segment.count,
            headStride: isOneHead ? 0 : layout.headStride, groupStride: isOneHead ? 0 : layout.groupStride,
            share: segment.share))
      }
      var arguments = ck_attention(
        groups: shape.groups, queries: shape.queries, past: shape.keysBefore, window: shape.window,
        heads: dimensions.heads, keyValueHeads: dimensions.keyValueHeads, headWidth: dimensions.headWidth,
        scale: 1 / Float(dimensions.headWidth).squareRoot(), q: query, ldq: columns,
        segments: UnsafePointer(runs.baseAddress), y: result, ldy: columns, mass: mass?.base,
        ldmass: mass?.columns ?? 0)
      ck_attention(&arguments)
    }
  }
}

/// y = x · wᵀ onto the residual and the bias, which are laid down first.
private struct BlasProduct {
  let rows, outputs, inputs: Int
  let input, weight: UnsafePointer<Float>
  let bias, residual: UnsafePointer<Float>?
  let result: UnsafeMutablePointer<Float>

  var isCutByRows: Bool { rows >= outputs }

  /// A range of rows, or of outputs.
  func run(_ part: Range<Int>) {
    let (height, width) = isCutByRows ? (part.count, outputs) : (rows, part.count)
    let (top, left) = isCutByRows ? (part.lowerBound, 0) : (0, part.lowerBound)
    let corner = result + top * outputs + left
    for row in 0..<height {
      let to = corner + row * outputs
      if let residual, residual != UnsafePointer(result) {
        to.update(from: residual + (top + row) * outputs + left, count: width)
      }
      guard let bias else { continue }
      if residual == nil {
        to.update(from: bias + left, count: width)
      } else {
        for output in 0..<width { to[output] += bias[left + output] }
      }
    }
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, Int32(height), Int32(width), Int32(inputs), 1, input + top * inputs,
      Int32(inputs), weight + left * inputs, Int32(inputs), residual == nil && bias == nil ? 0 : 1, corner,
      Int32(outputs))
  }
}
