import Foundation
import Testing

/// `photon generate` and `photon evaluate` on random weights.
struct GenerateTests {
  /// A byte model of two levels.
  static let scenario = """
    name: bytes
    model:
      architecture: photon
      vocabulary: 256
      width: 16
      heads: 2
      feed_forward: 24
      levels:
        - {chunk: 2, condition: 1, encoder_layers: 1, decoder_layers: 1}
        - {chunk: 2, condition: 1, encoder_layers: 1, decoder_layers: 1}
      decoder_input: cascade

    """

  private func program() throws -> Program {
    let program = try Program()
    try program.write("bytes.yaml", Self.scenario)
    try program.write("text", String(repeating: "What is written twice is read once. ", count: 20))
    return program
  }

  @Test(
    arguments: ["cascade", "reconstruction", "reconstruction-and-tokens", "encoder-state"],
    ["hierarchical", "recursive"])
  func `a seed gives the same tokens and another one others, in either way of generating`(
    reading: String, generation: String
  ) async throws {
    let program = try program()
    func tokens(_ arguments: String...) async throws -> [Substring] {
      let outcome = try await program.run(
        [
          "generate", "-s", "bytes.yaml", "--prompt", "What", "--tokens", "30", "--ids", "--generation", generation,
          "--set", "model.decoder_input=\(reading)",
        ] + arguments)
      #expect(outcome.code == 0 && outcome.lines.count == 30, "\(outcome.error)")
      #expect(outcome.error.contains("tokens/s") && outcome.error.contains("by the formulas the same"))
      return outcome.lines
    }
    let first = try await tokens()
    #expect(try await tokens() == first)
    #expect(try await tokens("--threads", "1") == first)
    #expect(try await tokens("--seed", "2") != first)
    let greedy = try await tokens("--temperature", "0")
    #expect(try await tokens("--top-k", "1", "--seed", "5") == greedy)
    #expect(greedy != first)
  }

  @Test func `the text is the bytes of the tokens, as UTF-8`() async throws {
    let program = try program()
    let arguments = ["generate", "-s", "bytes.yaml", "--prompt-file", "text", "--tokens", "200"]
    let numbers = try await program.run(arguments + ["--ids"]).lines.compactMap { UInt8($0) }
    let text = try await program.run(arguments).output
    #expect(numbers.count == 200 && text == String(decoding: numbers, as: UTF8.self) + "\n")
  }

  @Test func `the same prompt as text, file and numbers is continued alike`() async throws {
    let program = try program()
    try program.write("prompt", "Hi")
    var outputs: Set<String> = []
    for prompt in [["--prompt", "Hi"], ["--prompt-file", "prompt"], ["--prompt-ids", "72, 105"]] {
      outputs.insert(try await program.run(["generate", "-s", "bytes.yaml", "--tokens", "9"] + prompt).output)
    }
    #expect(outputs.count == 1)
  }

  @Test(arguments: [
    (["generate"], "give either a checkpoint's folder or --scenario FILE"),
    (["generate", "-s", "bytes.yaml", "--prompt-ids", "1,256"], "--prompt-ids: found \"256\"; accepted: 0 to 255"),
    (["generate", "-s", "bytes.yaml", "--prompt-ids", "5,"], "--prompt-ids: found \"\"; accepted: 0 to 255"),
    (["generate", "-s", "bytes.yaml", "--prompt-ids", ",,"], "--prompt-ids: found \"\"; accepted: 0 to 255"),
    (["generate", "-s", "bytes.yaml", "--prompt", "a", "--prompt-ids", "1"], "give one of --prompt"),
    (["generate", "-s", "bytes.yaml", "--temperature", "-1"], "--temperature takes a number of at least 0"),
    (["generate", "-s", "bytes.yaml", "--top-p", "0"], "--top-p takes a number above 0 and at most 1, not 0.0"),
    (["generate", "-s", "bytes.yaml", "--top-k", "0"], "--top-k takes an integer of at least 1, not 0"),
    (["generate", "-s", "bytes.yaml", "--tokens", "0"], "--tokens takes 1 to 16777216, not 0"),
    (["generate", "-s", "bytes.yaml", "--prompt-file", "gone"], "gone: no such file"),
    (["generate", "gone", "--prompt", "a"], "gone: no such folder"),
    (["generate", "-s", "scenarios/models/vanilla-tiny.yaml"], "a vanilla model has nothing to predict from"),
    (
      ["generate", "-s", "scenarios/models/block-tiny.yaml", "--generation", "recursive"],
      "a block model has one way to generate"
    ),
    (["evaluate", "-s", "bytes.yaml", "-d", "gone"], "gone: no such file"),
    (["evaluate", "-s", "bytes.yaml", "-d", "docs"], "docs: cannot be read as a file"),
    (
      ["evaluate", "-s", "bytes.yaml", "-d", "text", "--limit", "100"],
      "text: 100 tokens are too few for a prompt of 256"
    ),
    (
      ["evaluate", "-s", "bytes.yaml", "-d", "text", "--set", "model.vocabulary=100"],
      "text: token 2 is 104; accepted: tokens below the model's vocabulary of 100"
    ),
    (
      ["evaluate", "-s", "bytes.yaml", "-d", "text", "--token-file"],
      "accepted: tokens below the model's vocabulary of 256"
    ),
    (["evaluate", "-s", "bytes.yaml", "-d", "text", "--format", "csv"], "--format takes table or json"),
    (["evaluate", "-s", "bytes.yaml", "--held-out"], "--held-out needs the files that it is the end of"),
    (
      ["evaluate", "-s", "bytes.yaml", "-d", "text", "--held-out", "--set", "model.vocabulary=257"],
      "nobody says what share training holds out"
    ),
  ])
  func `what cannot be done is refused before anything is written`(arguments: [String], complaint: String) async throws
  {
    let outcome = try await program().run(arguments)
    #expect(outcome.code == 64 && outcome.output == "" && outcome.error.contains(complaint), "\(outcome.error)")
  }

  @Test(arguments: [
    ["evaluate", "-s", "bytes.yaml", "-d", "gone"], ["evaluate", "-s", "bytes.yaml"],
    ["evaluate", "gone", "-d", "text"], ["generate", "-s", "bytes.yaml", "--prompt-ids", "a"],
    ["generate", "gone"],
  ])
  func `a mistake in what a command reads is one line, without the usage`(arguments: [String]) async throws {
    let outcome = try await program().run(arguments)
    #expect(outcome.code == 64 && outcome.error.hasPrefix("error: ") && outcome.lines.isEmpty)
    #expect(outcome.error.count(where: \.isNewline) == 1 && !outcome.error.contains("Usage"), "\(outcome.error)")
  }

  @Test func `evaluate-json lists the keys that evaluate prints`() async throws {
    let program = try program()
    let outcome = try await program.run(
      "evaluate", "-s", "bytes.yaml", "-d", "text", "--prompt", "5", "--length", "30", "--format", "json")
    #expect(outcome.code == 0, "\(outcome.error)")
    let evaluated = try object(outcome.output)
    let page = try DocumentTests.Page("evaluate-json.md")
    #expect(Set(try page.keys("")) == Set(evaluated.keys))
    #expect(Set(try page.keys("`teacher_forced`")) == Set(try evaluated.object("teacher_forced").keys))
    let recursive = try evaluated.object("recursive")
    #expect(Set(try page.keys("`recursive`")) == Set(recursive.keys))
    let stretches = try recursive.objects("stretches")
    #expect(Set(try page.keys("`recursive.stretches[]`")) == Set(stretches[0].keys))
    #expect(
      Set(try page.keys("`recursive.stretches[].levels[]`")) == Set(try stretches[0].objects("levels")[0].keys))
    // 5 and 30 tokens in whole meta-contexts of 4.
    #expect(try recursive.integer("prompt") == 8 && recursive.integer("length") == 32)
    #expect(try stretches.map { try $0.integer("last") } == [3, 7, 15, 31])
    #expect(try stretches.reduce(0) { $0 + (try $1.integer("tokens")) } == 4 * 32)
    let forced = try evaluated.object("teacher_forced")
    // 720 bytes in sequences of 256, whose first tokens are not scored.
    #expect(try forced.integer("tokens_scored") == 720 - 3)
  }

  /// Weights are random: a third or less of the answers, of four possible values, is found by chance.
  @Test func `a synthetic task is evaluated on its answers, in both ways of generating`() async throws {
    let program = try program()
    let task = "train: {context: 32, evaluation_sequences: 10, data: {recall: {keys: 8, values: 4, pairs: 4}}}\n"
    try program.write("task.yaml", Self.scenario + task)
    let outcome = try await program.run("evaluate", "-s", "task.yaml", "--format", "json")
    #expect(outcome.code == 0, "\(outcome.error)")
    let evaluated = try object(outcome.output)
    #expect(evaluated["data"] as? String == "associative recall of 4 pairs")
    let answers = try evaluated.object("answers")
    #expect(Set(try DocumentTests.Page("evaluate-json.md").keys("`answers`")) == Set(answers.keys))
    // 32 tokens are 16 pairs, of which 12 ask.
    #expect(try answers.integer("asked") == 10 * 12)
    for key in ["hierarchical_accuracy", "recursive_accuracy"] {
      let accuracy = try #require(answers[key] as? Double)
      #expect((0...0.6).contains(accuracy))
    }
    // The first answer is token 9: a prompt of two meta-contexts of 4.
    let recursive = try evaluated.object("recursive")
    #expect(try recursive.integer("prompt") == 8 && recursive.integer("length") == 24)
    #expect(try evaluated.object("teacher_forced").integer("tokens_scored") == 10 * 31)
    let text = try await program.run("evaluate", "-s", "task.yaml")
    #expect(text.output.contains("answers found: hierarchical generation "))
  }

  @Test func `a checkpoint generates and is evaluated like the weights that it holds`() async throws {
    let program = try program()
    let training = "train: {context: 32, batch: 2, steps: 3, warmup: 1, checkpoint_every: 1, data: {text: [text]}}\n"
    try program.write("run.yaml", Self.scenario.replacing("256", with: "257") + training)
    #expect(try await program.run("train", "run.yaml", "-o", "run").code == 0)
    let sampled = try await program.run(
      "generate", "run", "--prompt", "What", "--tokens", "20", "--generation", "recursive")
    #expect(sampled.code == 0 && sampled.error.contains("tokens/s") && !sampled.output.isEmpty, "\(sampled.error)")
    let outcome = try await program.run(
      "evaluate", "run", "-d", "text", "--held-out", "--sequences", "0", "--format", "json")
    let evaluated = try object(outcome.output)
    #expect(try evaluated.integer("step") == 3)
    // 721 tokens with the one that ends the text; a twentieth of them is 36.
    #expect(try evaluated.integer("tokens") == 36 && evaluated.object("teacher_forced").integer("context") == 32)
    // With a second text of 400 bytes, and its end, a twentieth is 56.
    try program.write("other", String(repeating: "word", count: 100))
    let held = ["--held-out", "--sequences", "0", "--format", "json"]
    for files in [["other"], ["text", "other"], ["other", "text"]] {
      let other = try await program.run(["evaluate", "run"] + files.flatMap { ["-d", $0] } + held)
      #expect(other.code == 64 && other.output == "")
      #expect(
        other.error == "error: --held-out: these are not the files that the model was trained on; accepted: text as "
          + "training read them, or leave --held-out out\n")
    }
    try program.write("run.yaml", try program.read("run.yaml").replacing("[text]", with: "[text, other]"))
    #expect(try await program.run("train", "run.yaml", "-o", "both").code == 0)
    let both = try await program.run(["evaluate", "both", "-d", "text", "-d", "other"] + held)
    #expect(try object(both.output).integer("tokens") == (721 + 401) / 20)
    let nowhere = try await program.run("evaluate", "run")
    #expect(nowhere.code == 64 && nowhere.error.contains("--data FILE is needed"))
  }

  @Test func `an edited checkpoint is refused by every command that reads one`() async throws {
    let program = try program()
    let training = "train: {context: 32, batch: 2, steps: 3, warmup: 1, data: {text: [text]}}\n"
    try program.write("run.yaml", Self.scenario.replacing("256", with: "257") + training)
    #expect(try await program.run("train", "run.yaml", "-o", "run").code == 0)
    let file = "run/checkpoint-00000003/checkpoint.json"
    let written = try program.read(file)
    for (old, new, complaint) in [
      ("\"context\" : 32", "\"context\" : 0", "training.context: found 0; accepted: an integer from 2 to 1048576"),
      ("\"step\" : 3", "\"step\" : -5", "step: found -5; accepted: an integer from 0 to 3"),
    ] {
      #expect(written.contains(old))
      try program.write(file, written.replacing(old, with: new))
      for command in [["evaluate", "run", "-d", "text"], ["generate", "run"], ["train", "run.yaml", "-o", "run"]] {
        let outcome = try await program.run(command)
        #expect(outcome.code == 64 && outcome.output == "" && outcome.error == "error: \(file): \(complaint)\n")
      }
    }
  }

  @Test func `a score is the same every time, and hardly depends on how the data are cut`() async throws {
    let program = try program()
    func bits(_ arguments: String...) async throws -> Double {
      let outcome = try await program.run(
        ["evaluate", "-s", "bytes.yaml", "-d", "text", "--sequences", "0", "--format", "json"] + arguments)
      let evaluated = try object(outcome.output)
      #expect(evaluated["recursive"] is NSNull)
      return try #require(try evaluated.object("teacher_forced")["bits_per_token"] as? Double)
    }
    let whole = try await bits()
    #expect(try await bits() == whole)
    // Random weights know nothing: every cut gives about the entropy of their own logits, and none the same.
    let cut = try await bits("--context", "64")
    #expect(cut != whole && abs(cut - whole) < 0.5)
  }
}
