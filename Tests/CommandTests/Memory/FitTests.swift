import Foundation
import Testing

/// A batch that does not fit is said wherever a point is priced.
struct FitTests {
  private static let llama = "scenarios/models/llama-3.1-8b.yaml"
  private static let huge = ["--hardware", "rtx-4090", "--set", "workload.batch=[1, 100]"]

  @Test func `explain says that a batch does not fit, what is missing, and how many devices hold it`() async throws {
    let program = try Program()
    let fits = try await program.run("explain", Self.llama, "--hardware", "rtx-4090")
    #expect(fits.code == 0 && fits.output.contains("Memory of each device") && !fits.output.contains("note:"))
    let misfit = try await program.run(["explain", Self.llama, "--point", "1", "--wide"] + Self.huge)
    let line = try #require(misfit.lines.first { $0.hasPrefix("note: ") })
    #expect(misfit.code == 0 && line.hasPrefix("note: batch 100 does not fit rtx-4090: "))
    #expect(line.contains("; the largest batch that does is ") && line.hasSuffix("; it needs 2 devices"))
    let whole = try await program.run(
      "explain", Self.llama, "--hardware", "l4", "--set", "model.layers=80", "--set", "precision=fp16")
    #expect(whole.output.contains("note: batch 1 does not fit l4: "))
  }

  @Test func `the memory of a device adds up in the object, and its fit stands in object and columns`() async throws {
    let program = try Program()
    let json = try await program.run(
      ["explain", Self.llama, "--point", "1", "--format", "json", "--hardware", "h100-sxm"] + Self.huge)
    for (machine, needed) in zip(try object(json.output).objects("hardware"), [1, 2]) {
      let memory = try machine.object("memory")
      let parts = ["reserved", "weight", "activation", "cache", "free"]
      #expect(try parts.reduce(0) { try $0 + memory.integer($1 + "_bytes") } == memory.integer("device_bytes"))
      // Each token takes 2 · 8 · 128 · 2 bytes in 32 layers.
      #expect(
        try memory.integer("cache_tokens")
          == (memory.integer("free_bytes") + memory.integer("cache_bytes")) / 131_072)
      #expect(machine["fits"] as? Bool == (needed == 1))
      #expect(try machine.integer("devices_needed") == needed)
      #expect(try machine.integer("largest_batch") < 100 || needed == 1)
    }
    let csv = try await program.run(["explain", Self.llama, "--point", "1", "--format", "csv"] + Self.huge).lines
    #expect(csv[0].hasSuffix(",fits,largest_batch") && csv.dropFirst().allSatisfy { $0.contains(",false,") })
    let several = try await program.run(
      ["explain", Self.llama, "--point", "1", "--format", "csv", "--hardware", "h100-sxm"] + Self.huge)
    #expect(
      several.lines[0].hasSuffix(",fits_h100-sxm,largest_batch_h100-sxm,fits_rtx-4090,largest_batch_rtx-4090"))
  }

  @Test func `a sweep has the fit of every point, as explain has it`() async throws {
    let program = try Program()
    for capacity in ["", "vllm"] {
      let settings = Self.huge + ["--set", "capacity=\(capacity)", "--set", "devices=2"]
      let rows = try await program.run(
        ["sweep", Self.llama, "--format", "json", "--columns", "point,fits,largest_batch"] + settings)
      #expect(rows.code == 0 && rows.lines.count == 2)
      for (index, line) in rows.lines.enumerated() {
        let row = try object(String(line))
        let explained = try await program.run(
          ["explain", Self.llama, "--format", "json", "--point", "\(index)"] + settings)
        let machine = try object(explained.output).objects("hardware")[0]
        #expect(row["fits"] as? Bool == machine["fits"] as? Bool)
        #expect(try row.integer("largest_batch") == machine.integer("largest_batch"))
      }
    }
    let columns = try await program.run("sweep", Self.llama).lines[0]
    #expect(columns.hasSuffix(",devices,fits,largest_batch"))
  }

  @Test func `compare says which side does not fit, and has it beside both values`() async throws {
    let program = try Program()
    let arguments = ["compare", Self.llama, Self.llama, "--hardware", "rtx-4090", "--set-b", "workload.batch=100"]
    let text = try await program.run(arguments)
    let line = try #require(text.lines.first { $0.hasPrefix("B: ") })
    #expect(text.code == 0 && line.hasPrefix("B: batch 100 does not fit rtx-4090: "))
    #expect(!text.lines.contains { $0.hasPrefix("A: ") })
    let csv = try await program.run(arguments + ["--format", "csv"]).lines
    #expect(csv[0].hasSuffix(",fits,largest_batch"))
    #expect(csv.contains { $0.hasPrefix("time_s,A,") && $0.contains(",true,") })
    #expect(csv.contains { $0.hasPrefix("time_s,B,") && $0.contains(",false,") })
  }

  /// The figures that the page prints beside what engines held.
  @Test func `the page's commands print its tokens`() async throws {
    let program = try Program()
    for (arguments, tokens) in [
      (
        [
          "--hardware", "rtx-3090", "--set", "precision=fp16", "--set",
          "capacity={engine: vllm-0.6, step_tokens: 20000}",
        ],
        30_976
      ),
      (
        [
          "--hardware", "rtx-3090", "--set", "precision=fp16", "--set",
          "capacity={engine: vllm-0.6, step_tokens: 29000}",
        ],
        23_392
      ),
      (["--hardware", "rtx-5090", "--set", "precision=fp8-kv8", "--set", "capacity=tensorrt-llm"], 262_336),
    ] {
      let outcome = try await program.run(["explain", Self.llama, "--format", "json"] + arguments)
      let machine = try object(outcome.output).objects("hardware")[0]
      #expect(try machine.object("memory").integer("cache_tokens") == tokens)
    }
  }

  @Test func `stored weights agree with the executed reference, scales and all`() async throws {
    let program = try Program()
    for precision in ["w4a16", "fp8-dynamic-kv8", "{preset: w8a8, head: int8, group_size: 48, zero_points: true}"] {
      let outcome = try await program.run(
        "validate", "scenarios/quickstart.yaml", "--scenario-only", "--no-measure", "--set", "precision=\(precision)")
      #expect(outcome.code == 0, "\(outcome.error)")
    }
  }
}
