import Architectures
import Foundation
import Quantities

/// The tokens of files, one file behind another, read where they are asked for: a text of any size takes no memory.
///
/// The files stay open, and what is read must be what was there first: a file that was changed is refused, because its
/// bits would no longer be a function of the scenario.
public final class TokenFiles {
  /// How tokens are written.
  public enum Kind {
    /// Every byte is a token.
    case text
    /// Every byte is a token, and one more ends each file.
    case endedText
    /// Little-endian 16-bit tokens, with or without llm.c's header: 256 32-bit integers, of which the first are a magic
    /// number, the version 1 and the count of tokens.
    case numbers
  }

  /// The token that ends each text file.
  public static let endOfText = 256
  /// Tokens that are read at a time where all are looked at.
  private static let piece = 1 << 18

  private let files: [TokenFile]
  private let vocabulary: Int
  /// Tokens of all files.
  public let count: Int

  /// Opens the files; no token is read.
  /// - Parameters:
  ///   - files: what an error is about, the path to open, and the name that a person knows.
  ///   - kind: how tokens are written.
  ///   - vocabulary: V, which every token must be below.
  /// - Throws: `DataError` where one cannot be opened, is empty or no file of tokens.
  public init(
    _ files: [(key: String, path: String, name: String)], _ kind: Kind, vocabulary: Int
  ) throws(DataError) {
    var opened: [TokenFile] = []
    var count = 0
    for (key, path, name) in files {
      let file = try TokenFile(key: key, path: path, name: name, kind, firstToken: count)
      opened.append(file)
      count += file.count
    }
    (self.files, self.vocabulary, self.count) = (opened, vocabulary, count)
  }

  /// Some of the tokens.
  /// - Throws: `DataError` where one is not below the vocabulary, or a file is no longer what it was.
  /// - Precondition: positions of tokens.
  public func tokens(_ range: Range<Int>) throws(DataError) -> [Int32] {
    precondition((0...count).contains(range.lowerBound) && range.upperBound <= count, "no such tokens")
    var tokens: [Int32] = []
    tokens.reserveCapacity(range.count)
    for file in files {
      let wanted = range.clamped(to: file.firstToken..<file.firstToken + file.count)
      if !wanted.isEmpty { tokens += try file.tokens(wanted, below: vocabulary) }
    }
    return tokens
  }

  /// All tokens in order, some at a time.
  /// - Throws: as `tokens`.
  public func forEach(_ body: (_ first: Int, _ tokens: [Int32]) -> Void) throws(DataError) {
    for start in stride(from: 0, to: count, by: Self.piece) {
      body(start, try tokens(start..<min(start + Self.piece, count)))
    }
  }

  /// 16 hexadecimal digits over all tokens.
  /// - Throws: as `tokens`.
  public func fingerprint() throws(DataError) -> String {
    var fingerprint = Fingerprint()
    try forEach { for token in $1 { fingerprint.absorb(token) } }
    return fingerprint.text
  }
}

/// One of them, open.
private final class TokenFile {
  let key: String
  let name: String
  let firstToken: Int
  let count: Int
  private let descriptor: Int32
  private let stamp: Stamp
  /// Bytes before the first token, and of each.
  private let (start, width): (Int, Int)
  private let stored: Int

  /// What changes when somebody writes into a file.
  private struct Stamp: Equatable {
    let size, seconds, nanoseconds: Int

    init?(_ descriptor: Int32) {
      var information = stat()
      guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return nil }
      size = Int(information.st_size)
      (seconds, nanoseconds) = (information.st_mtim.tv_sec, information.st_mtim.tv_nsec)
    }
  }

  init(key: String, path: String, name: String, _ kind: TokenFiles.Kind, firstToken: Int) throws(DataError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw DataError(key, "\"\(name)\" cannot be read: \(String(cString: strerror(errno)))", accepted: "a file")
    }
    guard let stamp = Stamp(descriptor) else {
      close(descriptor)
      throw DataError(key, "\"\(name)\" cannot be read", accepted: "a file")
    }
    (self.key, self.name, self.firstToken) = (key, name, firstToken)
    (self.descriptor, self.stamp) = (descriptor, stamp)
    do throws(DataError) {
      guard stamp.size > 0 else { throw DataError(key, "\"\(name)\" is empty", accepted: "a file with tokens") }
      (start, width) = kind == .numbers ? (try Self.header(key, descriptor, stamp.size), 2) : (0, 1)
      stored = (stamp.size - start) / width
      guard (stamp.size - start) % width == 0, stored > 0 else {
        throw DataError(key, "\(stamp.size - start) bytes", accepted: "16-bit tokens, two bytes each")
      }
      count = kind == .endedText ? stored + 1 : stored
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  /// The length of llm.c's header, 0 where there is none.
  private static func header(_ key: String, _ descriptor: Int32, _ size: Int) throws(DataError) -> Int {
    let length = 1024
    guard let bytes = read(descriptor, 0..<min(length, size)), bytes.count == length else { return 0 }
    func word(_ index: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[4 * index + $1]) << (8 * $1) } }
    guard word(0) == 20_240_520, word(1) == 1 else { return 0 }
    guard size - length == 2 * word(2) else {
      throw DataError(
        key, "a header that tells of \(word(2)) tokens before \(size - length) bytes", accepted: "two bytes per token")
    }
    return length
  }

  /// Tokens by their positions among those of all files.
  func tokens(_ range: Range<Int>, below vocabulary: Int) throws(DataError) -> [Int32] {
    let own = range.lowerBound - firstToken..<range.upperBound - firstToken
    let inFile = own.clamped(to: 0..<stored)
    let places = start + width * inFile.lowerBound..<start + width * inFile.upperBound
    guard Stamp(descriptor) == stamp, let bytes = Self.read(descriptor, places) else {
      throw DataError(key, "\"\(name)\" has changed since it was opened", accepted: "a file that stays as it is")
    }
    var tokens =
      width == 1
      ? bytes.map(Int32.init)
      : (0..<inFile.count).map { Int32(bytes[2 * $0]) | Int32(bytes[2 * $0 + 1]) << 8 }
    if own.upperBound > stored { tokens.append(Int32(TokenFiles.endOfText)) }
    if let index = tokens.firstIndex(where: { Int($0) >= vocabulary }) {
      throw DataError(
        key, "token \(own.lowerBound + index + 1) is \(tokens[index])",
        accepted: "tokens below the model's vocabulary of \(vocabulary)")
    }
    return tokens
  }

  /// - Returns: nil where the file ends before, or cannot be read.
  private static func read(_ descriptor: Int32, _ range: Range<Int>) -> [UInt8]? {
    var isWhole = true
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      while count < range.count {
        let read = pread(descriptor, buffer.baseAddress! + count, range.count - count, off_t(range.lowerBound + count))
        if read < 0, errno == EINTR { continue }
        guard read > 0 else {
          isWhole = false
          return
        }
        count += read
      }
    }
    return isWhole ? bytes : nil
  }
}
