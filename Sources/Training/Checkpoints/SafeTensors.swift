import Foundation
import Quantities
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

    // Names and types are the file's own words.
    fileprivate init(description: String) { self.description = visible(description) }
  }

  /// In the order of their bytes.
  public private(set) var entries: [Entry] = []
  /// Text under free keys.
  public private(set) var metadata: [String: String]
  private var data = Data()
  /// Where the elements begin in `data`.
  private var start = 0

  /// No arrays.
  public init(metadata: [String: String] = [:]) { self.metadata = metadata }

  /// - Precondition: as many elements as the shape says.
  public mutating func append(_ name: String, shape: [Int], _ values: [Float]) {
    describe(name, .float32, shape)
    Self.append(values.map(\.bitPattern.littleEndian), to: &data)
    checkEnd(name)
  }

  /// - Precondition: as many elements as the shape says.
  public mutating func append(_ name: String, shape: [Int], _ values: [Double]) {
    describe(name, .float64, shape)
    Self.append(values.map(\.bitPattern.littleEndian), to: &data)
    checkEnd(name)
  }

  /// Notes an array whose elements come behind those of all before it.
  private mutating func describe(_ name: String, _ element: Element, _ shape: [Int]) {
    let end = entries.last?.range.upperBound ?? 0
    entries.append(
      Entry(name: name, element: element, shape: shape, range: end..<end + shape.reduce(1, *) * element.size))
  }

  private func checkEnd(_ name: String) {
    precondition(data.count - start == entries.last?.range.upperBound, "\(name): a shape of other elements")
  }

  private static func append(_ bits: [some FixedWidthInteger], to data: inout Data) {
    bits.withUnsafeBytes { data.append(contentsOf: $0) }
  }

  /// The array of a name; `nil` where there is none.
  public func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }

  /// The elements of an entry as doubles, which hold every float32 exactly.
  public func values(_ entry: Entry) -> [Double] {
    let size = entry.element.size
    return data.withUnsafeBytes { bytes in
      stride(from: start + entry.range.lowerBound, to: start + entry.range.upperBound, by: size).map { offset in
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
        let offset = start + entry.range.lowerBound + 4 * index
        base[index] = Float(
          bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      }
    }
  }

  /// The file: equal contents give equal bytes.
  public func encoded() throws -> Data {
    var file = try header()
    file.append(data[start...])
    return file
  }

  /// The file of float32 arrays that are asked for one after another: nothing is held but the file.
  static func encoded(_ arrays: [(name: String, shape: [Int], elements: () -> [Float])]) throws -> Data {
    var description = SafeTensors()
    for array in arrays { description.describe(array.name, .float32, array.shape) }
    var file = try description.header()
    let end = file.count + (description.entries.last?.range.upperBound ?? 0)
    file.reserveCapacity(end)
    for array in arrays { append(array.elements().map(\.bitPattern.littleEndian), to: &file) }
    precondition(file.count == end, "shapes of other elements")
    return file
  }

  /// All that stands before the elements.
  private func header() throws -> Data {
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
    return Data(bytes(UInt64(text.count).littleEndian)) + text
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
    start = 8 + Int(length)
    // Refused whatever the reason is.
    guard let header = try? JSONSerialization.jsonObject(with: file[8..<start]) as? [String: Any] else {
      throw Malformed(description: "the header is no JSON object")
    }
    metadata = header["__metadata__"] as? [String: String] ?? [:]
    data = file
    let count = file.count - start
    // In the order of names, so that of several faults it is always the same one that is named.
    entries = try header.filter { $0.key != "__metadata__" }.sorted { $0.key < $1.key }
      .map { try Self.entry($0.key, $0.value, dataCount: count) }
      .sorted { ($0.range.lowerBound, $0.name) < ($1.range.lowerBound, $1.name) }
    // As the format demands: no gap, no overlap, nothing behind.
    var end = 0
    for entry in entries {
      guard entry.range.lowerBound == end else {
        throw Malformed(description: "\(entry.name) begins at byte \(entry.range.lowerBound); expected \(end)")
      }
      end = entry.range.upperBound
    }
    guard end == count else {
      throw Malformed(description: "\(count) bytes of elements; the header describes \(end)")
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
