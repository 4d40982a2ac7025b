import Architectures
import Foundation
import GSL
import Quantities

/// The tokens of files, one after another; those at the end are the evaluation split.
///
/// An epoch cuts the training tokens into whole sequences from a random offset on and goes through them in a random
/// order; offset and order are drawn from the seed and the number of the epoch.
public final class Corpus: TrainingData {
  /// The token that ends each text file.
  public static let endOfText = 256

  private let tokens: [UInt16]
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
  private var epoch: (number: Int, starts: [Int]) = (-1, [])

  /// Nobody knows how predictable a text is.
  public var exactLoss: Double? { nil }
  /// A text asks no questions.
  public var answers: [Int] { [] }
  /// Tokens at the end that are not trained on.
  public var heldOutCount: Int? { tokens.count - trainingCount }

  /// - Throws: `DataError` where a file is missing, empty or no file of tokens, or holds less than it needs.
  public init(_ settings: TrainingSettings, vocabulary: Int, directory: String) throws(DataError) {
    let key = settings.data.isText ? "data.text" : "data.tokens"
    let names = settings.data.text ?? settings.data.tokens ?? []
    var tokens: [UInt16] = []
    for (index, name) in names.enumerated() {
      let key = "\(key)[\(index + 1)]"
      let content = try Self.read(name, directory, key, obtain: settings.data.obtain)
      tokens +=
        settings.data.isText
        ? content.map(UInt16.init) + [UInt16(Self.endOfText)]
        : try Self.numbers(in: content, key: key, vocabulary: vocabulary)
    }
    context = settings.context
    seed = UInt64(settings.seed)
    let evaluationCount = settings.heldOutCount(of: tokens.count)
    trainingCount = tokens.count - evaluationCount
    guard trainingCount >= context else {
      throw DataError(
        key, "\(tokens.count) tokens, of which \(evaluationCount) are for evaluation",
        accepted: "at least one context of \(context) tokens to train on and one to evaluate on")
    }
    var counts = [Int](repeating: 0, count: 1 << 16)
    for token in tokens[..<trainingCount] { counts[Int(token)] += 1 }
    unigramEntropy = entropy(counts)
    fingerprint = Fingerprint(tokens).text
    summary =
      "\(tokens.count) tokens\(settings.data.isText ? " (bytes)" : "") in \(names.count) "
      + "file\(names.count == 1 ? "" : "s"), the last \(evaluationCount) for evaluation"
    self.tokens = tokens
  }

  private static func read(
    _ name: String, _ directory: String, _ key: String, obtain: String?
  ) throws(DataError) -> Data {
    let path = name.hasPrefix("/") ? name : directory + "/" + name
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw DataError(key, "there is no file \"\(name)\"", accepted: obtain ?? "a file, relative to the scenario")
    }
    guard !isFolder.boolValue, let content = FileManager.default.contents(atPath: path) else {
      throw DataError(key, "\"\(name)\" cannot be read", accepted: "a file")
    }
    guard !content.isEmpty else { throw DataError(key, "\"\(name)\" is empty", accepted: "a file with tokens") }
    return content
  }

  /// Little-endian 16-bit tokens, with or without llm.c's header: 256 32-bit integers, of which the first are a magic
  /// number, the version 1 and the count of tokens.
  /// - Parameters:
  ///   - content: of a file.
  ///   - key: what an error is about.
  ///   - vocabulary: V, which every token must be below.
  /// - Throws: `DataError`
  public static func numbers(in content: Data, key: String, vocabulary: Int) throws(DataError) -> [UInt16] {
    func word(_ index: Int) -> Int {
      (0..<4).reduce(0) { $0 | Int(content[content.startIndex + 4 * index + $1]) << (8 * $1) }
    }
    var body = content[...]
    if content.count >= 1024, word(0) == 20_240_520, word(1) == 1 {
      body = content.dropFirst(1024)
      guard body.count == 2 * word(2) else {
        throw DataError(
          key, "a header that tells of \(word(2)) tokens before \(body.count) bytes", accepted: "two bytes per token")
      }
    }
    guard body.count % 2 == 0, !body.isEmpty else {
      throw DataError(key, "\(body.count) bytes", accepted: "16-bit tokens, two bytes each")
    }
    let tokens = body.withUnsafeBytes { bytes in
      (0..<bytes.count / 2).map {
        UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self))
      }
    }
    if let index = tokens.firstIndex(where: { Int($0) >= vocabulary }) {
      throw DataError(
        key, "token \(index + 1) is \(tokens[index])", accepted: "tokens below the model's vocabulary of \(vocabulary)")
    }
    return tokens
  }

  // MARK: Order

  /// Sequences of an epoch: one fewer than fit, so that every offset leaves room.
  private var sequencesPerEpoch: Int { max(1, trainingCount / context - 1) }

  /// Sequences at positions of an endless order: each epoch takes all in an order of its own.
  public func training(_ positions: Range<Int>) -> [[Int32]] {
    positions.map { position in
      let (number, index) = position.quotientAndRemainder(dividingBy: sequencesPerEpoch)
      if epoch.number != number { epoch = (number, starts(ofEpoch: number)) }
      return sequence(at: epoch.starts[index])
    }
  }

  private func starts(ofEpoch number: Int) -> [Int] {
    let stream = RandomStream(seed: seed, name: "data epoch \(number)")
    let offset = stream.integer(in: 0..<min(context, trainingCount - context + 1))
    var starts = (0..<sequencesPerEpoch).map { offset + $0 * context }
    for index in starts.indices.dropLast() { starts.swapAt(index, stream.integer(in: index..<starts.count)) }
    return starts
  }

  /// Sequences of the held-out end, evenly spaced.
  public func evaluation(_ count: Int) -> [[Int32]] {
    let available = (tokens.count - trainingCount) / context
    let count = min(count, available)
    return (0..<count).map { sequence(at: trainingCount + $0 * available / count * context) }
  }

  private func sequence(at start: Int) -> [Int32] { tokens[start..<start + context].map(Int32.init) }
}
