/// The lines of a text without their ends, which may be LF or CRLF; the last one needs none. Empty lines are lines, so that
/// line n of the file stands at n − 1.
///
/// Lines are found in bytes: in Swift the two characters of CRLF are one, which a search for LF passes over.
public struct TextLines: RandomAccessCollection, Sendable {
  private var lines: [Substring]

  /// Whether the last line has an end. A text that a killed process left often has none.
  public let isEnded: Bool

  /// - Parameter text: of a file; a byte order mark in front of it, which spreadsheets write, is no part of a line.
  public init(_ text: some StringProtocol) {
    let text = Substring(text)
    var bytes = text.utf8[...]
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    isEnded = bytes.last == UInt8(ascii: "\n")
    if isEnded { bytes = bytes.dropLast() }
    lines =
      bytes.isEmpty && !isEnded
      ? []
      : bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
        Substring(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
      }
  }

  /// Of the first line, 0.
  public var startIndex: Int { lines.startIndex }
  /// Behind the last line.
  public var endIndex: Int { lines.endIndex }
  /// A line without its end.
  public subscript(index: Int) -> Substring { lines[index] }
}
