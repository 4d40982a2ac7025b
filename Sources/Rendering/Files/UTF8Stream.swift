/// Turns bytes that come one at a time into text: the beginning of a character waits for its end, and what can never
/// become one turns into U+FFFD, so that whatever has been given out is UTF-8.
public struct UTF8Stream: Sendable {
  /// A proper beginning of a character.
  private var waiting: [UInt8] = []

  /// Nothing waits.
  public init() {}

  /// - Returns: the text that is certain with this byte; often none.
  public mutating func append(_ byte: UInt8) -> String {
    if !waiting.isEmpty, !continues(byte) { return finish() + append(byte) }
    waiting.append(byte)
    return waiting.count < expectedLength ? "" : finish()
  }

  /// What waits: at the end of the bytes, an unfinished character.
  public mutating func finish() -> String {
    defer { waiting.removeAll(keepingCapacity: true) }
    return String(decoding: waiting, as: UTF8.self)
  }

  /// Bytes that a character beginning with the first one has.
  private var expectedLength: Int {
    switch waiting[0] {
    case 0xC2...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF4: 4
    default: 1
    }
  }

  /// Whether a byte may come next; the second byte's range depends on the first (Unicode, table 3-7).
  private func continues(_ byte: UInt8) -> Bool {
    guard waiting.count == 1 else { return 0x80...0xBF ~= byte }
    switch waiting[0] {
    case 0xE0: return 0xA0...0xBF ~= byte
    case 0xED: return 0x80...0x9F ~= byte
    case 0xF0: return 0x90...0xBF ~= byte
    case 0xF4: return 0x80...0x8F ~= byte
    default: return 0x80...0xBF ~= byte
    }
  }
}
