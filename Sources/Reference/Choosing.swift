import Tensors

/// Applies a chooser to every row of logits.
/// - Parameter tokens: one per row; kept from step to step, so that choosing allocates nothing.
func chooseTokens(
  _ logits: Tensor, into tokens: inout [Int32], sequence: (Int) -> Int = { $0 }, position: (Int) -> Int,
  choose: TokenChooser
) {
  precondition(tokens.count == logits.rows, "\(tokens.count) tokens for \(logits.rows) rows of logits")
  for row in 0..<logits.rows {
    let numbers = UnsafeBufferPointer(
      start: logits.base.map { $0 + row * logits.columns }, count: logits.base == nil ? 0 : logits.columns)
    tokens[row] = choose(numbers, sequence(row), position(row))
  }
}
