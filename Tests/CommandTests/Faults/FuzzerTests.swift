import Foundation
import Testing

/// That the fuzzer (Tests/Fuzz) sees what it is there to see: it is pointed at a program that misbehaves.
struct FuzzerTests {
  struct Fault: CustomTestStringConvertible {
    let testDescription: String
    /// What the program does instead of answering.
    let script: String
    /// What the fuzzer says of it.
    let finding: String
  }

  static let faults = [
    Fault(testDescription: "a signal", script: "kill -SEGV $$", finding: "signal 11"),
    Fault(testDescription: "an exit code of its own", script: "exit 3", finding: "exit code 3"),
    Fault(testDescription: "a failure without a word", script: "exit 1", finding: "a refusal without a word"),
    Fault(
      testDescription: "a refusal without a place", script: "echo 'error: no' >&2; exit 64",
      finding: "a refusal without a place"),
    Fault(
      testDescription: "an escape sequence", script: "printf 'a:1:1: error: \\033[31m' >&2; exit 64",
      finding: "a refusal with a control character 1b"),
    Fault(
      testDescription: "output beside a refusal", script: "echo 1; echo 'a:1:1: error: b' >&2; exit 64",
      finding: "output beside exit code 64"),
    Fault(
      testDescription: "a file left behind", script: "touch left; echo 'a:1:1: error: b' >&2; exit 64",
      finding: "left was left"),
    Fault(testDescription: "another answer every time", script: "date +%N", finding: "another answer the second time"),
    Fault(testDescription: "no JSON", script: "echo '{\"a\": nan}'", finding: "json("),
    Fault(testDescription: "rows of two widths", script: "printf '1,2\\n3\\n'", finding: "widths("),
    Fault(
      testDescription: "too much memory", script: "exec python3 -c 'bytearray(2 << 30)'",
      finding: "more memory than a tiny question needs"),
  ]

  @Test(arguments: faults)
  func `the fuzzer sees every kind of fault`(_ fault: Fault) async throws {
    let program = try Program()
    // What inputs are made of comes from the true program.
    let script =
      "#!/bin/sh\ncase $1 in train|measure|report) exec '\(Program.binary)' \"$@\" ;; esac\n\(fault.script)\n"
    try program.write("bad", script)
    let outcome = try await program.shell(
      "chmod +x bad; exec \"$@\"", [Self.fuzzer, "--program", "./bad", "--inputs", "12", "--every", "1", "--whole"])
    #expect(outcome.code == 1)
    #expect(outcome.output.contains(fault.finding), "\(outcome.output)\(outcome.error)")
  }

  @Test func `some hundred inputs have no bad outcome`() async throws {
    let outcome = try await Program().shell("exec \"$@\"", [Self.fuzzer, "--inputs", "400", "--every", "40"])
    #expect(outcome.code == 0, "\(outcome.output)\(outcome.error)")
  }

  private static var fuzzer: String {
    URL(filePath: Program.binary).deletingLastPathComponent().appending(path: "Fuzz").path
  }
}
