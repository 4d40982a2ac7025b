/// Data that are too short for a comparison.
public struct TooFewTokens: Error, Hashable, CustomStringConvertible {
  public let description: String
}

/// How many tokens a comparison of recursive and hierarchical generation reads and emits, in whole meta-contexts.
public struct ComparisonLengths: Hashable, Sendable {
  /// Tokens compared where nobody says how many and there are as many.
  static let usual = 1024

  /// A multiple of B.
  /// - Unit: token
  public let promptLength: Int
  /// Tokens behind the prompt.
  public let length: Int
  /// Tokens that the data must have for each sequence: those behind the prompt only where they are followed.
  public let needed: Int

  /// - Parameters:
  ///   - metaContext: B of the model.
  ///   - available: tokens of the data.
  ///   - prompt: rounded up.
  ///   - length: rounded up; `nil` for the usual one or what the data have.
  ///   - following: which tokens are emitted: those of the data need as many more.
  /// - Throws: `TooFewTokens`, also where the data have less than one meta-context behind the prompt.
  public init(
    metaContext: Int, available: Int, prompt: Int, length: Int?, following: FollowedTokens
  ) throws(TooFewTokens) {
    func whole(_ count: Int) -> Int { (count + metaContext - 1) / metaContext * metaContext }
    promptLength = whole(prompt)
    let rest = max(0, available - promptLength) / metaContext * metaContext
    let usual = whole(Self.usual)
    self.length = length.map(whole) ?? (following == .data ? min(usual, rest) : usual)
    needed = promptLength + (following == .data ? self.length : 0)
    guard needed <= available, self.length > 0 else {
      throw TooFewTokens(
        description: "\(available) tokens are too few for a prompt of \(promptLength) and "
          + "\(max(self.length, metaContext)) more")
    }
  }

  /// Where a sequence begins in longer data: the first at their beginning, the last so that it ends with them.
  public func start(of index: Int, among sequences: Int, in tokens: Int) -> Int {
    sequences == 1 ? 0 : index * (tokens - needed) / (sequences - 1)
  }
}
