import Tensors

/// Applies a chooser to every row of logits.
func chooseTokens(
  _ logits: Tensor, sequence: (Int) -> Int = { $0 }, position: (Int) -> Int, choose: TokenChooser
) -> [Int32] {
  (0..<logits.rows).map { row in
    let numbers = UnsafeBufferPointer(
      start: logits.base.map { $0 + row * logits.columns }, count: logits.base == nil ? 0 : logits.columns)
    return choose(numbers, sequence(row), position(row))
  }
}
