import Foundation

/// Text is UTF-8. Other encodings that files come in are named, not guessed at.
enum TextEncoding {
  /// The byte-order mark of UTF-8.
  private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// Bytes looked at where no mark says it.
  private static let sample = 64

  /// UTF-8 text without NUL, and without the byte-order mark that Windows puts in front.
  /// - Throws: `ScenarioError` at the first byte that is none.
  static func text(of data: Data, file: String) throws(ScenarioError) -> String {
    if isWide(data) { throw refusal(Position(file: file, line: 1), "UTF-16 text") }
    let data = data.starts(with: mark) ? data.dropFirst(mark.count) : data
    var decoder = UTF8()
    var bytes = data.makeIterator()
    var (line, column, length) = (1, 1, 0)
    while true {
      switch decoder.decode(&bytes) {
      case .emptyInput: return String(decoding: data, as: UTF8.self)
      case .error:
        let byte = data[data.startIndex + length]
        throw refusal(Position(file: file, line: line, column: column), foreign(byte, in: data))
      case .scalarValue("\0"): throw refusal(Position(file: file, line: line, column: column), "a NUL byte")
      case .scalarValue(let scalar):
        (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
        length += UTF8.width(scalar)
      }
    }
  }

  /// Whether text is in units of two bytes, by its mark or by the NUL bytes that Latin letters have in it.
  private static func isWide(_ data: Data) -> Bool {
    if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) { return true }
    let head = Array(data.prefix(sample))
    let zeros = head.indices.filter { head[$0] == 0 }
    guard head.count >= 4, zeros.count * 4 > head.count else { return false }
    return zeros.allSatisfy { $0 % 2 == 1 } || zeros.allSatisfy { $0 % 2 == 0 }
  }

  /// What a byte that is no UTF-8 means in text of Western Europe, where the rest looks like text.
  private static func foreign(_ byte: UInt8, in data: Data) -> String {
    let plain = "a byte that is not UTF-8"
    let isText = data.allSatisfy { $0 >= 0x20 && $0 != 0x7F || [0x09, 0x0A, 0x0D].contains($0) }
    // In Western languages one letter of ten has a mark; rubbish has every second byte above 0x7F.
    let isMostlyLatin = data.count { $0 >= 0x80 } * 4 <= data.count
    guard isText, isMostlyLatin, let letter = String(data: Data([byte]), encoding: .windowsCP1252) else { return plain }
    return "\(plain), \"\(letter)\" in Latin-1 (Windows-1252)"
  }

  private static func refusal(_ position: Position, _ found: String) -> ScenarioError {
    ScenarioError([Diagnostic(position, path: "", found: "found \(found)", accepted: "text in UTF-8")])
  }
}
