import Architectures
import Quantities

extension Operation {
  /// Exact arithmetic of the gradient of one dispatch: the second table of NOTATION.md, row by row. Its traffic is not
  /// counted.
  /// - Parameter isFrozen: whether gates alone have gradients: no weight, norm, bias or table.
  public func gradientWork(isFrozen: Bool = false) -> Work<Int128> {
    let forward = work(in: .float32)
    /// A product's gradient is two products of its size: by the weights, and by the inputs.
    func products(elementwise: Int128) -> Work<Int128> {
      Work(matmulFlops: (isFrozen ? 1 : 2) * forward.matmulFlops, elementwiseFlops: elementwise)
    }
    func norm(_ rows: Int, _ width: Int) -> Int128 { Int128(rows) * Int128((isFrozen ? 10 : 12) * width + 5) }
    /// A norm once more, and its gradient.
    func normBeforeProduct(_ rows: Int, _ width: Int) -> Int128 {
      Int128(rows) * Int128(4 * width + 4) + norm(rows, width)
    }
    func bias(_ rows: Int, _ width: Int) -> Int128 { isFrozen ? 0 : Int128(rows) * Int128(width) }

    switch self {
    case .embedding(let rows, let width, _):
      return Work(elementwiseFlops: bias(rows, width))
    case .queryKeyValue(let rows, let layer, _, _):
      let pairs = Int128(layer.headWidth / 2 * (layer.heads + layer.keyValueHeads))
      return products(elementwise: normBeforeProduct(rows, layer.width) + Int128(rows) * 6 * pairs)
    case .attention(let shape):
      let pairs = Int128(shape.groups) * shape.pairsPerGroup
      return Work(
        matmulFlops: 10 * pairs * Int128(shape.layer.queryWidth),
        elementwiseFlops: 11 * pairs * Int128(shape.layer.heads))
    case .mixHeads(let rows, let layer):
      return Work(elementwiseFlops: 7 * Int128(rows) * Int128(layer.queryWidth) + Int128(layer.keyValueHeads))
    case .output(let rows, let layer), .down(let rows, let layer):
      return products(elementwise: Int128(rows) * Int128(layer.width))
    case .gateUp(let rows, let layer):
      let activation: Int128 = layer.feedForwardKind == .gated ? 11 : 16
      return products(
        elementwise: normBeforeProduct(rows, layer.width) + activation * Int128(rows) * Int128(layer.feedForward))
    case .norm(let rows, let width):
      return Work(elementwiseFlops: norm(rows, width))
    case .chunker(let rows, let inputWidth, let outputWidth, let normalised):
      return products(
        elementwise: (normalised ? normBeforeProduct(rows, inputWidth) : 0) + bias(rows, outputWidth))
    case .converter(let rows, _, let outputWidth):
      return products(elementwise: bias(rows, outputWidth))
    case .head(let rows, let width, _, _, _):
      return products(elementwise: normBeforeProduct(rows, width))
    case .moveEntries, .scoreEntries, .scanKeys, .rotateEntries, .transferEntries, .quantiseEntries:
      preconditionFailure("\(self) has no gradient: training keeps and reads every entry")
    }
  }
}
