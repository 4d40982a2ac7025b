import Architectures
import Reference
import Tensors

/// How often a model ends a sequence with the right answer, token by token of its own choice.
///
/// The prompt is everything before the answer. The answer is generated greedily, what was chosen is read for what comes
/// next, and all of its tokens have to be right.
public struct GeneratedScore: Hashable, Sendable {
  /// Sequences whose whole answer was right.
  public private(set) var found = 0
  /// Tokens that were right, those behind a wrong one included.
  public private(set) var tokensFound = 0
  /// Sequences.
  public private(set) var asked = 0

  /// Nothing asked.
  public init() {}

  /// - Parameters:
  ///   - weights: of the model that answers.
  ///   - sequences: of one length, each ending with the answer.
  ///   - answerLength: tokens of the answer; less than those of a sequence.
  ///   - batch: sequences that run together.
  ///   - machine: that it runs on.
  public init(_ weights: ModelWeights, sequences: [[Int32]], answerLength: Int, batch: Int = 32, machine: Machine) {
    for start in stride(from: 0, to: sequences.count, by: batch) {
      add(weights, Array(sequences[start..<min(start + batch, sequences.count)]), answerLength, machine)
    }
  }

  private mutating func add(_ weights: ModelWeights, _ sequences: [[Int32]], _ answerLength: Int, _ machine: Machine) {
    let promptLength = sequences[0].count - answerLength
    precondition(promptLength > 0, "an answer needs something before it")
    let workload = Workload(
      promptLength: promptLength, generatedLength: answerLength, batchSize: sequences.count)
    machine.withTemporaryState {
      let session = makeSession(weights, workload: workload, machine: machine)
      session.prefill(sequences.map { Array($0.prefix(promptLength)) })
      add(session.generate(), sequences.map { Array($0.suffix(answerLength)) })
    }
  }

  /// Compares what was generated with what is right.
  mutating func add(_ generated: [[Int32]], _ answers: [[Int32]]) {
    for (own, right) in zip(generated, answers) {
      let equal = zip(own, right).count { $0 == $1 }
      tokensFound += equal
      found += equal == right.count ? 1 : 0
      asked += 1
    }
  }

  /// The share of sequences with a right answer.
  public var accuracy: Double { Double(found) / Double(asked) }
}
