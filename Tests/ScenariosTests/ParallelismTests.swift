import Scenarios
import Testing

struct ParallelismTests {
  private func devices(_ text: String) throws -> Int {
    try Scenario(text: "model: {preset: \(shipped)/models/llama-3.1-8b.yaml}\n" + text, file: shipped + "/s.yaml")
      .devices
  }

  private func complaint(_ text: String) -> String {
    do {
      return "no complaint, \(try devices(text)) devices"
    } catch {
      return "\(error)".replacing(shipped + "/", with: "")
    }
  }

  @Test func `a scenario has one device unless it says otherwise, in either of two ways`() throws {
    #expect(try devices("") == 1)
    #expect(try devices("devices: 4\n") == 4)
    #expect(try devices("parallelism: {tensor: 8}\n") == 8)
    #expect(try devices("devices: 8\nparallelism: {tensor: 8}\n") == 8)
  }

  @Test(arguments: ["pipeline", "expert", "data", "sequence", "context"])
  func `other parallelism is refused and not approximated`(kind: String) {
    #expect(
      complaint("parallelism: {tensor: 2, \(kind): 2}\n") == """
        s.yaml:2:26: error: parallelism.\(kind): \(kind) parallelism is not modelled, and not approximated; accepted: tensor
        """)
  }

  @Test func `heads that do not divide over the devices are an error`() {
    #expect(
      complaint("devices: 3\n") == """
        s.yaml:2:10: error: devices: models/llama-3.1-8b.yaml, heads: 32 heads do not divide over 3 devices; \
        accepted: a divisor of 32
        """)
  }

  @Test func `key–value heads may be fewer than devices`() throws {
    #expect(try devices("devices: 16\n") == 16)
  }

  @Test func `two numbers that differ are an error`() {
    #expect(
      complaint("devices: 2\nparallelism: {tensor: 4}\n") == """
        s.yaml:3:23: error: parallelism.tensor: found 4 beside devices: 2; accepted: one of both, or equal values
        """)
  }

  @Test func `devices is a whole number`() {
    #expect(complaint("devices: 0\n") == "s.yaml:2:10: error: devices: found 0; accepted: an integer from 1 to 1024")
    #expect(
      complaint("devices: [1, 2]\n")
        == "s.yaml:2:10: error: devices: found a list of 2; accepted: an integer from 1 to 1024")
  }
}
