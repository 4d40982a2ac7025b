import Quantities

/// What a first token waits for in a serving engine besides its own prefill: fitted to measured rows, because no count
/// of operations contains it.
public struct FirstTokenDelay: Hashable, Sendable {
  /// Prefills that a request waits for, as a share of the requests in flight: 0.5 where all arrive together.
  public var waitingShare: Double
  /// Time that each request costs besides prefills: admission, tokenisation, the network.
  public var overhead: Seconds

  public init(waitingShare: Double = 0, overhead: Seconds = .zero) {
    self.waitingShare = waitingShare
    self.overhead = overhead
  }
}
