import Foundation
import Testing

/// A profile whose bandwidth is in GB/s answers nonsense: every command that uses it says so.
struct SlippedProfileTests {
  private static let remark =
    "hardware profile slipped: remark: memory_bandwidth_bytes_per_s: 3350 is no machine's: is it in GB/s or TB/s?"

  @Test(arguments: [
    ["explain", "s.yaml"], ["sweep", "s.yaml"], ["compare", "s.yaml", "s.yaml"], ["hardware", "show", "slipped"],
    ["validate", "--measured", "rows.csv"], ["calibrate", "--from", "rows.csv", "-o", "fits"], ["hardware", "list"],
    ["report", "s.yaml", "--no-measure", "-o", "report"],
  ])
  func `every command that uses it says so, once`(command: [String]) async throws {
    let program = try Program()
    try FileManager.default.createDirectory(atPath: program.folder + "/hardware", withIntermediateDirectories: true)
    try program.write(
      "hardware/slipped.yaml",
      "source: a sheet\nyear: 2024\nmatmul_flops_per_s: {fp32: 67e12, bf16: 989e12}\n"
        + "memory_bandwidth_bytes_per_s: 3350\nmemory_bytes: 80e9\n")
    try program.write(
      "s.yaml", "model: {preset: vanilla-tiny}\nworkload: {prompt: 8, generate: 4}\nhardware: slipped\n")
    try program.write(
      "rows.csv",
      "model,hardware,prompt,generated,concurrency,time_per_output_token_ms\n"
        + (1...6).map { "vanilla-tiny,slipped,\(16 * $0),\(8 * $0),\($0),\(9e9 + 1e8 * Double($0))\n" }.joined())
    let outcome = try await program.run(command)
    let said = outcome.error.split(separator: "\n").filter { $0.contains("slipped: remark") }
    #expect(said == [Substring(Self.remark)], "\(outcome.error)")
  }
}
