import Foundation

/// What a file of weights says of them, without the weights: read from its first bytes.
public struct WeightFile: Sendable {
  /// One named array.
  public struct Entry: Hashable, Sendable {
    /// Unique in a file.
    public var name: String
    /// The word of the format: `BF16`, `F8_E4M3`, `Q4_K`.
    public var element: String
    /// The longest distance in memory first.
    public var shape: [Int]

    /// How many numbers it holds; nil where they are more than any file has.
    public var count: Int? {
      var product = 1
      for size in shape {
        let (next, overflows) = product.multipliedReportingOverflow(by: size)
        if overflows || size < 0 || next > 1 << 40 { return nil }
        product = next
      }
      return product
    }
  }

  /// In the order of the file.
  public var arrays: [Entry]
  /// What the file says of the model under free keys, numbers and lists as text.
  public var metadata: [String: PositionedValue]
  /// Whether it is of that format, whose metadata describe the model.
  public var isGGUF: Bool

  /// Numbers in arrays of an element type, with how many arrays they are, by the type's word; the most numbers first.
  public var elements: [(word: String, arrays: Int, count: Int)] {
    Dictionary(grouping: arrays, by: \.element)
      .map { (word: $0.key, arrays: $0.value.count, count: $0.value.reduce(0) { $0 + ($1.count ?? 0) }) }
      .sorted { ($0.count, $1.word) > ($1.count, $0.word) }
  }

  /// Whether several weights stand in one number, as 4-bit checkpoints have them: then nobody knows how many there are.
  public var isPacked: Bool { arrays.contains { ["I32", "U8"].contains($0.element) } }

  /// Numbers in all arrays that are weights.
  public var parameterCount: Int { parameters.reduce(0) { $0 + ($1.count ?? 0) } }

  /// Arrays that are learned: without scales and zero points of quantised ones, masks, and angles of rotation.
  public var parameters: [Entry] { arrays.filter { !Self.isAside($0.name) } }

  /// Whether an array beside the parameters is known by its name.
  static func isAside(_ name: String) -> Bool {
    let ends = [
      ".masked_bias", ".attn.bias", ".rotary_emb.inv_freq", "_scale", "_scale_inv", ".scales", ".qzeros", ".g_idx",
      ".weight_zero_point", "rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight",
    ]
    // Masks of GPT-NeoX carry the name of its attention.
    return ends.contains { name.hasSuffix($0) } || name.hasSuffix(".attention.bias")
  }

  /// Whether a file begins as one of weights, of either format.
  public static func isOne(_ file: String) -> Bool {
    let url = URL(filePath: file).resolvingSymlinksInPath()
    // What cannot be read, or is a pipe, is no file of weights; whoever reads it as text says what is wrong with it.
    guard let type = try? FileManager.default.attributesOfItem(atPath: url.path)[.type] as? FileAttributeType,
      type == .typeRegular,
      // The same.
      let start = try? FileHandle(forReadingFrom: url).read(upToCount: 9)
    else { return false }
    return start.prefix(4) == GGUF.magic || start.count == 9 && start.last == UInt8(ascii: "{") && start[7] == 0
  }

  /// Of a file that is one of several, `model-00002-of-00004.safetensors`, all are read.
  /// - Throws: `ScenarioError` with the byte where the file is not as its format says.
  public static func read(_ file: String) throws(ScenarioError) -> WeightFile {
    var weights = WeightFile(arrays: [], metadata: [:], isGGUF: false)
    for part in parts(of: file) {
      let data: Data
      do {
        data = try Data(contentsOf: URL(filePath: part), options: .mappedIfSafe)
      } catch {
        throw ScenarioError([Diagnostic(Position(file: part), path: "", found: "the file cannot be read")])
      }
      let own = try read(data, file: part)
      weights.arrays += own.arrays
      (weights.metadata, weights.isGGUF) = (own.metadata, own.isGGUF)
    }
    return weights
  }

  /// The same from bytes; `file` is the name that diagnostics show.
  /// - Throws: `ScenarioError`
  public static func read(_ data: Data, file: String) throws(ScenarioError) -> WeightFile {
    var bytes = HeaderBytes(data, file: file)
    if data.prefix(4) == GGUF.magic { return try GGUF.read(&bytes) }
    return WeightFile(arrays: try readSafeTensors(&bytes), metadata: [:], isGGUF: false)
  }

  /// All files of a checkpoint that is cut, or the one file.
  private static func parts(of file: String) -> [String] {
    guard let match = file.wholeMatch(of: /(.*-)(\d{5})-of-(\d{5})(\.safetensors)/), let count = Int(match.3), count > 0
    else { return [file] }
    return (1...count).map { number in
      let digits = String(number)
      return match.1 + String(repeating: "0", count: 5 - digits.count) + digits + "-of-" + match.3 + match.4
    }
  }
}

/// Reads the header of a file of weights byte by byte.
struct HeaderBytes {
  let data: Data
  let file: String
  private(set) var offset = 0

  init(_ data: Data, file: String) { (self.data, self.file) = (data, file) }

  /// The place of a byte: the file's one line, so to speak.
  func position(_ byte: Int? = nil) -> Position { Position(file: file, line: 1, column: (byte ?? offset) + 1) }

  func refusal(_ found: String, _ accepted: String? = nil, at byte: Int? = nil) -> ScenarioError {
    ScenarioError([
      Diagnostic(position(byte), path: "byte \(byte ?? offset)", found: found, accepted: accepted)
    ])
  }

  mutating func bytes(_ count: Int) throws(ScenarioError) -> Data {
    guard count >= 0, count <= data.count - offset else {
      throw refusal("\(count) bytes are announced where \(data.count - offset) are left", "a file that is whole")
    }
    defer { offset += count }
    return data[data.startIndex + offset..<data.startIndex + offset + count]
  }

  mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(ScenarioError) -> Integer {
    let bytes = try bytes(MemoryLayout<Integer>.size)
    return bytes.withUnsafeBytes { Integer(littleEndian: $0.loadUnaligned(as: Integer.self)) }
  }

  /// A count of 64 bits.
  mutating func count(of what: String, atMost limit: Int) throws(ScenarioError) -> Int {
    let start = offset
    let value = try integer(UInt64.self)
    guard value <= UInt64(limit) else { throw refusal("\(value) \(what)", "at most \(limit)", at: start) }
    return Int(value)
  }

  mutating func text(atMost limit: Int) throws(ScenarioError) -> String {
    let count = try count(of: "bytes of text", atMost: limit)
    let start = offset
    guard let text = String(data: try bytes(count), encoding: .utf8) else {
      throw refusal("text that is not UTF-8", at: start)
    }
    return text
  }
}

extension WeightFile {
  /// Element types of the safetensors format.
  static let safeTensorsElements: Set<String> = [
    "F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F6_E2M3", "F6_E3M2", "F4", "I64", "I32", "I16", "I8",
    "U64", "U32", "U16", "U8", "BOOL",
  ]

  /// Eight bytes of length, and a JSON header of element types, shapes and byte ranges.
  /// - Source: https://github.com/huggingface/safetensors
  static func readSafeTensors(_ bytes: inout HeaderBytes) throws(ScenarioError) -> [Entry] {
    let count = try bytes.count(of: "bytes of header", atMost: 100_000_000)
    let start = bytes.offset
    let header = try bytes.bytes(count)
    // Headers are of one size with their arrays: many thousand times what a configuration is.
    guard let root = try? JSONSerialization.jsonObject(with: header) as? [String: Any] else {
      // What is wrong inside is the library's to say.
      throw bytes.refusal("a header that is no JSON object", "the header of a safetensors file", at: start)
    }
    var arrays: [Entry] = []
    for (name, value) in root.sorted(by: { $0.key < $1.key }) where name != "__metadata__" {
      guard let entry = value as? [String: Any], let element = entry["dtype"] as? String,
        let shape = entry["shape"] as? [Int]
      else { throw bytes.refusal("\(name) without dtype and shape", "a dtype and a shape", at: start) }
      guard safeTensorsElements.contains(element) else {
        throw bytes.refusal(
          "\(name) of \(element)", safeTensorsElements.sorted().joined(separator: ", "), at: start)
      }
      let array = Entry(name: name, element: element, shape: shape)
      guard array.count != nil else { throw bytes.refusal("\(name) of shape \(shape)", "fewer numbers", at: start) }
      arrays.append(array)
    }
    return arrays
  }
}
