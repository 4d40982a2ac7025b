import Rendering
import Testing

struct UTF8StreamTests {
  private func pieces(_ bytes: [UInt8]) -> [String] {
    var stream = UTF8Stream()
    return bytes.map { stream.append($0) } + [stream.finish()]
  }

  @Test func `a character comes out whole, with its last byte`() {
    #expect(pieces(Array("aé€😀".utf8)) == ["a", "", "é", "", "", "€", "", "", "", "😀", ""])
  }

  @Test func `what cannot become a character is replaced as soon as that is certain`() {
    #expect(pieces([0xC3, 0x41]) == ["", "\u{FFFD}A", ""])
    #expect(pieces([0xC3, 0xC3, 0xA9]) == ["", "\u{FFFD}", "é", ""])
    #expect(pieces([0xE2, 0x82]) == ["", "", "\u{FFFD}"])
    #expect(pieces([0xED, 0xA0, 0x80]) == ["", "\u{FFFD}\u{FFFD}", "\u{FFFD}", ""])
    #expect(pieces([0xFF, 0x80, 0x20]) == ["\u{FFFD}", "\u{FFFD}", " ", ""])
  }

  /// Every string of up to three bytes from those at the borders of the encoding, judged by Swift's own decoder.
  @Test func `pieces put together are what the whole decodes to`() {
    let borders: [UInt8] = [
      0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xE0, 0xE2, 0xED, 0xF0, 0xF1, 0xF4, 0xF5,
    ]
    for first in borders {
      for second in borders {
        for third in borders {
          for fourth in borders {
            let bytes = [first, second, third, fourth]
            #expect(pieces(bytes).joined() == String(decoding: bytes, as: UTF8.self), "\(bytes)")
          }
        }
      }
    }
  }
}
