import Foundation
import Testing

/// What happens to `photon train`, and to what trains by it, on a rough day.
struct TrainFaultTests {
  private func names(_ program: Program, _ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: program.folder + "/" + folder).sorted()
  }

  @Test func `one signal ends a step between two micro-batches, and the run ends in the same bits`() async throws {
    let program = try TrainTests.prepared()
    // A step of some seconds, of which no part takes more than a few milliseconds.
    let long = ["--set", "train.batch=4000", "--set", "train.micro_batches=4000", "--set", "train.steps=2"]
    let plain = long + ["--set", "train.warmup=1", "--set", "train.evaluate_every=1"]
    let whole = try await program.run(["train", "tiny.yaml", "-o", "whole"] + plain)
    #expect(whole.code == 0, "\(whole.error)")
    let stopped = try await program.shell(
      """
      "$PHOTON" train tiny.yaml -o parts "$@" >/dev/null 2>error & pid=$!
      while ! [ -s parts/log.jsonl ]; do sleep 0.005; done
      sleep 0.1; kill -TERM $pid; start=$(date +%s%N); wait $pid; code=$?
      echo $code $((($(date +%s%N) - start) / 1000000)); cat error; ls parts
      """, plain)
    let lines = stopped.lines.map(String.init)
    #expect(lines[0].hasPrefix("1 "))
    #expect(lines[1] == "interrupted after step 0 of 2; the same command goes on from there")
    #expect(lines.contains("checkpoint-00000000"))
    let again = try await program.run(["train", "tiny.yaml", "-o", "parts"] + plain)
    #expect(again.code == 0 && again.output.contains("goes on after step 0 "))
    for file in ["checkpoint.json", "model.safetensors", "optimiser.safetensors"] {
      #expect(
        try program.data("whole/checkpoint-00000002/" + file) == program.data("parts/checkpoint-00000002/" + file))
    }
    // Every evaluation stands in the log once, whatever was interrupted.
    let events = try program.read("parts/log.jsonl").split(separator: "\n").map { try object(String($0)) }
    #expect(
      events.map { "\($0["event"]!) \($0["step"]!)" } == [
        "evaluation 0", "step 1", "evaluation 1", "step 2", "evaluation 2",
      ])
  }

  @Test func `hidden files that are not the run's own stay`() async throws {
    let program = try TrainTests.prepared()
    _ = try await program.shell(
      """
      mkdir -p run/.checkpoint-00000010.7-1.partial run/.mine.partial run/.checkpoint-old.7-1.partial
      touch run/.checkpoint-00000010.7-1.partial/model.safetensors run/.log.jsonl.7-2.partial run/.a.csv.7-1.partial
      """)
    #expect(try await program.run("train", "tiny.yaml", "-o", "run").code == 0)
    #expect(
      try names(program, "run").filter { $0.hasSuffix(".partial") } == [
        ".a.csv.7-1.partial", ".checkpoint-old.7-1.partial", ".mine.partial",
      ])
  }

  @Test(.enabled(if: geteuid() == 0))
  func `a checkpoint that can be removed in part alone no longer stands under its name`() async throws {
    let program = try TrainTests.prepared()
    let gone = try await program.shell(
      """
      mkdir run && chown 65534 run
      setpriv --reuid=65534 --regid=65534 --clear-groups "$PHOTON" train tiny.yaml -o run >/dev/null 2>&1 & pid=$!
      while ! [ -e run/checkpoint-00000010 ]; do sleep 0.002; done
      kill -STOP $pid; chown 0 run/checkpoint-00000010; kill -CONT $pid; wait $pid
      """)
    #expect(gone.code == 0, "\(gone.error)")
    let left = try names(program, "run")
    #expect(!left.contains("checkpoint-00000010") && left.contains("checkpoint-00000060"))
    #expect(left.contains { $0.hasPrefix(".checkpoint-00000010.") && $0.hasSuffix(".partial") })
  }

  @Test func `a text that is changed while it is learned from ends the run, which keeps its steps`() async throws {
    let program = try TrainTests.prepared()
    let outcome = try await program.shell(
      """
      "$PHOTON" train tiny.yaml -o run --set train.steps=100000 --set train.checkpoint_every=100000 >/dev/null 2>error &
      while ! grep -q '"step":5,' run/log.jsonl 2>/dev/null; do sleep 0.005; done
      echo >> text.txt; wait $!; code=$?; cat error; ls run; exit $code
      """)
    #expect(outcome.code == 1)
    #expect(
      outcome.output.hasPrefix(
        "error: data.text[1]: \"text.txt\" has changed since it was opened; accepted: a file that stays as it is; the "
          + "same command goes on after step "), "\(outcome.output)")
    #expect(outcome.output.contains("\ncheckpoint-0"))
  }

  @Test func `what trains ends with the report that started it, and the next one goes on`() async throws {
    let program = try Program()
    let sweep = ["report", "scenarios/quality-quick.yaml", "--set", "quality_sweep.seeds=[1]"]
    let killed = try await program.shell(
      """
      "$PHOTON" "$@" --set train.steps=100000 --set train.checkpoint_every=100000 >/dev/null 2>&1 & pid=$!
      while [ "$(find runs -name log.jsonl -size +1k 2>/dev/null | wc -l)" -lt 2 ]; do sleep 0.01; done
      kill -KILL $pid; wait $pid
      find runs -name log.jsonl | while read -r log; do
        run="${log%log.jsonl}"
        flock -w 20 "$run.lock" true && ls -d "$run"checkpoint-* || echo still training in $run
      done
      """, sweep)
    #expect(killed.lines.count == 2, "\(killed.output)")
    #expect(killed.lines.allSatisfy { $0.contains("/checkpoint-0") }, "\(killed.output)")
    // A run that still ends is waited for.
    let quick = sweep + ["--set", "train.steps=2", "--set", "train.warmup=1"]
    #expect(try await program.run(quick).code == 0)
    let waited = try await program.shell(
      """
      rm reports/quality-quick/runs.jsonl; rm -r runs/*/*/checkpoint-*
      for run in runs/*/*/; do [ -e "$run/log.jsonl" ] && flock "$run/.lock" sleep 2 & done
      sleep 0.2; exec "$PHOTON" "$@"
      """, quick)
    #expect(waited.code == 0, "\(waited.error)")
    #expect(waited.error.contains("waiting for another process that is training in runs/quality-quick/"))
  }

  @Test func `data of any size are read where they are needed`() async throws {
    let program = try TrainTests.prepared()
    let outcome = try await program.shell(
      """
      truncate -s 8G large.txt; ulimit -v 3000000
      exec "$PHOTON" evaluate -s tiny.yaml -d large.txt --limit 1000
      """)
    #expect(outcome.code == 0, "\(outcome.error)")
  }

  @Test(arguments: [
    "evaluate -s tiny.yaml -d text.txt", "generate -s tiny.yaml --prompt Hi", "train tiny.yaml -o run",
    "report scenarios/quality-quick.yaml", "critical scenarios/critical-quick.yaml",
  ])
  func `what needs more memory than there is is refused before it is taken`(command: String) async throws {
    let program = try TrainTests.prepared()
    let outcome = try await program.shell(
      "ulimit -v 3000000; exec \"$PHOTON\" \(command) --set model.vocabulary=16777216")
    #expect(outcome.code == 64 && outcome.output == "", "\(outcome.error)")
    #expect(outcome.error.contains(" needs ") && outcome.error.contains("GiB may be used; accepted: "))
    #expect(program.names.filter { $0 != "text.txt" && $0 != "tiny.yaml" } == [])
  }

  @Test func `too few open files are said, and end nothing by a signal`() async throws {
    let program = try TrainTests.prepared()
    for (limit, command) in [
      (4, "explain scenarios/quickstart.yaml"), (6, "explain scenarios/quickstart.yaml --set model.preset=photon-tiny"),
      (9, "train tiny.yaml -o run"), (12, "report scenarios/quickstart.yaml --no-measure -o report"),
      (18, "report scenarios/quickstart.yaml --no-measure -o report"), (24, "report scenarios/quality-quick.yaml"),
    ] {
      let outcome = try await program.shell("ulimit -n \(limit); exec timeout 20 \"$PHOTON\" \(command)")
      #expect(outcome.code == 1 && outcome.output == "", "\(limit) \(command): \(outcome.code) \(outcome.error)")
      #expect(
        outcome.error.contains("more open files, and ") && outcome.error.contains("accepted: a limit of at least 64"),
        "\(limit) \(command): \(outcome.error)")
    }
    let enough = try await program.shell(
      "ulimit -n 64; exec timeout 60 \"$PHOTON\" report scenarios/quickstart.yaml --no-measure -o report")
    #expect(enough.code == 0, "\(enough.error)")
  }
}
