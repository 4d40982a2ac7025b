import Architectures
import Reference
import Tensors

/// How many tokens that follow from what stands before them a model finds while it generates.
///
/// The prompt ends where the first answer is due. From there on the session is given the tokens of the sequence,
/// whatever it would have chosen, and an answer counts as found where its logit is the largest.
public struct AnswerScore: Hashable, Sendable {
  /// Answers whose logit was the largest.
  public private(set) var found = 0
  /// Answers of all sequences.
  public private(set) var asked = 0

  /// Nothing asked.
  public init() {}

  /// - Parameters:
  ///   - weights: of the model that answers.
  ///   - sequences: of one length, at least one.
  ///   - answers: positions in every sequence, ascending, at least one and none at 0.
  ///   - machine: that it runs on.
  public init(_ weights: ModelWeights, sequences: [[Int32]], answers: [Int], machine: Machine) {
    let (promptLength, length) = (answers[0], answers[answers.count - 1] + 1)
    precondition(promptLength > 0, "an answer needs something before it")
    let isAnswer = Set(answers)
    let workload = Workload(
      promptLength: promptLength, generatedLength: length - promptLength, batchSize: sequences.count)
    var found = 0
    machine.withTemporaryState {
      let session = makeSession(weights, workload: workload, machine: machine)
      session.prefill(sequences.map { Array($0.prefix(promptLength)) })
      _ = session.generate { logits, sequence, position in
        let token = sequences[sequence][position]
        if isAnswer.contains(position), greedy(logits, sequence, position) == token { found += 1 }
        return token
      }
    }
    (self.found, asked) = (found, answers.count * sequences.count)
  }

  /// The answers of both.
  public static func + (a: AnswerScore, b: AnswerScore) -> AnswerScore {
    var sum = a
    sum.found += b.found
    sum.asked += b.asked
    return sum
  }

  /// The share of answers found.
  public var accuracy: Double { Double(found) / Double(asked) }
}
