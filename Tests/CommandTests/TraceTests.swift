import Testing

struct TraceTests {
  @Test(arguments: ["photon-tiny", "block-tiny", "vanilla-tiny"], ["prefill", "decode"])
  func `the exported operations add up to what explain says`(preset: String, phase: String) async throws {
    let program = try Program()
    try program.write("s.yaml", "model: {preset: \(preset)}\nworkload: {prompt: 21, generate: 19, batch: 2}\n")
    let explained = try object(try await program.run("explain", "s.yaml", "--format", "json").output).object(phase)
    let outcome = try await program.run("trace", "export", "s.yaml", "--phase", phase)
    #expect(outcome.code == 0)
    let operations = try object(outcome.output).objects("operations")
    for figure in ["matmul_flops", "elementwise_flops", "traffic_bytes"] {
      let sum = try operations.reduce(0) { $0 + (try $1.integer("count") * $1.integer(figure)) }
      #expect(try sum == explained.integer(figure), "\(figure)")
    }
  }
}
