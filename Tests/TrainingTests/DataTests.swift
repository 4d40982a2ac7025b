import Architectures
import Foundation
import GSL
import Quantities
import TestFolders
import Testing
import Training

struct DataTests {
  static func settings(_ context: Int, _ change: (inout TrainingSource) -> Void) -> TrainingSettings {
    var settings = TrainingSettings()
    settings.context = context
    change(&settings.data)
    return settings
  }

  /// Data of files in a folder that is gone when this returns.
  static func corpus(
    _ files: [(String, Data)], context: Int, vocabulary: Int = 300, isText: Bool = true, share: Double = 0.1
  ) throws -> any TrainingData {
    let folder = URL(filePath: TestFolders.newPath())
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, content) in files { try content.write(to: folder.appending(path: name)) }
    let settings = settings(context) {
      if isText { $0.text = files.map(\.0) } else { $0.tokens = files.map(\.0) }
      $0.evaluationShare = share
    }
    return try settings.loadData(vocabulary: vocabulary, directory: folder.path)
  }

  static func complaint(_ files: [(String, Data)], context: Int, isText: Bool = true) -> String {
    do {
      _ = try corpus(files, context: context, isText: isText)
      return "no complaint"
    } catch let error as DataError {
      return error.problem.description
    } catch {
      return "\(error)"
    }
  }

  /// Bytes 0 … 99, whose last tenth is for evaluation, with the end of the text.
  @Test func `an epoch reads whole sequences of the training split, each once, in an order of its own`() throws {
    let data = try Self.corpus([("a", Data(0..<100))], context: 8)
    let count = 90 / 8 - 1
    var orders: [[Int32]] = []
    for epoch in 0..<4 {
      let sequences = try data.training(epoch * count..<(epoch + 1) * count)
      for sequence in sequences {
        #expect(sequence == Array(sequence[0]..<sequence[0] + 8) && sequence[7] < 91)
      }
      let starts = sequences.map { $0[0] }
      #expect(Set(starts).count == count && Set(starts.map { $0 % 8 }).count == 1)
      orders.append(starts)
    }
    #expect(Set(orders).count == 4)
  }

  @Test func `what stands at a position does not depend on what was read before`() throws {
    let data = try Self.corpus([("a", Data(0..<200)), ("b", Data(0..<77))], context: 16)
    let all = try data.training(0..<60)
    for position in [59, 0, 31, 7, 58] { #expect(try data.training(position..<position + 1) == [all[position]]) }
  }

  /// The same in memory, as docs/checkpoint-format.md has the order: an offset and a shuffle of each epoch's sequences.
  @Test func `sequences of files that are read in pieces are those of one text in memory`() throws {
    let stream = RandomStream(seed: 5, name: "bytes")
    let files = [700_001, 1, 262_143, 5].map { count in
      Data((0..<count).map { _ in UInt8(stream.integer(in: 0..<256)) })
    }
    let context = 1000
    let data = try Self.corpus(files.enumerated().map { ("\($0)", $1) }, context: context)
    let tokens: [Int32] = files.reduce(into: []) { $0 += $1.map { Int32($0) } + [256] }
    let trainingCount = tokens.count - Int(Double(tokens.count) * 0.1)
    #expect(data.fingerprint == Fingerprint(tokens).text)
    #expect(data.heldOutCount == tokens.count - trainingCount)
    var counts = [Int](repeating: 0, count: 257)
    for token in tokens[..<trainingCount] { counts[Int(token)] += 1 }
    let shares = counts.filter { $0 > 0 }.map { Double($0) / Double(trainingCount) }
    let entropy = -shares.reduce(0) { $0 + $1 * log($1) }
    // Sums of 257 terms below 1.
    #expect(abs(data.unigramEntropy - entropy) < 257 * 1e-15)
    let count = trainingCount / context - 1
    for epoch in 0..<2 {
      let order = RandomStream(seed: UInt64(TrainingSettings().seed), name: "data epoch \(epoch)")
      let offset = order.integer(in: 0..<context)
      var starts = (0..<count).map { offset + $0 * context }
      for index in starts.indices.dropLast() { starts.swapAt(index, order.integer(in: index..<count)) }
      #expect(
        try data.training(epoch * count..<(epoch + 1) * count) == starts.map { Array(tokens[$0..<$0 + context]) })
    }
    #expect(data.bytes == 4 * count)
  }

  @Test func `a file that was changed since it was opened is refused`() throws {
    let path = NSTemporaryDirectory() + "photon-data-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(0..<200).write(to: URL(filePath: path))
    let data = try Self.settings(8) { $0.text = [path] }.loadData(vocabulary: 300, directory: ".")
    _ = try data.training(0..<1)
    try #require(truncate(path, 20) == 0)
    let error = #expect(throws: DataError.self) { try data.training(0..<1) }
    #expect(
      error?.description
        == "data.text[1]: \"\(path)\" has changed since it was opened; accepted: a file that stays as it is")
  }

  @Test func `evaluation reads the end of the data, which training never sees`() throws {
    let text = Data(repeating: 1, count: 900) + Data(repeating: 2, count: 99)
    let data = try Self.corpus([("a", text)], context: 10)
    #expect(try data.training(0..<500).allSatisfy { $0.allSatisfy { $0 == 1 } })
    let evaluated = try data.evaluation(100)
    #expect(evaluated.count == 10 && evaluated.dropLast().allSatisfy { $0.allSatisfy { $0 == 2 } })
    #expect(evaluated.last?.last == 256)
    #expect(try data.evaluation(4).count == 4)
    #expect(data.unigramEntropy == 0)
  }

  @Test func `tokens are two bytes each, with or without the header of llm.c`() throws {
    let tokens = (0..<60).flatMap { [UInt8($0), UInt8(1)] }
    let header: [UInt8] = [20_240_520, 1, 60].flatMap { word in (0..<4).map { UInt8(word >> (8 * $0) & 255) } }
    let plain = try Self.corpus([("a.bin", Data(tokens))], context: 4, vocabulary: 316, isText: false)
    let padded = Data(header + [UInt8](repeating: 0, count: 1024 - header.count) + tokens)
    let headed = try Self.corpus([("a.bin", padded)], context: 4, vocabulary: 316, isText: false)
    #expect(plain.fingerprint == headed.fingerprint)
    #expect(try plain.evaluation(1) == [[310, 311, 312, 313]] && plain.training(0..<9) == headed.training(0..<9))
  }

  @Test func `empty, short, odd and foreign files are refused`() {
    #expect(Self.complaint([("a", Data())], context: 8) == "data.text[1]: \"a\" is empty; accepted: a file with tokens")
    #expect(
      Self.complaint([("a", Data(0..<14))], context: 8)
        == "data.text: 15 tokens, of which 8 are for evaluation; accepted: at least one context of 8 tokens to train on "
        + "and one to evaluate on")
    #expect(Self.complaint([("a", Data(0..<15))], context: 8) == "no complaint")
    #expect(
      Self.complaint([("a", Data(0..<15))], context: 2, isText: false)
        == "data.tokens[1]: 15 bytes; accepted: 16-bit tokens, two bytes each")
    #expect(
      Self.complaint([("a", Data([1, 0, 0, 2]))], context: 2, isText: false)
        == "data.tokens[1]: token 2 is 512; accepted: tokens below the model's vocabulary of 300")
  }

  // MARK: Tasks

  /// All sequences are equally likely, so the entropy of one is the logarithm of how many there are.
  private func distinct(_ settings: TrainingSettings) throws -> (count: Int, data: any TrainingData) {
    let data = try settings.loadData(vocabulary: 100, directory: ".")
    return (Set(try data.training(0..<2000)).count, data)
  }

  @Test func `recall answers every key with its value, and its best loss counts its sequences`() throws {
    let small = try distinct(Self.settings(6) { $0.recall = RecallTask(keys: 3, values: 2, pairs: 2) })
    #expect(small.count == 3 * 2 * 2 * 2 * 2)
    let best = try #require(small.data.exactLoss)
    #expect(abs(best * 5 - log(48.0 / 3)) < 1e-12)
    let data = try Self.settings(40) { $0.recall = RecallTask() }.loadData(vocabulary: 64, directory: ".")
    #expect(data.answers == Array(stride(from: 17, to: 40, by: 2)))
    for sequence in try data.evaluation(50) {
      for answer in data.answers {
        let pair = try #require((0..<8).first { sequence[2 * $0] == sequence[answer - 1] })
        #expect(sequence[answer] == sequence[2 * pair + 1] && sequence[answer] >= 32)
      }
    }
  }

  @Test(arguments: [5, 6])
  func `a passkey is asked for at its distance, and its best loss counts its sequences`(context: Int) throws {
    let task = PasskeyTask(digits: 1, distance: 1, filler: 2)
    let small = try distinct(Self.settings(context) { $0.passkey = task })
    #expect(small.count == (context == 5 ? 20 : 40))
    let best = try #require(small.data.exactLoss)
    // A first token of filler is not scored.
    #expect(abs(best * Double(context - 1) - log(20)) < 1e-12)
    let data = try Self.settings(64) { $0.passkey = PasskeyTask() }.loadData(vocabulary: 20, directory: ".")
    for sequence in try data.evaluation(20) {
      #expect(sequence[59] == 19 && sequence[22] == 18)
      #expect(sequence[60..<64] == sequence[23..<27] && sequence[23..<27].allSatisfy { (8..<18).contains($0) })
      #expect(data.answers == [60, 61, 62, 63] && sequence[27..<59].allSatisfy { $0 < 8 })
    }
  }

  /// H(next | state) of many tokens, by counting pairs, has a bias of about (cells − states) / 2n and a deviation of
  /// σ/√n, σ² = Σ p·ln² p − H².
  @Test func `the entropy of a Zipf–Markov source is what its tokens have`() throws {
    let settings = Self.settings(1000) { $0.zipfMarkov = ZipfMarkovTask(symbols: 8, successors: 4, exponent: 1.5) }
    let data = try settings.loadData(vocabulary: 8, directory: ".")
    let weights = (1...4).map { pow(Double($0), -1.5) }
    let probabilities = weights.map { $0 / weights.reduce(0, +) }
    let exact = try #require(data.exactLoss)
    #expect(abs(exact + probabilities.reduce(0) { $0 + $1 * log($1) }) < 1e-12)
    var pairs: [[Int32]: Int] = [:]
    var states: [Int32: Int] = [:]
    let sequences = try data.training(0..<40)
    for sequence in sequences {
      for (state, next) in zip(sequence, sequence.dropFirst()) {
        pairs[[state, next], default: 0] += 1
        states[state, default: 0] += 1
      }
    }
    let count = Double(states.values.reduce(0, +))
    let measured = pairs.reduce(0) { sum, pair in
      sum - Double(pair.value) / count * log(Double(pair.value) / Double(states[pair.key[0]]!))
    }
    let variance = probabilities.reduce(0) { $0 + $1 * log($1) * log($1) } - exact * exact
    #expect(pairs.count <= 32)
    #expect(abs(measured - exact) < 24 / (2 * count) + 5 * (variance / count).squareRoot())
  }
}
