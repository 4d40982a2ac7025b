import Architectures
import Quantities

extension Operation {
  /// Exact arithmetic of the gradient of one dispatch: the second table of NOTATION.md, row by row. Its traffic is not
  /// counted.
  public var gradientWork: Work<Int128> {
    let forward = work(in: .float32)
    /// A product's gradient is two products of its size.
    func twice(elementwise: Int128) -> Work<Int128> {
      Work(matmulFlops: 2 * forward.matmulFlops, elementwiseFlops: elementwise)
    }
    /// A norm once more, 4D + 4, and its gradient.
    func normBeforeProduct(_ rows: Int, _ width: Int) -> Int128 { Int128(rows) * Int128(16 * width + 9) }

    switch self {
    case .embedding(let rows, let width):
      return Work(elementwiseFlops: Int128(rows) * Int128(width))
    case .queryKeyValue(let rows, let layer, _, _):
      let pairs = Int128(layer.headWidth / 2 * (layer.heads + layer.keyValueHeads))
      return twice(elementwise: normBeforeProduct(rows, layer.width) + Int128(rows) * 6 * pairs)
    case .attention(let shape):
      precondition(shape.window == 0, "\(self) has no gradient: training attends without a window")
      let pairs = Int128(shape.groups) * shape.pairsPerGroup
      return Work(
        matmulFlops: 10 * pairs * Int128(shape.layer.queryWidth),
        elementwiseFlops: 11 * pairs * Int128(shape.layer.heads))
    case .output(let rows, let layer), .down(let rows, let layer):
      return twice(elementwise: Int128(rows) * Int128(layer.width))
    case .gateUp(let rows, let layer):
      let activation: Int128 = layer.feedForwardKind == .gated ? 11 : 16
      return twice(
        elementwise: normBeforeProduct(rows, layer.width) + activation * Int128(rows) * Int128(layer.feedForward))
    case .norm(let rows, let width):
      return Work(elementwiseFlops: Int128(rows) * Int128(12 * width + 5))
    case .chunker(let rows, let inputWidth, let outputWidth, let normalised):
      return twice(
        elementwise: (normalised ? normBeforeProduct(rows, inputWidth) : 0) + Int128(rows) * Int128(outputWidth))
    case .converter(let rows, _, let outputWidth):
      return twice(elementwise: Int128(rows) * Int128(outputWidth))
    case .head(let rows, let width, _):
      return twice(elementwise: normBeforeProduct(rows, width))
    case .moveEntries, .scoreEntries, .rotateEntries, .transferEntries, .quantiseEntries:
      preconditionFailure("\(self) has no gradient: training keeps and reads every entry")
    }
  }
}
