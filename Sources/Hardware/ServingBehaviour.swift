import Quantities

/// For how much memory a serving engine admits a request.
public enum Admission: String, CaseIterable, Hashable, Sendable {
  /// For all tokens that it may come to hold, so that none is ever preempted.
  case whole
  /// For what it holds: on average its prompt and half of its output.
  case held
}

/// How much of waiting prompts a serving engine prefills in one pass.
public enum PassBudget: Hashable, Sendable {
  /// So many prompts, however long.
  case prompts(Int)
  /// Prompts of so many tokens together, at least one prompt.
  case tokens(Int)

  /// Prompts of a length that one pass takes, at least one: a longer one is split over passes, which share their weights
  /// with decode steps like any other.
  public func prompts(of length: Int) -> Double {
    switch self {
    case .prompts(let count): Double(count)
    case .tokens(let count): max(1, Double(count) / Double(max(1, length)))
    }
  }
}

/// What a serving engine does between operations: found from measured rows, because no count of operations contains it.
public struct ServingBehaviour: Hashable, Sendable {
  /// Nil where no measured request waited for memory.
  public var admission: Admission?
  /// Where a measured row does not say its own.
  public var passBudget: PassBudget
  /// Requests in flight of which none runs, because the engine keeps so many places empty.
  public var idleSlots: Int
  /// The shortest prompt or answer of a run as a share of the longest, all in between equally likely, where a measured row
  /// does not say its own. Requests of equal length that were prefilled together also end together.
  public var lengthRatio: Double
  /// Time of a first token besides passes: the network, tokenisation.
  public var firstTokenOverhead: Seconds

  /// An engine that prefills prompts one by one and leaves no place empty, and requests of one length, unless told otherwise.
  public init(
    admission: Admission? = nil, passBudget: PassBudget = .prompts(1), idleSlots: Int = 0, lengthRatio: Double = 1,
    firstTokenOverhead: Seconds = .zero
  ) {
    self.admission = admission
    self.passBudget = passBudget
    self.idleSlots = idleSlots
    self.lengthRatio = lengthRatio
    self.firstTokenOverhead = firstTokenOverhead
  }
}
