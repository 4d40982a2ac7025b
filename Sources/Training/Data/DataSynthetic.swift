import Architectures
import Foundation
import GSL
import Quantities

/// Draws sequences of a task whose best possible loss is known.
protocol SyntheticSource {
  func sequence(_ stream: RandomStream) -> [Int32]
  /// Σ over the tokens behind the first of their entropy given all before, divided by their count.
  var exactLoss: Double { get }
  var answers: [Int] { get }
  var summary: String { get }
}

/// Data of a task: a stream of its own for every sequence of either split.
final class Synthetic<Source: SyntheticSource>: TrainingData {
  private let source: Source
  private let seed: UInt64
  private(set) var unigramEntropy = 0.0
  private(set) var fingerprint = ""

  init(_ source: Source, _ settings: TrainingSettings) {
    self.source = source
    seed = UInt64(settings.seed)
    let sample = training(0..<64).flatMap(\.self)
    var counts = [Int](repeating: 0, count: Int(sample.max() ?? 0) + 1)
    for token in sample { counts[Int(token)] += 1 }
    unigramEntropy = entropy(counts)
    fingerprint = Fingerprint(sample).text
  }

  var exactLoss: Double? { source.exactLoss }
  var answers: [Int] { source.answers }
  var summary: String { source.summary }

  func training(_ positions: Range<Int>) -> [[Int32]] { draw(positions, "training") }
  func evaluation(_ count: Int, _ range: Range<Int>) -> [[Int32]] { draw(range, "evaluation") }

  private func draw(_ positions: Range<Int>, _ split: String) -> [[Int32]] {
    positions.map { source.sequence(RandomStream(seed: seed, name: "\(split) sequence \($0)")) }
  }
}

/// `k v k v … | k v k v …`: pairs of different keys, then any of them with their values again.
struct RecallSource: SyntheticSource {
  let task: RecallTask
  let context: Int

  init(_ task: RecallTask, context: Int) { (self.task, self.context) = (task, context) }

  func sequence(_ stream: RandomStream) -> [Int32] {
    var keys = Array(0..<task.keys)
    for index in 0..<task.pairs { keys.swapAt(index, stream.integer(in: index..<task.keys)) }
    let values = (0..<task.pairs).map { _ in task.keys + stream.integer(in: 0..<task.values) }
    let order = Array(0..<task.pairs) + (task.pairs..<context / 2).map { _ in stream.integer(in: 0..<task.pairs) }
    return order.flatMap { [Int32(keys[$0]), Int32(values[$0])] }
  }

  /// Key i of the pairs is one of keys − i, a value one of its alphabet, a key that asks one of the pairs; an answer
  /// follows. The first key is not counted.
  var exactLoss: Double {
    let keys = (1..<max(task.pairs, 1)).reduce(0) { $0 + log(Double(task.keys - $1)) }
    let asked = Double(context / 2 - task.pairs) * log(Double(task.pairs))
    return (keys + Double(task.pairs) * log(Double(task.values)) + asked) / Double(context - 1)
  }

  var answers: [Int] { Array(stride(from: 2 * task.pairs + 1, to: context, by: 2)) }
  var summary: String { "associative recall of \(task.pairs) pairs" }
}

/// `filler … [key] d d d d filler … [ask] d d d d`: the sequence ends with the digits.
struct PasskeySource: SyntheticSource {
  let task: PasskeyTask
  let context: Int

  init(_ task: PasskeyTask, context: Int) { (self.task, self.context) = (task, context) }

  /// Filler before the key.
  private var lead: Int { context - 2 * task.digits - task.distance - 2 }

  func sequence(_ stream: RandomStream) -> [Int32] {
    func draw(_ count: Int, _ range: Range<Int>) -> [Int32] {
      (0..<count).map { _ in Int32(stream.integer(in: range)) }
    }
    let before = draw(lead, 0..<task.filler)
    let digits = draw(task.digits, task.filler..<task.filler + 10)
    let between = draw(task.distance, 0..<task.filler)
    return before + [Int32(task.filler + 10)] + digits + between + [Int32(task.filler + 11)] + digits
  }

  /// Filler and the first digits are uniform; markers and the last digits follow. The first token is not counted.
  var exactLoss: Double {
    let fillers = Double(max(lead - 1, 0) + task.distance) * log(Double(task.filler))
    return (fillers + Double(task.digits) * log(10)) / Double(context - 1)
  }

  var answers: [Int] { Array(context - task.digits..<context) }
  var summary: String { "retrieval of \(task.digits) digits at a distance of \(task.distance)" }
}

/// A Markov chain over `symbols` whose rows are the same Zipf distribution over successors of their own.
struct ZipfMarkovSource: SyntheticSource {
  let task: ZipfMarkovTask
  let context: Int
  /// Per state and rank.
  private let successors: [[Int32]]
  private let probabilities: [Double]

  init(_ task: ZipfMarkovTask, context: Int, seed: UInt64) {
    (self.task, self.context) = (task, context)
    let stream = RandomStream(seed: seed, name: "Zipf–Markov successors")
    successors = (0..<task.symbols).map { _ in
      var symbols = (0..<task.symbols).map(Int32.init)
      for index in 0..<task.successors { symbols.swapAt(index, stream.integer(in: index..<task.symbols)) }
      return Array(symbols.prefix(task.successors))
    }
    let weights = (1...task.successors).map { pow(Double($0), -task.exponent) }
    probabilities = weights.map { $0 / weights.reduce(0, +) }
  }

  func sequence(_ stream: RandomStream) -> [Int32] {
    var tokens = [Int32(stream.integer(in: 0..<task.symbols))]
    while tokens.count < context {
      var rest = stream.uniform()
      let rank = probabilities.firstIndex { probability in
        rest -= probability
        return rest < 0
      }
      tokens.append(successors[Int(tokens[tokens.count - 1])][rank ?? task.successors - 1])
    }
    return tokens
  }

  /// Every state has the same distribution over different successors, so its entropy is that of every token.
  var exactLoss: Double { probabilities.reduce(0) { $0 - $1 * log($1) } }
  var answers: [Int] { [] }
  var summary: String { "a Zipf–Markov source of \(task.symbols) symbols with \(task.successors) successors each" }
}
