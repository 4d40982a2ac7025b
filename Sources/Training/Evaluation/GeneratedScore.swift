import Architectures
import Foundation
import Reference
import Tensors

/// How well a model ends sequences, token by token, with its caches kept as its plan says.
///
/// Of what stands before the answer the prefill reads a part; decode is fed the rest, and then the answer: what the model
/// itself chose, greedily, or what is right.
public struct GeneratedScore: Hashable, Sendable {
  /// What decode reads of the answer.
  public enum Answer: Hashable, Sendable {
    /// What was chosen, right or wrong.
    case chosen
    /// What is right: teacher forcing.
    case right
  }

  /// Sequences whose whole answer was right.
  public private(set) var found = 0
  /// Tokens of answers that were right, those behind a wrong one included.
  public private(set) var tokensFound = 0
  /// Sequences.
  public private(set) var asked = 0
  /// Σ −log p over the tokens of the answers where decode reads what is right; else 0.
  /// - Unit: nat
  public private(set) var nats = 0.0

  /// Nothing asked.
  public init() {}

  /// - Parameters:
  ///   - weights: of the model that answers.
  ///   - sequences: of one length, each ending with the answer.
  ///   - answerLength: tokens of the answer; less than those of a sequence.
  ///   - prefillLength: tokens that the prefill reads, at most all before the answer, which they are where it is nil.
  ///   - reads: what decode reads of the answer.
  ///   - batch: sequences that run together.
  ///   - machine: that it runs on.
  public init(
    _ weights: ModelWeights, sequences: [[Int32]], answerLength: Int, prefillLength: Int? = nil,
    reads: Answer = .chosen, batch: Int = 32, machine: Machine
  ) {
    let start = (sequences.first?.count ?? answerLength) - answerLength
    for first in stride(from: 0, to: sequences.count, by: batch) {
      let own = Array(sequences[first..<min(first + batch, sequences.count)])
      add(weights, own, from: start, prefilled: prefillLength ?? start, reads, machine)
    }
  }

  /// - Parameter start: of the answer.
  private mutating func add(
    _ weights: ModelWeights, _ sequences: [[Int32]], from start: Int, prefilled: Int, _ reads: Answer,
    _ machine: Machine
  ) {
    precondition(start > 0 && prefilled <= start, "an answer needs something before it")
    let length = sequences[0].count
    let workload = Workload(
      promptLength: prefilled, generatedLength: length - prefilled, batchSize: sequences.count)
    var right = [Int](repeating: 0, count: sequences.count)
    var nats = 0.0
    machine.withTemporaryState {
      let session = makeSession(weights, workload: workload, machine: machine)
      session.prefill(sequences.map { Array($0.prefix(prefilled)) })
      _ = session.generate { logits, sequence, position in
        let token = sequences[sequence][position]
        guard position >= start else { return token }
        let choice = greedy(logits, sequence, position)
        if choice == token { right[sequence] += 1 }
        guard reads == .right else { return choice }
        nats += surprise(logits, token)
        return token
      }
    }
    self.nats += nats
    tokensFound += right.reduce(0, +)
    found += right.count { $0 == length - start }
    asked += sequences.count
  }

  /// The share of sequences with a right answer.
  public var accuracy: Double { Double(found) / Double(asked) }
}

/// −log of the probability that logits give a token.
/// - Unit: nat
private func surprise(_ logits: UnsafeBufferPointer<Float>, _ token: Int32) -> Double {
  let largest = Double(logits.max() ?? 0)
  let sum = logits.reduce(0.0) { $0 + exp(Double($1) - largest) }
  return log(sum) - (Double(logits[Int(token)]) - largest)
}
