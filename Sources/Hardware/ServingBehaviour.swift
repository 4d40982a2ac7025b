import Quantities

/// For how much memory a serving engine admits a request.
public enum Admission: String, CaseIterable, Hashable, Sendable {
  /// For all tokens that it may come to hold, so that none is ever preempted.
  case whole
  /// For what it holds: on average its prompt and half of its output.
  case held
}

/// What a serving engine does between operations: fitted to measured rows, because no count of operations contains it.
public struct ServingBehaviour: Hashable, Sendable {
  /// Nil where no measured request waited for memory.
  public var admission: Admission?
  /// Prefills that a request waits for, as a share of the requests that run: 0.5 where all arrive together.
  public var waitingShare: Double
  /// Time of a first token besides prefills: admission, tokenisation, the network.
  public var firstTokenOverhead: Seconds

  /// An engine that adds nothing unless told otherwise.
  public init(admission: Admission? = nil, waitingShare: Double = 0, firstTokenOverhead: Seconds = .zero) {
    self.admission = admission
    self.waitingShare = waitingShare
    self.firstTokenOverhead = firstTokenOverhead
  }
}
