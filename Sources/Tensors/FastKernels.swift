import Architectures
import CGSL
import CKernels

/// The machine's fast arithmetic: OpenBLAS through CBLAS where rows are many, vector kernels where they are few.
extension Machine {
  /// From this many rows a product goes to CBLAS: below it, OpenBLAS packs the weights for too little work.
  /// Source: Benchmarks/ prints the crossover.
  static let blasRows = 96

  func fastProduct(
    _ x: Tensor, _ map: Linear, input: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    residual: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>
  ) {
    if x.rows >= Self.blasRows {
      return blasProduct(x.rows, map, input: input, weight: weight, residual: residual, into: result)
    }
    ck_linear(
      x.rows, map.outputs, map.inputs, input, map.inputs, weight, map.bias.flatMap { UnsafePointer($0.base) }, residual,
      result, map.outputs)
  }

  /// y = x · wᵀ onto the residual and the bias, which are laid down first.
  private func blasProduct(
    _ rows: Int, _ map: Linear, input: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    residual: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>
  ) {
    let (outputs, bias) = (map.outputs, map.bias?.base)
    if let residual, residual != UnsafePointer(result) { result.update(from: residual, count: rows * outputs) }
    if let bias {
      for row in 0..<rows {
        let to = result + row * outputs
        if residual == nil {
          to.update(from: bias, count: outputs)
        } else {
          for output in 0..<outputs { to[output] += bias[output] }
        }
      }
    }
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, Int32(rows), Int32(outputs), Int32(map.inputs), 1, input,
      Int32(map.inputs), weight, Int32(map.inputs), residual == nil && bias == nil ? 0 : 1, result, Int32(outputs))
  }

  func fastAttention(_ shape: AttentionShape, cache: KeyValueCache, layer: Int, query: Tensor, into result: Tensor) {
    guard let input = query.base, let output = result.base else { return }
    let dimensions = shape.layer
    let prefix = cache.prefix
    var arguments = ck_attention(
      groups: shape.groups, queries: shape.queries, past: shape.keysBefore, heads: dimensions.heads,
      keyValueHeads: dimensions.keyValueHeads, headWidth: dimensions.headWidth,
      scale: 1 / Float(dimensions.headWidth).squareRoot(), q: input, ldq: query.columns, keys: cache.keys(layer),
      values: cache.values(layer), capacity: cache.capacity, prefixKeys: prefix?.keys(layer),
      prefixValues: prefix?.values(layer), prefixCapacity: prefix?.capacity ?? 0, prefixLength: prefix?.length ?? 0,
      share: cache.share, y: output, ldy: result.columns)
    ck_attention(&arguments)
  }
}
