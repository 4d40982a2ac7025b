import Foundation
import Testing

struct FootprintTests {
  @Test func `JSON has five keys, exact integers and the shortest digits`() async throws {
    let outcome = try await Program().run(
      "footprint", "--prompt", "131072", "--generate", "100", "--head-sparsity", "0.7", "--format", "json")
    #expect(outcome.code == 0 && outcome.error == "")
    #expect(
      outcome.output == """
        {
          "streaming_sum": 2260910692,
          "global_sum": 8603112378,
          "denominator": 8603112378,
          "footprint": 0.4839610381525578,
          "peak": 0.4807855334980027
        }

        """)
  }

  @Test func `every option reaches the sums`() async throws {
    let outcome = try await Program().run(
      "footprint", "--prompt", "300", "--generate", "5", "--chunk", "100", "--sinks", "1", "--window", "2",
      "--kv-sparsity", "0.9", "--head-sparsity", "0.5", "--format", "json")
    let answer = try object(outcome.output)
    // Three triangles of 100 and 100 · 3 entries in two of them; 5 · 4 behind the prompt.
    #expect(try answer.integer("streaming_sum") == 3 * 5050 + 2 * 300 + 20)
    #expect(try answer.integer("global_sum") == 38475)
    #expect(answer["peak"] as? Double == (0.5 * 103 + 0.5 * 248) / 305)
  }

  @Test func `the table says what each number is`() async throws {
    let outcome = try await Program().run("footprint", "--prompt", "6000", "--generate", "3000")
    #expect(outcome.code == 0 && outcome.lines.allSatisfy { $0.count <= 100 })
    let figures = outcome.lines.dropFirst(2).map { $0.prefix { $0 != " " } }
    #expect(figures == ["streaming_sum", "global_sum", "denominator", "footprint", "peak"])
    #expect(outcome.output.replacing("\u{202F}", with: " ").contains("40 504 500  entries held by full attention"))
  }

  @Test func `everything that is wrong is said at once`() async throws {
    let outcome = try await Program().run(
      "footprint", "--prompt", "-3", "--chunk", "0", "--sinks", "-1", "--window", "-2", "--kv-sparsity", "nan",
      "--head-sparsity", "1.5", "--format", "json")
    #expect(outcome.code == 64 && outcome.output == "")
    #expect(
      outcome.error == """
        --prompt: error: found -3; accepted: an integer from 0 to 9007199254740992
        --generate: error: missing; accepted: an integer from 0 to 9007199254740992
        --chunk: error: found 0; accepted: an integer of at least 1
        --sinks: error: found -1; accepted: an integer of at least 0
        --window: error: found -2; accepted: an integer of at least 0
        --kv-sparsity: error: found nan; accepted: a number from 0 to 1
        --head-sparsity: error: found 1.5; accepted: a number from 0 to 1

        """)
  }

  @Test(arguments: [
    ("0", "0", "found 0"), ("9007199254740992", "1", "found 9007199254740993"),
  ])
  func `a sequence has a token, and not too many`(prompt: String, generate: String, found: String) async throws {
    let outcome = try await Program().run("footprint", "--prompt", prompt, "--generate", generate)
    #expect(outcome.code == 64 && outcome.output == "")
    #expect(
      outcome.error == "--prompt + --generate: error: \(found); accepted: 1 to 9007199254740992 tokens together\n")
  }

  @Test(arguments: [["--prompt", "many", "--generate", "1"], ["s.yaml", "--prompt", "1", "--generate", "1"]])
  func `what is no number and no option is refused`(arguments: [String]) async throws {
    let outcome = try await Program().run(["footprint"] + arguments)
    #expect(outcome.code == 64 && outcome.output == "" && outcome.error.hasPrefix("error: "))
  }

  @Test func `the page shows what the program prints`() async throws {
    let program = try Program()
    let page = try String(contentsOfFile: Program.repository + "/docs/footprint.md", encoding: .utf8)
    let blocks = page.components(separatedBy: "```text\n$ photon ").dropFirst()
      .map { $0.components(separatedBy: "```")[0] }
    #expect(blocks.count >= 3)
    for block in blocks {
      let lines = block.split(separator: "\n", maxSplits: 1)
      let outcome = try await program.shell("\"$PHOTON\" \(lines[0])")
      #expect(outcome.code == 0 && outcome.output == lines[1], "photon \(lines[0])")
    }
  }
}
