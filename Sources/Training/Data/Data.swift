import Architectures
import Foundation

/// Sequences to learn from and to judge by, in an order that the seed alone decides.
public protocol TrainingData {
  /// The sequences at these positions of the endless training order: a function of the position, whatever was read
  /// before, so that a run is taken up again by a number.
  /// - Throws: `DataError` where a file is no longer what it was.
  func training(_ positions: Range<Int>) throws(DataError) -> [[Int32]]
  /// Of the first `count` sequences of the evaluation split those in a range, which ends at `evaluationCount` at most.
  /// - Throws: as `training`.
  func evaluation(_ count: Int, _ range: Range<Int>) throws(DataError) -> [[Int32]]
  /// How many of `count` sequences of the evaluation split there are.
  func evaluationCount(_ count: Int) -> Int
  /// Tokens of the evaluation split; `nil` where it has no end.
  var heldOutCount: Int? { get }
  /// Memory that grows with the data.
  var bytes: Int { get }
  /// Entropy of the training tokens one by one: what a model reaches that knows how frequent each is and nothing else.
  /// - Unit: nat per token
  var unigramEntropy: Double { get }
  /// The loss that no model can be better than on average, the first token of a sequence apart; `nil` where nobody knows.
  /// - Unit: nat per token
  var exactLoss: Double? { get }
  /// Positions of a sequence whose tokens follow from what stands before; empty where there are none.
  var answers: [Int] { get }
  /// 16 hexadecimal digits over the tokens.
  var fingerprint: String { get }
  /// What it is, in a few words.
  var summary: String { get }
}

extension TrainingData {
  /// No end unless a kind of data says so.
  public var heldOutCount: Int? { nil }
  /// No end, no limit.
  public func evaluationCount(_ count: Int) -> Int { count }
  /// None unless a kind of data says so.
  public var bytes: Int { 0 }

  /// The first `count` sequences of the evaluation split, or as many as there are.
  /// - Throws: `DataError` where a file is no longer what it was.
  public func evaluation(_ count: Int) throws(DataError) -> [[Int32]] {
    try evaluation(count, 0..<evaluationCount(count))
  }
}

/// What is wrong with the data of a run, under the key of the scenario that names them.
public struct DataError: Error, Hashable, CustomStringConvertible {
  /// The key with what was found and what is accepted.
  public let problem: Problem
  /// The problem as one sentence.
  public var description: String { problem.description }

  init(_ key: String, _ found: String, accepted: String) { problem = Problem(key, found, accepted: accepted) }
}

extension TrainingSettings {
  /// Reads or makes the data of a run.
  /// - Parameters:
  ///   - vocabulary: of the model; every token is below it.
  ///   - directory: where relative paths start.
  /// - Throws: `DataError`
  public func loadData(vocabulary: Int, directory: String) throws(DataError) -> any TrainingData {
    if let task = data.recall { return Synthetic(RecallSource(task, context: context), self) }
    if let task = data.passkey { return Synthetic(PasskeySource(task, context: context), self) }
    if let task = data.zipfMarkov {
      return Synthetic(ZipfMarkovSource(task, context: context, seed: UInt64(seed)), self)
    }
    return try Corpus(self, vocabulary: vocabulary, directory: directory)
  }
}

extension TrainingSettings {
  /// Of the tokens of all files, those at the end that are not trained on.
  public func heldOutCount(of tokens: Int) -> Int { max(context, Int(Double(tokens) * data.evaluationShare)) }
}

/// Entropy of a distribution given by counts.
/// - Unit: nat
func entropy(_ counts: [Int]) -> Double {
  let total = Double(counts.reduce(0, +))
  return counts.reduce(0) { $1 == 0 ? $0 : $0 - Double($1) / total * log(Double($1) / total) }
}
