/// SplitMix64: the same sequence everywhere.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  /// A stream for each pair.
  init(seed: UInt64, number: Int) {
    state = seed &* 0xd6e8_feb8_6659_fd93 &+ UInt64(number) &* 0xa076_1d64_78bd_642f
    state = next() ^ seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self) }
  mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
  mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }
}

/// Changes to a text that respect its structure now and then: words are replaced by words of the same format or by values
/// that hurt, lines are moved, copied and borrowed from other texts. YAML, JSON, CSV and the parts of `--set` all consist
/// of words and lines, so one mutator is enough.
struct Mutator {
  private let words: [[UInt8]]
  private let lines: [[UInt8]]

  /// - Parameter texts: those of the format, from which words and lines are borrowed.
  init(_ texts: [[UInt8]]) {
    var words: Set<[UInt8]> = []
    var lines: Set<[UInt8]> = []
    for text in texts {
      for range in Self.words(of: text) { words.insert(Array(text[range])) }
      for line in text.split(separator: Self.newline) { lines.insert(Array(line)) }
    }
    // A set has another order in every process.
    self.words = words.sorted { $0.lexicographicallyPrecedes($1) }
    self.lines = lines.sorted { $0.lexicographicallyPrecedes($1) }
  }

  private static let newline = UInt8(ascii: "\n")

  /// Numbers at the edges of their types, sizes that multiply past them, shapes where a number is due, and text that means
  /// something to a shell, a page, a table, a terminal or a parser.
  static let values: [[UInt8]] = [
    "0", "-1", "-0", "1", "2", "3", "5", "7", "64", "127", "1000003", "2147483647", "2147483648", "4294967296",
    "1048576", "16777216", "4611686018427387904", "4611686018427387847", "9223372036854775807", "-9223372036854775808",
    "9223372036854775808", "18446744073709551616", "1e400", "1e308", "1e-300", "5e-324", "-1e308", "0.1", "0.5", "1.5",
    ".nan", ".inf", "-.inf", "NaN", "Infinity", "0x10", "1_000", "1e3", "null", "~", "true", "false", "\"\"", "''",
    "[]",
    "{}", "[0]", "[[1]]", "{linear: [1, 9, 3]}", "{linear: [], log2: []}", "{linear: [1, 9, 3], log2: [1, 8]}",
    "{log2: [1, 1048576]}", "{linear: [0, 134217727, 1000000]}", "{preset: photon-tiny}", "[1, 2, 4]", "[2, 2]",
    "[1, 0]",
    "a b", "é", "日本", "\u{202e}x", "\u{2028}", "\u{1b}[31m", "\u{7f}", "\u{0}", "\u{85}", "`id`", "$(id)", "<script>",
    "=1+1",
    "+1", "@x", "a|b", "a\\nb", "../..", "/", ".", "..", "-", "*a", "&a", "!!str", "!!int", "%", "|", ">", "#", "\"",
    "'",
    "\\", "y", "no", "everything", "vanilla", "photon", "block", "llama", "mistral", "qwen2", "qwen3", "gpt_neox",
    String(repeating: "x", count: 250), String(repeating: "9", count: 400), String(repeating: "[", count: 40),
  ].map { Array($0.utf8) }

  private static let fragments: [[UInt8]] =
    [
      "[", "]", "{", "}", ":", ": ", ",", ", ", "- ", "\n", "\n  ", "\t", "? ", "---\n", "...\n", "\r\n", "\r",
      "\u{feff}", "<<: ",
      "#", " #", "\"", "'", "\u{0}", "0", "=", ".", "..", "[1]", "[0]", "[99999999]",
    ].map { Array($0.utf8) } + [[0xff], [0xc3], [0xed, 0xa0, 0x80]]

  /// Runs of letters, digits and what numbers are written with.
  private static func words(of text: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var start: Int?
    for (index, byte) in text.enumerated() {
      let belongs =
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte >= 0x80
        || [0x2b, 0x2d, 0x2e, 0x5f].contains(byte)
      if belongs {
        start = start ?? index
      } else if let begun = start {
        ranges.append(begun..<index)
        start = nil
      }
    }
    if let start { ranges.append(start..<text.count) }
    return ranges
  }

  /// Changes a text once.
  func mutate(_ text: inout [UInt8], _ random: inout Seeded) {
    switch random.below(24) {
    case 0..<9: replaceWord(&text, &random)
    case 9..<16: changeLines(&text, &random)
    case 16..<20: nudge(&text, &random)
    default: changeBytes(&text, &random)
    }
  }

  private func replaceWord(_ text: inout [UInt8], _ random: inout Seeded) {
    let ranges = Self.words(of: text)
    guard !ranges.isEmpty else { return text += random.pick(Self.values) }
    let range = random.pick(ranges)
    switch random.below(5) {
    case 0..<3: text.replaceSubrange(range, with: random.pick(Self.values))
    case 3 where !words.isEmpty: text.replaceSubrange(range, with: random.pick(words))
    default: text.replaceSubrange(range, with: Array(text[random.pick(ranges)]))
    }
  }

  /// Another number at a number's place.
  private func nudge(_ text: inout [UInt8], _ random: inout Seeded) {
    let numbers = Self.words(of: text).filter { Int(String(decoding: text[$0], as: UTF8.self)) != nil }
    guard !numbers.isEmpty else { return replaceWord(&text, &random) }
    let range = random.pick(numbers)
    let number = Int(String(decoding: text[range], as: UTF8.self)) ?? 0
    let factor = random.pick([-1, 2, 3, 10, 1000, 1 << 20, 1 << 40])
    let other = random.pick([number &+ 1, number &- 1, number / 2, number &* factor, number &* number])
    text.replaceSubrange(range, with: Array("\(other)".utf8))
  }

  private func changeLines(_ text: inout [UInt8], _ random: inout Seeded) {
    var all = text.split(separator: Self.newline, omittingEmptySubsequences: false).map(Array.init)
    let (place, other) = (random.below(all.count), random.below(all.count))
    let length = min(all.count - place, random.pick([1, 1, 1, 2, 5]))
    switch random.below(6) {
    case 0: all.removeSubrange(place..<place + length)
    case 1: all.insert(contentsOf: all[place..<place + length], at: other)
    case 2: all.swapAt(place, other)
    case 3 where !lines.isEmpty: all[place] = random.pick(lines)
    case 4 where !lines.isEmpty: all.insert(random.pick(lines), at: place)
    default: all[place] = Array(repeating: 0x20, count: random.below(5)) + all[place].drop { $0 == 0x20 }
    }
    text = Array(all.joined(separator: [Self.newline]))
  }

  private func changeBytes(_ text: inout [UInt8], _ random: inout Seeded) {
    let place = random.below(text.count + 1)
    let end = min(text.count, place + 1 + random.below(8))
    switch random.below(6) {
    case 0, 1: text.insert(contentsOf: random.pick(Self.fragments), at: place)
    case 2: text.removeSubrange(place..<end)
    case 3 where place < text.count: text[place] = UInt8(random.below(256))
    case 4: text.removeSubrange((text.count - random.below(text.count + 1))...)
    default: text.insert(contentsOf: text[place..<end], at: place)
    }
  }
}
