import Foundation
import Testing

/// Signals, full disks, full tables of descriptors, folders that take nothing, and programs that are missing.
struct RoughDayTests {
  /// Commands that write, with a folder to write into that stands for `$OUT`.
  static let writers = [
    "sweep scenarios/quickstart.yaml --set 'workload.prompt={linear: [1, 2048, 2048]}' -o $OUT/rows.csv",
    "report scenarios/quickstart.yaml --no-measure -o $OUT/report",
    "train tiny.yaml --set train.steps=10 -o $OUT/run",
    "measure s.yaml --calibration h200-sxm --point 0 -o $OUT/measured.csv",
    "import docs/example-config.json -o $OUT/model.yaml",
    "trace export scenarios/quickstart.yaml -o $OUT/trace.json",
  ]

  private static func prepared() throws -> Program {
    let program = try TrainTests.prepared()
    try program.write("s.yaml", MeasureTests.scenario)
    return program
  }

  @Test(arguments: ["INT", "TERM", "HUP", "PIPE"])
  func `a signal leaves the old report whole, and the same command then leaves the new one`(name: String) async throws {
    let (program, whole) = (try Program(), try Program())
    let report = ["report", "scenarios/quickstart.yaml", "--no-measure", "-o", "out"]
    #expect(try await whole.run(report).code == 0)
    try FileManager.default.createDirectory(atPath: program.folder + "/out", withIntermediateDirectories: false)
    try program.write("out/report.md", "old\n")
    let outcome = try await program.shell(
      """
      mkfifo wait
      mkdir bin && printf '#!/bin/sh\\nread line < wait\\nexit 1\\n' > bin/gnuplot && chmod +x bin/gnuplot
      (sleep 30; echo > wait) & writer=$!
      # A shell has its children ignore interrupts in the background.
      PATH=$PWD/bin:$PATH env --default-signal=\(name) "$PHOTON" "$@" >/dev/null 2>&1 & pid=$!
      while ! [ -s out/.lock ]; do sleep 0.01; done
      sleep 0.2; kill -\(name) $pid; wait $pid; echo $?
      kill $writer; echo > wait & sleep 0.1; kill $! 2>/dev/null; rm -r wait bin
      cat out/report.md
      """, report)
    #expect(outcome.lines.count == 2 && outcome.lines.last == "old" && outcome.lines.first != "0", "\(outcome)")
    #expect(try await program.run(report).code == 0)
    #expect(try program.files() == whole.files())
  }

  @Test(arguments: writers)
  func `a disk that is full is said to be, and nothing half written is left`(command: String) async throws {
    let program = try Self.prepared()
    for kilobytes in [4, 16, 40] {
      let outcome = try await program.shell(
        """
        mkdir -p disk
        exec unshare -m sh -c '
          mount -t tmpfs -o size=\(kilobytes)k none disk || exit 99
          OUT=disk; "$PHOTON" \(command.replacing("'", with: "'\\''")) >/dev/null; echo $?
          find disk -type f ! -name "*.jsonl" ! -path "*/checkpoint-*" ! -name measured.csv
        '
        """)
      guard outcome.code != 99, !outcome.error.contains("unshare") else { continue }
      #expect(["0", "1", "75"].contains(outcome.lines.first), "\(kilobytes) KiB: \(outcome)")
      if outcome.lines.first == "1" {
        #expect(outcome.error.contains("the disk is full"), "\(kilobytes) KiB: \(outcome)")
        #expect(outcome.lines.count == 1, "\(kilobytes) KiB: \(outcome)")
      }
    }
  }

  @Test(arguments: writers)
  func `a file that may grow no further is an error, and nothing half written is left`(command: String) async throws {
    let program = try Self.prepared()
    let outcome = try await program.shell(
      "mkdir -p out; OUT=out; trap '' XFSZ; ulimit -f 1; \"$PHOTON\" \(command) >/dev/null; echo $?; find out -name '.*'"
    )
    #expect(["0", "1", "75"].contains(outcome.lines.first) && outcome.lines.count == 1, "\(outcome)")
    if outcome.lines.first == "1" { #expect(outcome.error.contains("ulimit -f"), "\(outcome)") }
  }

  @Test(arguments: writers)
  func `a folder that takes nothing is said to be one`(command: String) async throws {
    let program = try Self.prepared()
    // Root may write where no permission says so, but not below a file, and not into what is mounted for reading.
    let below = try await program.shell(": > plain; OUT=plain/out; \"$PHOTON\" \(command)")
    #expect(below.code == 1 && below.error.hasSuffix("a part of the path is a file, not a folder\n"), "\(below)")
    let mounted = try await program.shell(
      """
      mkdir -p fixed
      exec unshare -m sh -c '
        mount --bind fixed fixed && mount -o remount,ro,bind fixed || exit 99
        OUT=fixed; exec "$PHOTON" \(command.replacing("'", with: "'\\''"))
      '
      """)
    guard mounted.code != 99, !mounted.error.contains("unshare") else { return }
    #expect(mounted.code == 1 && mounted.error.hasSuffix("no permission to write there\n"), "\(mounted)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder + "/fixed").isEmpty)
  }

  @Test(arguments: writers)
  func `with few descriptors a command works or says what is wrong`(command: String) async throws {
    let program = try Self.prepared()
    for limit in [4, 6, 10, 12, 24, 80] {
      let outcome = try await program.shell(
        """
        rm -rf out; mkdir out
        (ulimit -n \(limit); OUT=out; exec "$PHOTON" \(command)) >/dev/null; echo $?
        find out -name '.*'
        """)
      // 75: written, but other programs disturbed what was measured.
      #expect(["0", "1", "64", "75"].contains(outcome.lines.first), "\(limit): \(outcome)")
      #expect(outcome.lines.count == 1, "\(limit): \(outcome)")
      if ["1", "64"].contains(outcome.lines[0]) { #expect(outcome.error.contains("error: "), "\(limit): \(outcome)") }
    }
  }

  @Test func `a gnuplot that ends early is said, and ends nothing by a signal`() async throws {
    let program = try Self.prepared()
    for _ in 0..<5 {
      let outcome = try await program.shell(
        """
        mkdir -p bin && printf '#!/bin/sh\\nexit 1\\n' > bin/gnuplot && chmod +x bin/gnuplot
        PATH=$PWD/bin:$PATH exec "$PHOTON" report scenarios/quickstart.yaml --no-measure -o out
        """)
      #expect(outcome.code == 1 && outcome.error.hasPrefix("error: gnuplot could not draw "), "\(outcome)")
      #expect(!program.exists("out"))
    }
  }

  @Test func `without gnuplot a report is refused before anything takes time`() async throws {
    let program = try Self.prepared()
    try program.write("text.yaml", TrainTests.scenario + "quality_sweep: {seeds: [1], variants: [{name: own}]}\n")
    for report in ["scenarios/quickstart.yaml", "text.yaml", "scenarios/measured-sweep.yaml"] {
      let outcome = try await program.shell("mkdir -p none; PATH=none exec \"$PHOTON\" report \(report)")
      #expect(outcome.code == 1 && outcome.error.contains("error: figures need gnuplot"), "\(report): \(outcome.error)")
      #expect(!program.exists("reports") && !program.exists("runs"))
    }
  }
}
