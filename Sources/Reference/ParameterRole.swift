/// What a tensor of parameters is in its model; training starts each kind from other numbers.
public enum ParameterRole: Hashable, Sendable {
  /// The gains of a norm.
  case norm
  /// What is added after a product.
  case bias
  /// A table of which a token's row is looked up, tied to the head or not.
  case embedding
  /// A learned latent in whose place a computed one stands later.
  case start
  /// A matrix that writes into no residual stream.
  case matrix
  /// A matrix whose product is added to the residual stream of a stack.
  /// - Parameter layers: those of the stack, each of which adds twice.
  case residual(layers: Int)
}
