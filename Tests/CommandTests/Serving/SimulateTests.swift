import Foundation
import Testing

struct SimulateTests {
  private static let linear = """
    model: {preset: vanilla-tiny}
    serving:
      scheduler: continuous
      token_budget: 16
      max_running: 3
      memory: {kind: none}
      trace: {file: rows.csv}
      price: {pass_ns: 100, fill_token_ns: 10, row_ns: 5}

    """

  @Test func `the second worked example comes out of a trace`() async throws {
    let program = try Program()
    try program.write("s.yaml", Self.linear)
    try program.write("rows.csv", "arrival_ns,prompt,output\n0,8,3\n0,8,2\n0,20,2\n10,4,2\n335,4,1\n")
    let outcome = try await program.run(
      "simulate", "s.yaml", "--format", "json", "--requests", "r.jsonl", "--trace", "t.json")
    #expect(outcome.code == 0 && outcome.error == "")
    let latencies = try object(outcome.output).object("latencies")
    let first = try latencies.object("time_to_first_token_ns")
    #expect(first["mean"] as? Double == 466 && first["p50"] as? Int == 530 && first["p99"] as? Int == 710)
    let lines = try program.read("r.jsonl").split(separator: "\n")
    #expect(lines.count == 5)
    #expect(
      lines[2] == """
        {"id":2,"arrival":0,"state":"finished","replica":0,"scheduled":260,"first":570,"last":720,"hit":0,"hit_again":0,\
        "preemptions":0}
        """)
    // Four passes, the name of the replica, and the moments at which another number waits: 10, 260, 335, 570, 720. Those
    // that come at 0 wait at 0 but for two.
    let events = try object(program.read("t.json")).objects("traceEvents")
    #expect(events.filter { $0["ph"] as? String == "X" }.map { $0["dur"] as? Double } == [0.26, 0.31, 0.15, 0.145])
    #expect(events.allSatisfy { $0["pid"] is Int && $0["name"] is String })
    #expect(
      events.filter { $0["ph"] as? String == "C" }.map { $0["ts"] as? Double } == [0, 0.01, 0.26, 0.335, 0.57, 0.72])
  }

  @Test func `the same scenario gives the same bytes, and another seed others`() async throws {
    let program = try Program()
    let arguments = ["simulate", "scenarios/serving-quickstart.yaml", "--format", "json"]
    let (first, second) = (try await program.run(arguments), try await program.run(arguments))
    let other = try await program.run(arguments + ["--set", "serving.seed=2"])
    #expect(first.code == 0 && first.output == second.output && first.output != other.output)
    let answer = try object(first.output)
    #expect(try answer.object("requests").integer("finished") == 400)
    #expect(answer["unstable"] as? Bool == false)
    let fast = try await program.run(arguments + ["--set", "serving.arrivals.rate=400"])
    #expect(try object(fast.output)["unstable"] as? Bool == true)
  }

  @Test func `what cannot be served is refused with its place, and nothing is written`() async throws {
    let program = try Program()
    try program.write("s.yaml", Self.linear)
    try program.write("rows.csv", "arrival_ns,prompt,output\n0,8,3\n1,x,2\n")
    let bad = try await program.run("simulate", "s.yaml", "--requests", "r.jsonl")
    #expect(bad.code == 64 && bad.error == "rows.csv:3:3: not-a-number\n" && !program.exists("r.jsonl"))
    let skipped = try await program.run("simulate", "s.yaml", "--set", "serving.trace.bad_rows=skip")
    #expect(skipped.code == 0 && skipped.output.contains("1 rows passed over: not-a-number"))
    let none = try await program.run(
      "simulate", "scenarios/serving-quickstart.yaml", "--set", "serving.memory.bytes=1", "--requests", "r.jsonl")
    #expect(none.code == 64 && none.error == "error: no measured request was served: 400 never_fits\n")
    #expect(!program.exists("r.jsonl"))
    let without = try await program.run("simulate", "scenarios/models/vanilla-tiny.yaml")
    #expect(without.code == 64 && without.error.contains("the key serving is missing"))
    let hierarchy = try await program.run(
      "simulate", "scenarios/models/photon-small.yaml", "--set", "serving.requests=1")
    #expect(hierarchy.code == 64 && hierarchy.error.contains("passes of a hierarchy have no price yet"))
    let large = try await program.run(
      "simulate", "scenarios/serving-quickstart.yaml", "--set", "model={preset: llama-3.1-70b}")
    #expect(large.code == 64 && large.error.contains("nothing is left for requests"))
  }
}
