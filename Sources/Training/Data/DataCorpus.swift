import Architectures
import Foundation
import GSL
import Quantities

/// The tokens of files, one after another; those at the end are the evaluation split.
///
/// An epoch cuts the training tokens into whole sequences from a random offset on and goes through them in a random
/// order; offset and order are drawn from the seed and the number of the epoch. In memory is the order alone.
public final class Corpus: TrainingData {
  private let files: TokenFiles
  private let trainingCount: Int
  private let context: Int
  private let seed: UInt64
  /// Entropy of the training tokens one by one.
  /// - Unit: nat per token
  public let unigramEntropy: Double
  /// 16 hexadecimal digits over the tokens.
  public let fingerprint: String
  /// What the data are, in a few words.
  public let summary: String
  private var epoch: (number: Int, offset: Int, order: [UInt32]) = (-1, 0, [])

  /// Nobody knows how predictable a text is.
  public var exactLoss: Double? { nil }
  /// A text asks no questions.
  public var answers: [Int] { [] }
  /// Tokens at the end that are not trained on.
  public var heldOutCount: Int? { files.count - trainingCount }
  /// The order of an epoch.
  public var bytes: Int { 4 * sequencesPerEpoch }

  /// - Throws: `DataError` where a file is missing, empty or no file of tokens, or holds less than it needs.
  public init(_ settings: TrainingSettings, vocabulary: Int, directory: String) throws(DataError) {
    let key = settings.data.isText ? "data.text" : "data.tokens"
    let names = settings.data.text ?? settings.data.tokens ?? []
    var places: [(key: String, path: String, name: String)] = []
    for (index, name) in names.enumerated() {
      let path = name.hasPrefix("/") ? name : directory + "/" + name
      guard FileManager.default.fileExists(atPath: path) else {
        throw DataError(
          "\(key)[\(index + 1)]", "there is no file \"\(name)\"",
          accepted: settings.data.obtain ?? "a file, relative to the scenario")
      }
      places.append(("\(key)[\(index + 1)]", path, name))
    }
    let files = try TokenFiles(places, settings.data.isText ? .endedText : .numbers, vocabulary: vocabulary)
    context = settings.context
    seed = UInt64(settings.seed)
    let evaluationCount = settings.heldOutCount(of: files.count)
    let trainingCount = files.count - evaluationCount
    var counts = [Int](repeating: 0, count: 1 << 16)
    var fingerprint = Fingerprint()
    try files.forEach { first, tokens in
      for token in tokens { fingerprint.absorb(token) }
      for token in tokens.prefix(max(0, trainingCount - first)) { counts[Int(token)] += 1 }
    }
    guard trainingCount >= context else {
      throw DataError(
        key, "\(files.count) tokens, of which \(evaluationCount) are for evaluation",
        accepted: "at least one context of \(context) tokens to train on and one to evaluate on")
    }
    guard trainingCount / context <= Int(UInt32.max) else {
      throw DataError(
        key, "\(trainingCount / context) sequences of \(context) tokens",
        accepted: "at most \(UInt32.max); a longer context")
    }
    unigramEntropy = entropy(counts)
    self.fingerprint = fingerprint.text
    summary =
      "\(files.count) tokens\(settings.data.isText ? " (bytes)" : "") in \(names.count) "
      + "file\(names.count == 1 ? "" : "s"), the last \(evaluationCount) for evaluation"
    (self.files, self.trainingCount) = (files, trainingCount)
  }

  // MARK: Order

  /// Sequences of an epoch: one fewer than fit, so that every offset leaves room.
  private var sequencesPerEpoch: Int { max(1, trainingCount / context - 1) }

  /// Sequences at positions of an endless order: each epoch takes all in an order of its own.
  /// - Throws: `DataError` where a file is no longer what it was.
  public func training(_ positions: Range<Int>) throws(DataError) -> [[Int32]] {
    var sequences: [[Int32]] = []
    for position in positions {
      let (number, index) = position.quotientAndRemainder(dividingBy: sequencesPerEpoch)
      if epoch.number != number { begin(epoch: number) }
      sequences.append(try sequence(at: epoch.offset + Int(epoch.order[index]) * context))
    }
    return sequences
  }

  private func begin(epoch number: Int) {
    let stream = RandomStream(seed: seed, name: "data epoch \(number)")
    let offset = stream.integer(in: 0..<min(context, trainingCount - context + 1))
    // The old order goes before the new one comes.
    epoch = (number, offset, [])
    var order = (0..<UInt32(sequencesPerEpoch)).map(\.self)
    for index in order.indices.dropLast() { order.swapAt(index, stream.integer(in: index..<order.count)) }
    epoch.order = order
  }

  /// Of `count` sequences of the held-out end, evenly spaced, or as many as there are.
  /// - Throws: `DataError` where a file is no longer what it was.
  public func evaluation(_ count: Int, _ range: Range<Int>) throws(DataError) -> [[Int32]] {
    let (available, count) = (heldOutSequences, evaluationCount(count))
    var sequences: [[Int32]] = []
    for index in range { sequences.append(try sequence(at: trainingCount + index * available / count * context)) }
    return sequences
  }

  /// As many as there are, at most.
  public func evaluationCount(_ count: Int) -> Int { min(count, heldOutSequences) }

  private var heldOutSequences: Int { (files.count - trainingCount) / context }

  private func sequence(at start: Int) throws(DataError) -> [Int32] { try files.tokens(start..<start + context) }
}
