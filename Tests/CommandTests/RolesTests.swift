import Foundation
import Testing

/// `photon roles`, from outside, and the caches that checkpoints are given.
struct RolesTests {
  static let scenario = """
    name: tiny
    model: {architecture: vanilla, vocabulary: 16, width: 16, heads: 2, layers: 2, feed_forward: 16}
    train:
      data: {recall: {keys: 4, values: 4, pairs: 3}}
      context: 16
      batch: 4
      steps: 4
      evaluate_every: 4
      evaluation_sequences: 4

    """
  static let learn = ["--sinks", "1", "--window", "2", "--steps", "20"]

  static func prepared() async throws -> Program {
    let program = try Program()
    try program.write("tiny.yaml", scenario)
    let trained = try await program.run("train", "tiny.yaml", "-o", "run")
    #expect(trained.code == 0)
    return program
  }

  @Test func `roles are learned, stored, shown and used`() async throws {
    let program = try await Self.prepared()
    let learned = try await program.run(["roles", "run"] + Self.learn)
    #expect(learned.code == 0 && learned.error == "", "\(learned.error)")
    let shown = try await program.run("roles", "run-prulong", "--show")
    #expect(shown.code == 0 && learned.output.contains(shown.output))
    let cache = try #require(shown.output.split(separator: "\n").last { $0.hasPrefix("cache: ") })
    #expect(
      cache.hasPrefix("cache: {retention: streaming, sinks: 1, window: 2, positions: text, evicts: behind, roles: ["))
    // Half of four heads.
    #expect(cache.count { $0 == "1" } == 1 + 2)
    // Of every command that runs or prices the checkpoint.
    let evaluated = try object(await program.run("evaluate", "run-prulong", "--format", "json").output)
    #expect(evaluated["cache"] as? String == String(cache))
    let plain = try object(await program.run("evaluate", "run", "--format", "json").output)
    #expect(plain["cache"] is NSNull)
    let given = try object(
      await program.run("evaluate", "run", "--format", "json", "--cache", String(cache)).output)
    #expect(given["cache"] as? String == String(cache))
    #expect(
      try given.object("answers")["hierarchical_accuracy"] as? Double
        == evaluated.object("answers")["hierarchical_accuracy"] as? Double)
    let generated = try await program.run(
      "generate", "run-prulong", "--prompt-ids", "1,5,2,6", "--tokens", "8", "--ids")
    #expect(generated.code == 0 && generated.error.contains("; by the formulas the same"))
    let explained = try await program.run("explain", "run-prulong/scenario.yaml")
    #expect(explained.code == 0 && explained.output.contains(cache))
    // Nothing is learned again.
    let again = try await program.run(["roles", "run"] + Self.learn)
    #expect(again.code == 0 && !again.output.contains("step ") && again.output.contains(shown.output))
  }

  @Test(arguments: ["prulong", "duo-attention"])
  func `the bits do not depend on threads, nor on interruptions`(method: String) async throws {
    let program = try await Self.prepared()
    let arguments = ["roles", "run", "--method", method] + Self.learn
    for threads in ["1", "2"] {
      #expect(try await program.run(arguments + ["--threads", threads, "-o", threads]).code == 0)
    }
    for name in ["state.json", "log.jsonl", "checkpoint-00000004/checkpoint.json"] {
      #expect(try program.read("1/" + name) == program.read("2/" + name))
    }
    // Killed with some lines in its log.
    let killed = try await program.shell(
      """
      "$PHOTON" \(arguments.joined(separator: " ")) -o parts >/dev/null 2>&1 &
      while kill -0 $! 2>/dev/null && ! [ -e parts/state.json ]; do sleep 0.002; done
      kill -KILL $! 2>/dev/null
      wait $! 2>/dev/null
      echo done
      """)
    #expect(killed.output == "done\n")
    #expect(try await program.run(arguments + ["-o", "parts"]).code == 0)
    for name in ["state.json", "log.jsonl"] { #expect(try program.read("parts/" + name) == program.read("1/" + name)) }
  }

  @Test func `what cannot be learned from or kept says why`() async throws {
    let program = try await Self.prepared()
    func complaint(_ arguments: String...) async throws -> String {
      let outcome = try await program.run(arguments)
      #expect(outcome.code == 64 && outcome.output == "")
      return outcome.error
    }
    #expect(try await complaint("roles", "nowhere").contains("error: nowhere: "))
    #expect(
      try await complaint("roles", "run", "--show").hasSuffix(
        "checkpoint-00000004: no roles; accepted: a checkpoint that photon roles has written\n"))
    #expect(try await complaint("roles", "run", "--sparsity", "2").contains("error: --sparsity: 2.0; accepted: 0 to 1"))
    #expect(try await complaint("roles", "run").contains("error: --window: 128 sinks and a window of 1024 where"))
    #expect(
      try await complaint("evaluate", "run", "--cache", "{retention: stream}").hasPrefix(
        "--cache:1:13: error: cache.retention: found \"stream\"; accepted: everything, "))
    #expect(
      try await complaint("generate", "run", "--cache", "{retention: streaming, roles: [\"11\"]}")
        == "--cache:1:31: error: cache.roles: 1 rows, the first \"11\"; accepted: 2 rows, one for each layer, of 2 signs 0 "
        + "or 1 such as \"11\"\n")
    #expect(try await complaint("generate", "run", "--cache", "full").contains("accepted: a mapping of keys to values"))
    #expect(try await program.run(["roles", "run"] + Self.learn).code == 0)
    let other = try await program.run(["roles", "run", "--seed", "7"] + Self.learn)
    #expect(other.code == 64 && other.error.contains("another run, or no run that learns roles"))
  }
}
