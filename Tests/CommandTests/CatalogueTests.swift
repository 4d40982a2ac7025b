import Foundation
import Testing

/// Profiles, conventions and several devices from the command line.
struct CatalogueTests {
  private func rows(_ text: String) throws -> [[String: Any]] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
  }

  @Test func `every shipped profile is listed with its source and its year`() async throws {
    let program = try Program()
    let listed = try rows(try await program.run("hardware", "list", "--format", "json").output)
    let names = listed.compactMap { $0["name"] as? String }
    #expect(
      names == [
        "a10", "a100-40g", "a100-80g", "b200", "epyc-2-cores", "gaudi-3", "gb200", "h100-pcie", "h100-sxm", "h20",
        "h200-sxm", "l4", "l40s", "m3-max", "m4-max", "mi250x", "mi300x", "mi355x", "rtx-3090", "rtx-4090", "rtx-5090",
        "ryzen-9950x", "t4", "tpu-v5e", "v100-16g", "v100-32g", "xeon-8480",
      ])
    for row in listed {
      #expect((row["source"] as? String)?.isEmpty == false)
      #expect((row["year"] as? Int ?? 0) >= 2017)
    }
  }

  @Test func `a profile that is shown as YAML is a profile again`() async throws {
    let program = try Program()
    let shown = try await program.run("hardware", "show", "mi300x").output
    try program.write("mi300x.yaml", shown)
    let checked = try await program.run("hardware", "check", "mi300x.yaml", "--format", "json")
    #expect(checked.code == 0)
    let row = try #require(try rows(checked.output).first)
    #expect(row["valid"] as? Bool == true)
    #expect((row["remarks"] as? [Any])?.isEmpty == true)
    let json = try object(try await program.run("hardware", "show", "./mi300x.yaml", "--format", "json").output)
    #expect(try json.object("matmul_flops_per_s")["bf16"] as? Double == 1307.4e12)
    #expect(try json.integer("memory_bytes") == 206_141_652_992)
    let table = try await program.run("hardware", "show", "mi300x", "--format", "table")
    #expect(table.lines.contains { $0.hasPrefix("matmul_flops_per_s.bf16") })
  }

  @Test func `a wrong profile ends with 64 and says where, for a person and for a program`() async throws {
    let program = try Program()
    try program.write(
      "mine.yaml", "matmul_flops_per_s: {bf16: 1e12}\nelementwise_flops_per_s: fast\nmemory_bytes: 1e9\n")
    let outcome = try await program.run("hardware", "check", "mine.yaml", "--format", "json")
    #expect(outcome.code == 64)
    #expect(
      outcome.error == """
        mine.yaml:1:1: error: the key memory_bandwidth_bytes_per_s is missing; accepted: a number above 0, in byte/s
        mine.yaml:2:26: error: elementwise_flops_per_s: found "fast"; accepted: a number above 0, in FLOP/s

        """)
    let errors = try #require(try rows(outcome.output).first).objects("errors")
    #expect(try errors.map { try $0.integer("line") } == [1, 2])
  }

  /// GenZ's total of a prefill of 2048 tokens.
  @Test func `conventions give another tool's count and leave the times alone`() async throws {
    let program = try Program()
    let arguments = [
      "explain", "scenarios/models/llama-2-7b.yaml", "--set", "workload.generate=0", "--format", "json",
    ]
    let exact = try object(try await program.run(arguments).output)
    let other = try object(
      try await program.run(
        arguments + [
          "--convention", "causal_pairs=all", "--convention", "head=all", "--convention", "embedding=dense",
        ]
      ).output)
    #expect(try other.object("prefill").integer("matmul_flops") == 29_798_483_099_648)
    #expect(try exact.object("prefill").integer("matmul_flops") == 27_625_766_518_784)
    #expect(try other.object("conventions")["head"] as? String == "all")
    func time(_ explained: [String: Any]) throws -> Double? {
      try #require(try explained.objects("hardware").first).object("prefill")["time_s"] as? Double
    }
    #expect(try time(exact) != nil && time(exact) == time(other))
  }

  @Test func `a convention that does not exist is refused with those that do`() async throws {
    let program = try Program()
    let outcome = try await program.run(
      "explain", "scenarios/quickstart.yaml", "--convention", "head=twice", "--convention", "pairs=all")
    #expect(outcome.code == 64)
    #expect(
      outcome.error == """
        --convention:1:1: error: head: found "twice"; accepted: emitted, once, all
        --convention:2:1: error: there is no convention "pairs"; accepted: causal_pairs=exact|half|all, \
        head=emitted|once|all, elementwise=on|off, attention=fused|unfused, decode_context=t+1|t, embedding=lookup|dense

        """)
  }

  @Test func `a price and a power become dollars and joules, and count every device`() async throws {
    let program = try Program()
    let sheet = try await program.run("hardware", "show", "h100-sxm").output
    try program.write("mine.yaml", sheet.replacing("name: h100-sxm\n", with: "") + "price_usd_per_hour: 3.6\n")
    func machine(devices: Int) async throws -> [String: Any] {
      let explained = try object(
        try await program.run(
          "explain", "scenarios/models/llama-3.1-8b.yaml", "--hardware", "mine.yaml", "--set", "devices=\(devices)",
          "--format", "json"
        ).output)
      return try #require(try explained.objects("hardware").first)
    }
    for devices in [1, 4] {
      let row = try await machine(devices: devices)
      let throughput = try #require(row["throughput_tokens_per_s"] as? Double)
      let dollars = try #require(row["cost_usd_per_million_tokens"] as? Double)
      let joules = try #require(row["energy_j_per_million_tokens"] as? Double)
      #expect(abs(dollars * throughput / Double(devices) - 1000) < 1e-9)
      #expect(abs(joules * throughput / Double(devices) - 700e6) < 1e-3)
      #expect(try row.integer("devices") == devices)
      let exchange = try #require(try row.object("decode")["communication_s"] as? Double)
      #expect((exchange > 0) == (devices > 1))
    }
  }

  @Test func `devices without a link, or more than heads allow, end with 64`() async throws {
    let program = try Program()
    let unlinked = try await program.run(
      "explain", "scenarios/models/photon-600m.yaml", "--hardware", "m3-max", "--set", "devices=2")
    #expect(unlinked.code == 64)
    #expect(
      unlinked.error.hasSuffix(
        "scenarios/hardware/m3-max.yaml:1:1: error: device_link_bytes_per_s: hardware profile m3-max has no "
          + "device_link_bytes_per_s, which 2 devices need; accepted: the key, or one device\n"))
    let alone = try await program.run(
      "explain", "scenarios/models/photon-600m.yaml", "--hardware", "m3-max", "--set", "model.cache={placement: host}")
    #expect(alone.code == 64)
    #expect(
      alone.error.hasSuffix(
        "scenarios/hardware/m3-max.yaml:1:1: error: host_link_bytes_per_s: hardware profile m3-max has no "
          + "host_link_bytes_per_s, which a cache with placement: host needs; accepted: the key, or placement: contiguous\n"
      ))
    let odd = try await program.run("explain", "scenarios/models/photon-600m.yaml", "--set", "devices=3")
    #expect(odd.code == 64)
    let pipeline = try await program.run(
      "explain", "scenarios/models/photon-600m.yaml", "--set", "parallelism={tensor: 2, pipeline: 2}")
    #expect(pipeline.code == 64)
    #expect(pipeline.error.contains("pipeline parallelism is not modelled, and not approximated"))
  }
}
