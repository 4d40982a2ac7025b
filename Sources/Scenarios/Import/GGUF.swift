import Foundation

/// The header of a GGUF file: a magic number, a version, counts, typed keys, then the arrays' names, shapes and types.
/// - Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3.
enum GGUF {
  static let magic = Data("GGUF".utf8)

  /// Element types by their numbers.
  private static let elements: [UInt32: String] = [
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
    12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
  ]

  static func read(_ bytes: inout HeaderBytes) throws(ScenarioError) -> WeightFile {
    _ = try bytes.bytes(4)
    let start = bytes.offset
    let version = try bytes.integer(UInt32.self)
    guard (2...3).contains(version) else { throw bytes.refusal("version \(version)", "2 or 3", at: start) }
    let arrayCount = try bytes.count(of: "arrays", atMost: 1_000_000)
    let keyCount = try bytes.count(of: "keys", atMost: 1_000_000)
    var metadata: [String: PositionedValue] = [:]
    for _ in 0..<keyCount {
      let key = try bytes.text(atMost: 65_536)
      let place = bytes.offset
      let type = try bytes.integer(UInt32.self)
      metadata[key] = PositionedValue(try value(type, &bytes, depth: 0), at: bytes.position(place))
    }
    var arrays: [WeightFile.Entry] = []
    for _ in 0..<arrayCount {
      let name = try bytes.text(atMost: 65_536)
      let dimensionsAt = bytes.offset
      let dimensions = try bytes.integer(UInt32.self)
      guard dimensions <= 8 else { throw bytes.refusal("\(dimensions) dimensions", "at most 8", at: dimensionsAt) }
      var shape: [Int] = []
      for _ in 0..<dimensions { shape.append(try bytes.count(of: "numbers in a row", atMost: Int.max)) }
      let typeAt = bytes.offset
      let type = try bytes.integer(UInt32.self)
      guard let element = elements[type] else {
        throw bytes.refusal("element type \(type) of \(name)", "a type of the format", at: typeAt)
      }
      _ = try bytes.integer(UInt64.self)
      // Features stand first here.
      let array = WeightFile.Entry(name: name, element: element, shape: shape.reversed())
      guard array.count != nil else { throw bytes.refusal("\(name) of shape \(shape)", "fewer numbers", at: typeAt) }
      arrays.append(array)
    }
    return WeightFile(arrays: arrays, metadata: metadata, isGGUF: true)
  }

  /// A value by the number of its type.
  private static func value(
    _ type: UInt32, _ bytes: inout HeaderBytes, depth: Int
  ) throws(ScenarioError) -> PositionedValue.Content {
    func number(_ value: some CustomStringConvertible) -> PositionedValue.Content {
      .scalar(value.description, quoted: false)
    }
    switch type {
    case 0: return number(try bytes.integer(UInt8.self))
    case 1: return number(try bytes.integer(Int8.self))
    case 2: return number(try bytes.integer(UInt16.self))
    case 3: return number(try bytes.integer(Int16.self))
    case 4: return number(try bytes.integer(UInt32.self))
    case 5: return number(try bytes.integer(Int32.self))
    case 6: return number(Float(bitPattern: try bytes.integer(UInt32.self)))
    case 7: return number(try bytes.integer(UInt8.self) != 0)
    case 8: return .scalar(try bytes.text(atMost: 16_000_000), quoted: true)
    case 9:
      let inner = try bytes.integer(UInt32.self)
      let count = try bytes.count(of: "elements", atMost: 16_000_000)
      guard depth < 4 else { throw bytes.refusal("lists in lists in lists", "at most 4 deep") }
      var elements: [PositionedValue] = []
      // Vocabularies are lists of hundreds of thousands of words: how many there are is all that is asked.
      let keepsElements = count <= 4096
      for _ in 0..<count {
        let place = bytes.offset
        let element = PositionedValue(try value(inner, &bytes, depth: depth + 1), at: bytes.position(place))
        if keepsElements { elements.append(element) }
      }
      return keepsElements ? .list(elements) : number(count)
    case 10: return number(try bytes.integer(UInt64.self))
    case 11: return number(try bytes.integer(Int64.self))
    case 12: return number(Double(bitPattern: try bytes.integer(UInt64.self)))
    default: throw bytes.refusal("value type \(type)", "0 to 12")
    }
  }
}
