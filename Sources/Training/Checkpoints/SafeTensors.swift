import Foundation
import Tensors

/// Named arrays in the safetensors format: eight bytes of header length, a JSON header of element types, shapes and
/// byte ranges, then the elements, little-endian.
///
/// Source: the format of the `safetensors` library, https://github.com/huggingface/safetensors. Here float32 and
/// float64 are read and written.
public struct SafeTensors: Sendable {
  /// The element types that are read and written; the raw value is the format's word.
  public enum Element: String, Sendable {
    case float32 = "F32"
    case float64 = "F64"

    var size: Int { self == .float32 ? 4 : 8 }
  }

  /// One named array.
  public struct Entry: Sendable {
    /// Unique in a file.
    public let name: String
    /// How each number is stored.
    public let element: Element
    /// Rows and columns, or what else the array has.
    public let shape: [Int]
    /// Of its elements in `data`.
    let range: Range<Int>
  }

  /// What is wrong with a file.
  public struct Malformed: Error, Hashable, CustomStringConvertible {
    public let description: String
  }

  /// In the order of their bytes.
  public private(set) var entries: [Entry] = []
  /// Text under free keys.
  public private(set) var metadata: [String: String]
  private var data = Data()

  /// No arrays.
  public init(metadata: [String: String] = [:]) { self.metadata = metadata }

  /// - Precondition: as many elements as the shape says.
  public mutating func append(_ name: String, shape: [Int], _ values: [Float]) {
    let bits = values.map(\.bitPattern.littleEndian)
    bits.withUnsafeBytes { append(name, .float32, shape, $0) }
  }

  /// - Precondition: as many elements as the shape says.
  public mutating func append(_ name: String, shape: [Int], _ values: [Double]) {
    let bits = values.map(\.bitPattern.littleEndian)
    bits.withUnsafeBytes { append(name, .float64, shape, $0) }
  }

  private mutating func append(_ name: String, _ element: Element, _ shape: [Int], _ content: UnsafeRawBufferPointer) {
    precondition(shape.reduce(1, *) * element.size == content.count, "\(name): a shape of other elements")
    entries.append(Entry(name: name, element: element, shape: shape, range: data.count..<data.count + content.count))
    data.append(contentsOf: content)
  }

  /// The array of a name; `nil` where there is none.
  public func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }

  /// The elements of an entry as doubles, which hold every float32 exactly.
  public func values(_ entry: Entry) -> [Double] {
    let size = entry.element.size
    return data.withUnsafeBytes { bytes in
      stride(from: entry.range.lowerBound, to: entry.range.upperBound, by: size).map { offset in
        switch entry.element {
        case .float32:
          let bits = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
          return Double(Float(bitPattern: bits))
        case .float64:
          let bits = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
          return Double(bitPattern: bits)
        }
      }
    }
  }

  /// Copies the elements of a float32 entry.
  /// - Precondition: room for as many elements as the entry has.
  func copy(_ entry: Entry, to base: UnsafeMutablePointer<Float>) {
    precondition(entry.element == .float32, "\(entry.name): no float32")
    data.withUnsafeBytes { bytes in
      for index in 0..<entry.range.count / 4 {
        let offset = entry.range.lowerBound + 4 * index
        base[index] = Float(
          bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      }
    }
  }

  /// The file: equal contents give equal bytes.
  public func encoded() throws -> Data {
    var header: [String: Any] = [:]
    if !metadata.isEmpty { header["__metadata__"] = metadata }
    for entry in entries {
      header[entry.name] = [
        "dtype": entry.element.rawValue, "shape": entry.shape,
        "data_offsets": [entry.range.lowerBound, entry.range.upperBound],
      ]
    }
    var text = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
    // Elements begin on a multiple of 8 bytes.
    text.append(contentsOf: [UInt8](repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    return Data(bytes(UInt64(text.count).littleEndian)) + text + data
  }

  /// Reads a whole file.
  /// - Throws: `Malformed`, with what was found and what was expected.
  public init(_ file: Data) throws {
    let file = Data(file)
    guard file.count >= 8 else { throw Malformed(description: "a file of \(file.count) bytes has no header") }
    let length = file.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    guard length <= UInt64(file.count - 8) else {
      throw Malformed(description: "a header of \(length) bytes in a file of \(file.count)")
    }
    let start = 8 + Int(length)
    // Refused whatever the reason is.
    guard let header = try? JSONSerialization.jsonObject(with: file[8..<start]) as? [String: Any] else {
      throw Malformed(description: "the header is no JSON object")
    }
    metadata = header["__metadata__"] as? [String: String] ?? [:]
    data = Data(file[start...])
    // In the order of names, so that of several faults it is always the same one that is named.
    entries = try header.filter { $0.key != "__metadata__" }.sorted { $0.key < $1.key }
      .map { try Self.entry($0.key, $0.value, dataCount: data.count) }
      .sorted { ($0.range.lowerBound, $0.name) < ($1.range.lowerBound, $1.name) }
    // As the format demands: no gap, no overlap, nothing behind.
    var end = 0
    for entry in entries {
      guard entry.range.lowerBound == end else {
        throw Malformed(description: "\(entry.name) begins at byte \(entry.range.lowerBound); expected \(end)")
      }
      end = entry.range.upperBound
    }
    guard end == data.count else {
      throw Malformed(description: "\(data.count) bytes of elements; the header describes \(end)")
    }
  }

  private static func entry(_ name: String, _ value: Any, dataCount: Int) throws -> Entry {
    guard let fields = value as? [String: Any], let type = fields["dtype"] as? String,
      let shape = fields["shape"] as? [Int], let offsets = fields["data_offsets"] as? [Int], offsets.count == 2
    else { throw Malformed(description: "\(name): expected dtype, shape and data_offsets") }
    guard let element = Element(rawValue: type) else {
      throw Malformed(description: "\(name): elements of type \(type); accepted: F32, F64")
    }
    guard 0 <= offsets[0], offsets[0] <= offsets[1], offsets[1] <= dataCount else {
      throw Malformed(description: "\(name): bytes \(offsets[0]) to \(offsets[1]) of \(dataCount)")
    }
    var size = element.size
    for side in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: side)
      guard side >= 0, !overflow else { throw Malformed(description: "\(name): a shape of \(shape)") }
      size = product
    }
    guard size == offsets[1] - offsets[0] else {
      throw Malformed(description: "\(name): \(offsets[1] - offsets[0]) bytes for a shape of \(shape) \(type)")
    }
    return Entry(name: name, element: element, shape: shape, range: offsets[0]..<offsets[1])
  }
}

private func bytes<Bits: FixedWidthInteger>(_ bits: Bits) -> [UInt8] { withUnsafeBytes(of: bits) { Array($0) } }
