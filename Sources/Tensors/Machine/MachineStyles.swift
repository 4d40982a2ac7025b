import Architectures

/// The arithmetic of layers that are not Llama's. There are no vector kernels for it: it runs in the plainest words.
extension Machine {
  /// Norms of queries and keys in rows of queries, keys and values, in place.
  func normHeads(_ joint: Tensor, _ weights: StyleWeights, _ shape: LayerShape) {
    guard let base = joint.base, let query = weights.queryNorm?.base, let key = weights.keyNorm?.base else { return }
    let isEach = shape.style.headNorms == .eachHead
    for row in 0..<joint.rows {
      let (queries, keys) = (base + row * joint.columns, base + row * joint.columns + shape.queryWidth)
      PlainKernels<Float>.norm(
        rows: isEach ? shape.heads : 1, width: isEach ? shape.headWidth : shape.queryWidth, queries, weight: query,
        into: queries)
      PlainKernels<Float>.norm(
        rows: isEach ? shape.keyValueHeads : 1, width: isEach ? shape.headWidth : shape.keyValueWidth, keys,
        weight: key, into: keys)
    }
  }

  /// The product that ends a half of a layer: its bias, its norm, its scale, and the residual.
  /// - Parameter norm: weight and bias of the norm behind the half, where the style has one.
  func addProduct(
    _ x: Tensor, _ map: Linear, _ style: LayerStyle, norm: (weight: Tensor, bias: Tensor?), residual: Tensor,
    into y: Tensor
  ) {
    guard style.norms.areAfter || style.residualScale != 1 else {
      return product(x, map, residual: residual, into: y)
    }
    product(x, map, into: y)
    if style.norms.areAfter, style.norms != .behind { normRows(y, weight: norm.weight, bias: norm.bias, into: y) }
    guard let result = y.base, let addend = residual.base else { return }
    if style.residualScale != 1 { PlainKernels<Float>.scale(y.count, result, by: style.residualScale) }
    PlainKernels<Float>.add(y.count, addend, to: result)
    if style.norms == .behind { normRows(y, weight: norm.weight, bias: norm.bias, into: y) }
  }

  /// The activation of a style that names one.
  func activate(_ hidden: Tensor, _ shape: LayerShape, into y: Tensor) {
    guard let input = hidden.base, let result = y.base else { return }
    for row in 0..<hidden.rows {
      let from = input + row * hidden.columns
      PlainKernels<Float>.activate(
        y.columns, shape.activation, from, up: shape.feedForwardKind == .gated ? UnsafePointer(from + y.columns) : nil,
        into: result + row * y.columns)
    }
  }
}
