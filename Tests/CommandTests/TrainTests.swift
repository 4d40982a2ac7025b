import Foundation
import Testing

/// `photon train`, from outside.
struct TrainTests {
  static let scenario = """
    name: tiny
    model:
      architecture: photon
      vocabulary: 257
      width: 16
      heads: 2
      feed_forward: 24
      levels:
        - {chunk: 2, condition: 1, encoder_layers: 1, decoder_layers: 1}
        - {chunk: 2, condition: 2, encoder_layers: 1, decoder_layers: 1}
    train:
      data: {text: [text.txt], obtain: write one yourself}
      context: 16
      batch: 4
      micro_batches: 2
      steps: 60
      warmup: 5
      learning_rate: 0.01
      reconstruction_weight: 0.1
      context_weight: 0.1
      evaluate_every: 20
      evaluation_sequences: 4
      checkpoint_every: 10

    """

  static func prepared() throws -> Program {
    let program = try Program()
    try program.write("tiny.yaml", scenario)
    try program.write("text.txt", String(repeating: "In the beginning was the word, and it was short. ", count: 80))
    return program
  }

  /// The log without its timings.
  func log(_ program: Program, _ folder: String) throws -> [String] {
    try program.read(folder + "/log.jsonl").split(separator: "\n").map { line in
      var record = try object(String(line))
      record["tokens_per_s"] = nil
      return String(decoding: try JSONSerialization.data(withJSONObject: record, options: .sortedKeys), as: UTF8.self)
    }
  }

  @Test func `a run that is killed again and again ends in the bits of one that was not`() async throws {
    let program = try Self.prepared()
    let whole = try await program.run("train", "tiny.yaml", "-o", "whole")
    #expect(whole.code == 0 && whole.error == "")
    #expect(whole.output.contains("\nmemory: ") && whole.output.contains("B predicted (parameters "))
    // Killed before its first checkpoint, between checkpoints, and wherever it is a moment after a checkpoint appears.
    let killed = try await program.shell(
      """
      killed=0
      for place in log.jsonl checkpoint-00000010 checkpoint-00000020 checkpoint-00000040; do
        "$PHOTON" train tiny.yaml -o parts >/dev/null 2>&1 &
        while kill -0 $! 2>/dev/null && ! [ -e parts/$place ]; do sleep 0.005; done
        kill -KILL $! 2>/dev/null
        wait $! 2>/dev/null
        [ $? -eq 137 ] && killed=$((killed + 1))
      done
      echo $killed
      """)
    #expect(killed.output == "4\n")
    #expect(!program.exists("parts/checkpoint-00000060"))
    let resumed = try await program.run("train", "tiny.yaml", "-o", "parts", "--resume")
    #expect(resumed.code == 0 && resumed.output.contains("goes on after step "))
    for file in ["checkpoint.json", "model.safetensors", "optimiser.safetensors"] {
      let (one, other) = (
        try program.data("whole/checkpoint-00000060/" + file), try program.data("parts/checkpoint-00000060/" + file)
      )
      #expect(one == other && one.count > 1000, "\(file)")
    }
    #expect(try log(program, "whole") == log(program, "parts"))
    let keys = try program.read("whole/log.jsonl").split(separator: "\n").map { Set(try object(String($0)).keys) }
    let documented = Set(try DocumentTests.Page("checkpoint-format.md").keys("`log.jsonl`"))
    #expect(keys.reduce([]) { $0.union($1) } == documented)
    let names = try FileManager.default.contentsOfDirectory(atPath: program.folder + "/parts").sorted()
    #expect(names == ["checkpoint-00000050", "checkpoint-00000060", "log.jsonl"])
  }

  @Test func `an interrupt keeps the last step, and a finished run stays as it is`() async throws {
    let program = try Self.prepared()
    let stopped = try await program.shell(
      """
      "$PHOTON" train tiny.yaml -o run --set train.checkpoint_every=1000 >/dev/null 2>error &
      while ! grep -q '"step":5,' run/log.jsonl 2>/dev/null; do sleep 0.005; done
      kill -TERM $!
      wait $!
      echo $?
      cat error
      """)
    #expect(stopped.output.hasPrefix("1\ninterrupted after step "))
    #expect(stopped.output.hasSuffix(" of 60; the same command goes on from there\n"))
    #expect(try await program.run("train", "tiny.yaml", "-o", "run").code == 0)
    let before = try program.data("run/log.jsonl")
    let again = try await program.run("train", "tiny.yaml", "-o", "run")
    #expect(again.code == 0 && again.output.hasSuffix("finished after step 60: run/checkpoint-00000060\n"))
    #expect(try program.data("run/log.jsonl") == before)
  }

  @Test func `data that are missing, empty or too short are placed, and nothing is written`() async throws {
    let program = try Self.prepared()
    func complaint(_ change: String) async throws -> String {
      let outcome = try await program.run("train", "tiny.yaml", "-o", "run", "--set", change)
      #expect(outcome.code == 64 && outcome.output == "" && !program.exists("run"))
      return outcome.error
    }
    try program.write("empty.txt", "")
    try program.write("short.txt", "too short")
    #expect(
      try await complaint("train.data.text=[gone.txt]")
        == "--set:1:18: error: train.data.text[1]: there is no file \"gone.txt\"; accepted: write one yourself\n")
    #expect(
      try await complaint("train.data.text=[empty.txt]")
        == "--set:1:18: error: train.data.text[1]: \"empty.txt\" is empty; accepted: a file with tokens\n")
    #expect(
      try await complaint("train.data.text=[short.txt]")
        == "--set:1:17: error: train.data.text: 10 tokens, of which 16 are for evaluation; accepted: at least one context "
        + "of 16 tokens to train on and one to evaluate on\n")
    #expect(try await complaint("train=").hasPrefix("tiny.yaml:1:1: error: the key train is missing; accepted: "))
    #expect(
      try await complaint("model.width=[16, 32]")
        == "tiny.yaml:3:3: error: model: 2 different models; accepted: one model to train\n")
    #expect(
      try await complaint("train.token_target=encoder-embedding").hasPrefix(
        "--set:1:20: error: train.token_target: encoder embeddings are 8 wide and decoder 1 is 16;"))
    let resumed = try await program.run("train", "tiny.yaml", "-o", "run", "--resume")
    #expect(
      resumed.code == 64 && resumed.error == "error: run: no checkpoint to go on from\n" && !program.exists("run"))
  }

  @Test func `a checkpoint of another run, and one that is damaged, are refused and kept`() async throws {
    let program = try Self.prepared()
    #expect(try await program.run("train", "tiny.yaml", "-o", "run", "--set", "train.steps=20").code == 0)
    let kept = try program.data("run/checkpoint-00000020/model.safetensors")
    func complaint(_ arguments: String...) async throws -> String {
      let outcome = try await program.run(
        ["train", "tiny.yaml", "-o", "run", "--set", "train.steps=20"] + arguments)
      #expect(outcome.code == 64 && outcome.output == "")
      return outcome.error
    }
    let folder = "run/checkpoint-00000020"
    #expect(
      try await complaint("--set", "train.clip=0.5", "--set", "model.levels[2].condition=3") == """
        --set:3:27: error: model.levels[2].condition: found 3, and the run in \(folder) has 2; accepted: 2, or another \
        output folder
        --set:2:12: error: train.clip: found 0.5, and the run in \(folder) has 1; accepted: 1, or another output folder

        """)
    try program.write("text.txt", String(repeating: "Quite another text, which is longer. ", count: 100))
    #expect(
      try await complaint().hasSuffix(
        "train.data: the data are not those that the run in \(folder) has read; accepted: the same data, or another output folder\n"
      ))
    try program.write("text.txt", String(repeating: "In the beginning was the word, and it was short. ", count: 80))
    #expect(try program.data(folder + "/model.safetensors") == kept)
    try kept.dropLast(1000).write(to: URL(filePath: program.folder + "/" + folder + "/model.safetensors"))
    #expect(try await complaint().hasPrefix("error: \(folder)/model.safetensors: "))
    // Evaluations and threads are no other run.
    try kept.write(to: URL(filePath: program.folder + "/" + folder + "/model.safetensors"))
    let other = try await program.run(
      "train", "tiny.yaml", "-o", "run", "--set", "train.steps=20", "--set", "train.threads=1", "--set",
      "train.evaluate_every=3")
    #expect(other.code == 0)
  }

  @Test func `a log with a line that is none is refused, and kept to the last byte`() async throws {
    let program = try Self.prepared()
    let steps = ["--set", "train.steps=20"]
    #expect(try await program.run(["train", "tiny.yaml", "-o", "run"] + steps).code == 0)
    var lines = try program.read("run/log.jsonl").split(separator: "\n").map(String.init)
    lines[2] = String(lines[2].dropLast(9))
    let broken = lines.joined(separator: "\n") + "\n"
    try program.write("run/log.jsonl", broken)
    let outcome = try await program.run(["train", "tiny.yaml", "-o", "run"] + steps)
    #expect(outcome.code == 64 && outcome.output == "")
    #expect(
      outcome.error
        == "run/log.jsonl:3:1: error: found no record of a step or an evaluation; accepted: what "
        + "docs/checkpoint-format.md describes; or delete the line\n")
    #expect(try program.read("run/log.jsonl") == broken)
    // Without a checkpoint the run begins anew, and so does its log.
    _ = try await program.shell("rm -r run/checkpoint-*")
    #expect(try await program.run(["train", "tiny.yaml", "-o", "run"] + steps).code == 0)
  }

  @Test func `a folder that cannot be read is not one without checkpoints`() async throws {
    let program = try Self.prepared()
    for (command, code, said) in [
      ("train tiny.yaml -o run", 1, "cannot write run: no permission to write there"),
      ("evaluate run", 64, "run: the folder cannot be read"), ("generate run", 64, "run: the folder cannot be read"),
    ] {
      // Root reads everything, so it becomes somebody else.
      let outcome = try await program.shell(
        """
        mkdir -p run && chmod 000 run
        [ "$(id -u)" = 0 ] && set -- setpriv --reuid=65534 --regid=65534 --clear-groups
        exec "$@" "$PHOTON" \(command)
        """)
      #expect(outcome.code == code && outcome.output == "", "\(command)")
      #expect(outcome.error == "error: \(said)\n", "\(command)")
    }
  }

  @Test func `a folder that cannot be made, and a disk that takes no more, lose nothing`() async throws {
    let program = try Self.prepared()
    try program.write("file", "")
    let inside = try await program.run("train", "tiny.yaml", "-o", "file/run")
    #expect(inside.code == 1)
    #expect(inside.error == "error: cannot write file/run: a part of the path is a file, not a folder\n")
    #expect(try await program.run("train", "tiny.yaml", "-o", "/proc/none/run").code == 1)
    #expect(try await program.run("train", "tiny.yaml", "-o", "run", "--set", "train.steps=60").code == 0)
    let full = try await program.shell(
      """
      rm -r run/checkpoint-00000060
      ulimit -f 60
      exec "$PHOTON" train tiny.yaml -o run
      """)
    #expect(full.code == 1)
    #expect(
      full.error == "error: cannot write run/checkpoint-00000060/model.safetensors: the file would be larger than the "
        + "system allows; the limit of this process (ulimit -f) may be raised\n")
    let names = try FileManager.default.contentsOfDirectory(atPath: program.folder + "/run").sorted()
    #expect(names == ["checkpoint-00000050", "log.jsonl"])
    #expect(try await program.run("train", "tiny.yaml", "-o", "run").code == 0)
  }

  @Test func `a run that needs more memory than there is does not begin`() async throws {
    let program = try Self.prepared()
    let wide = ["model.width=131072", "model.heads=1024", "model.feed_forward=1048576", "model.vocabulary=16777216"]
    let large = try await program.run(["train", "tiny.yaml", "-o", "run"] + wide.flatMap { ["--set", $0] })
    #expect(large.code == 64 && large.output == "" && !program.exists("run"))
    #expect(large.error.hasPrefix("tiny.yaml:3:3: error: model: training needs "), "\(large.error)")
    #expect(large.error.hasSuffix(" may be used; accepted: a smaller model\n"))
    let batch = "--set train.batch=65536 --set train.micro_batches=1"
    let limited = try await program.shell("ulimit -v 3000000; exec \"$PHOTON\" train tiny.yaml -o run \(batch)")
    #expect(limited.code == 64 && limited.output == "" && !program.exists("run"))
    #expect(limited.error.hasPrefix("--set:1:13: error: train.batch: training needs "), "\(limited.error)")
    #expect(
      limited.error.hasSuffix(
        ", and nine tenths of this machine's 2.86\u{202f}GiB may be used; accepted: a smaller batch or context, or more "
          + "micro_batches\n"), "\(limited.error)")
    let small = try await program.shell("ulimit -v 3000000; exec \"$PHOTON\" train tiny.yaml -o run")
    #expect(small.code == 0, "\(small.error)")
  }

  @Test func `two runs do not share a folder`() async throws {
    let program = try Self.prepared()
    let held = try await program.shell("mkdir run && exec flock run/.lock \"$PHOTON\" train tiny.yaml -o run")
    #expect(held.code == 1 && held.error == "error: cannot write run: another process writes there\n")
  }
}
