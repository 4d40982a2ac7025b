import Foundation
import Testing
import Training

struct SafeTensorsTests {
  static func file(_ header: String, _ elements: [UInt8] = []) -> Data {
    var length = UInt64(header.utf8.count).littleEndian
    return Data(bytes: &length, count: 8) + Data(header.utf8) + Data(elements)
  }

  @Test func `what is written is read in every bit, and equal contents give equal bytes`() throws {
    var file = SafeTensors(metadata: ["step": "3"])
    file.append("level 1 start", shape: [1, 3], [1.5, -0.0, Float.leastNonzeroMagnitude])
    file.append("loss", shape: [2], [Double.pi, .infinity])
    file.append("nothing", shape: [0, 4], [Float]())
    let encoded = try file.encoded()
    let read = try SafeTensors(encoded)
    #expect(read.entries.map(\.name) == ["level 1 start", "loss", "nothing"])
    #expect(read.entries.map(\.shape) == [[1, 3], [2], [0, 4]])
    for (own, other) in zip(file.entries, read.entries) {
      #expect(file.values(own).map(\.bitPattern) == read.values(other).map(\.bitPattern))
    }
    #expect(read.metadata == ["step": "3"])
    #expect(try read.encoded() == encoded)
  }

  @Test(
    arguments: [
      (Data([1, 2]), "a file of 2 bytes has no header"),
      (Data([255, 0, 0, 0, 0, 0, 0, 0, 123, 125]), "a header of 255 bytes in a file of 10"),
      (file("[]"), "the header is no JSON object"), (file("{\"a\": "), "the header is no JSON object"),
      (file("{\"a\": {\"dtype\": \"F32\"}}"), "a: expected dtype, shape and data_offsets"),
      (file("{\"c\": 1, \"b\": 2, \"a\": 3, \"d\": 4}"), "a: expected dtype, shape and data_offsets"),
      (
        file("{\"a\": {\"dtype\": \"BF16\", \"shape\": [1], \"data_offsets\": [0, 2]}}", [0, 0]),
        "a: elements of type BF16; accepted: F32, F64"
      ),
      (
        file("{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}}", [0, 0, 0, 0]),
        "a: bytes 0 to 8 of 4"
      ),
      (
        file("{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 4]}}", [0, 0, 0, 0]),
        "a: 4 bytes for a shape of [2] F32"
      ),
      (
        file("{\"a\": {\"dtype\": \"F32\", \"shape\": [4611686018427387904, 4], \"data_offsets\": [0, 0]}}"),
        "a: a shape of [4611686018427387904, 4]"
      ),
      (
        file(
          "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [4, 8]}}", [UInt8](repeating: 0, count: 8)),
        "a begins at byte 4; expected 0"
      ),
      (
        file(
          "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}", [UInt8](repeating: 0, count: 8)),
        "8 bytes of elements; the header describes 4"
      ),
    ])
  func `a file that is not whole is refused with what is wrong`(file: Data, message: String) {
    let error = #expect(throws: SafeTensors.Malformed.self) { try SafeTensors(file) }
    #expect(error?.description == message)
  }
}
