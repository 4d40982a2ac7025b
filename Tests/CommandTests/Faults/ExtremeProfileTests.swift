import Foundation
import Testing

/// Profiles whose times leave what a number can hold, or all but vanish: every command answers and says so.
struct ExtremeProfileTests {
  struct Extreme: CustomTestStringConvertible {
    var testDescription: String
    var rate = "989e12"
    var bandwidth = "4.8e12"
    var overhead = "0"
    /// Whether a time of the scenario is no number.
    var leavesNumbers: Bool

    var yaml: String {
      """
      matmul_flops_per_s: {fp32: \(rate)}
      elementwise_flops_per_s: \(rate)
      memory_bandwidth_bytes_per_s: \(bandwidth)
      memory_bytes: 141e9
      price_usd_per_hour: \(overhead)
      step_overhead_s: \(overhead)
      efficiency: {matrix_product: {overhead_s: \(overhead)}, attention_decode: {row_overhead_s: \(overhead)}}

      """
    }

    static let all = [
      Extreme(testDescription: "fast", rate: "1e308", bandwidth: "1e308", leavesNumbers: false),
      Extreme(testDescription: "slow", rate: "5e-324", bandwidth: "1e-300", leavesNumbers: true),
      Extreme(testDescription: "slow arithmetic", rate: "1e-300", bandwidth: "1e308", leavesNumbers: true),
      Extreme(testDescription: "slow memory", rate: "1e308", bandwidth: "1e-300", leavesNumbers: true),
      Extreme(testDescription: "dear", overhead: "1e300", leavesNumbers: false),
      Extreme(testDescription: "dearer", overhead: "1.7e308", leavesNumbers: true),
    ]
  }

  @Test(arguments: Extreme.all)
  func `reports, sweeps and comparisons survive times that are no numbers, and say so`(_ extreme: Extreme) async throws
  {
    let program = try Program()
    try program.write("extreme.yaml", extreme.yaml)
    let scenario = "scenarios/quickstart.yaml"
    let machine = ["--set", "hardware=[./extreme.yaml]"]

    let report = try await program.run(["report", scenario, "--no-measure", "-o", "out", "--hardware", "extreme.yaml"])
    #expect(report.code == 0, "\(report.error)")
    let text = try program.read("out/report.md")
    #expect(text.contains("leave what a number can hold") == extreme.leavesNumbers)
    #expect(!text.contains("NaN") && !text.contains("nan "))

    let hardware = ["--hardware", "extreme.yaml"]
    let explained = try await program.run(["explain", scenario, "--format", "json"] + hardware)
    #expect(explained.code == 0 && !explained.output.contains("nan"))
    _ = try object(explained.output)
    let swept = try await program.run(["sweep", scenario, "--estimates"] + hardware)
    #expect(swept.code == 0 && !swept.output.contains("nan"))
    #expect(Set(swept.lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).count }).count == 1)
    let compared = try await program.run(
      ["compare", scenario, scenario, "--set-a", "model.levels[1].chunk=8"] + hardware)
    #expect(compared.code == 0 && compared.output.contains("memory per prompt") && !compared.output.contains("nan"))
    // A factor is told by its causes, which are finite where launches take a time, or nothing is told of it.
    let told = ["leave what a number can hold", "prefill and decode", "overhead"]
    #expect(told.contains { compared.output.contains($0) })
    let why = try await program.run(["why", scenario, "level1/encoder/attention"] + machine.prefix(0))
    #expect(why.code == 0)
  }

  @Test func `why of four milliard sequences of no token ends in words`() async throws {
    let program = try Program()
    let outcome = try await program.run(
      "why", "scenarios/models/photon-tiny.yaml", "--phase", "prefill", "--set",
      "workload={prompt: 0, generate: 0, batch: 1048576, continuations: 4096}", "--", "level2/encoder/chunker")
    #expect(outcome.code == 0)
    #expect(outcome.output.contains("Not traced: executing this workload would take too long."))
  }
}
