import Foundation
import Testing

/// Two writers at once, other file systems, links, permissions, and standard streams that are closed.
struct WriterTests {
  private static let report = ["report", "scenarios/quickstart.yaml", "--no-measure"]

  @Test func `of two reports into one folder the second is refused at once and names the first`() async throws {
    let program = try Program()
    let outcome = try await program.shell(
      """
      mkfifo wait
      # A report that stops where it reads its scenario would not have claimed its folder: gnuplot waits instead.
      mkdir bin && printf '#!/bin/sh\\nread line < wait\\nexit 1\\n' > bin/gnuplot && chmod +x bin/gnuplot
      PATH=$PWD/bin:$PATH "$PHOTON" "$@" -o out >/dev/null 2>first & pid=$!
      while ! [ -s out/.lock ]; do sleep 0.01; done
      "$PHOTON" "$@" -o out; echo $?
      echo > wait; wait $pid; echo $? $pid
      """, Self.report)
    let lines = outcome.lines.map(String.init)
    #expect(lines.first == "1" && lines.last?.hasPrefix("1 ") == true)
    let pid = lines.last?.split(separator: " ").last ?? ""
    #expect(outcome.error.hasPrefix("error: cannot write out: process \(pid) on "), "\(outcome.error)")
    #expect(outcome.error.hasSuffix(" (photon \(Self.report.joined(separator: " ")) -o out) writes there\n"))
    #expect(!program.exists("out"))
  }

  @Test func `of two runs that measure into one file the second is refused at once`() async throws {
    let program = try MeasureTests.program()
    let outcome = try await program.shell(
      """
      : > .rows.csv.lock
      exec flock .rows.csv.lock "$PHOTON" "$@" -o rows.csv
      """, MeasureTests.arguments)
    #expect(outcome.code == 1 && outcome.error == "error: cannot write rows.csv: another process writes there\n")
    #expect(!program.exists("rows.csv"))
    #expect(try await program.run(MeasureTests.arguments + ["-o", "rows.csv", "--point", "0"]).isMeasured)
    #expect(program.names == ["rows.csv", "s.yaml"])
  }

  @Test(.enabled(if: isAnotherFileSystem("/dev/shm")))
  func `a folder on another file system takes a report, and keeps the links to it`() async throws {
    let (program, here) = (try Program(), try Program())
    let away = "/dev/shm/" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: away) }
    try FileManager.default.createSymbolicLink(atPath: program.folder + "/reports", withDestinationPath: away)
    // The link leads to nothing at first.
    for _ in 0..<2 {
      let outcome = try await program.run(Self.report)
      #expect(outcome.code == 0 && outcome.output == "reports/quickstart/report.md\n", "\(outcome.error)")
    }
    #expect(try await here.run(Self.report).code == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: away + "/quickstart")
    for name in names {
      let bytes = try Data(contentsOf: URL(filePath: "\(away)/quickstart/\(name)"))
      #expect(try bytes == here.data("reports/quickstart/\(name)"), "\(name)")
    }
    #expect(try Set(names) == Set(FileManager.default.contentsOfDirectory(atPath: here.folder + "/reports/quickstart")))
    #expect(program.names == ["reports"])
  }

  @Test func `files that only their owner may read stay so, and new ones follow the mask`() async throws {
    let program = try Program()
    let sweep = "\"$PHOTON\" sweep scenarios/quickstart.yaml"
    let outcome = try await program.shell(
      """
      set -e
      printf old > private.csv; chmod 600 private.csv
      printf old > public.csv; chmod 644 public.csv
      \(sweep) -o private.csv; umask 077; \(sweep) -o public.csv; \(sweep) -o new.csv
      "$PHOTON" "$@" -o out > /dev/null
      stat -c '%a' private.csv public.csv new.csv out out/report.md; ls -A out | grep -v svg
      """, Self.report)
    #expect(outcome.code == 0 && outcome.output == "600\n644\n600\n700\n600\nreport.md\n", "\(outcome)")
  }

  @Test(arguments: ["0", "1", "2", "0 1 2"])
  func `with a standard stream closed no file gets what is meant for it`(closed: String) async throws {
    let (program, open) = (try TrainTests.prepared(), try TrainTests.prepared())
    let close = closed.split(separator: " ").map { $0 == "0" ? "0<&-" : "\($0)>&-" }.joined(separator: " ")
    for (arguments, measured) in [
      (Self.report + ["-o", "out"], [String]()), (["sweep", "scenarios/quickstart.yaml", "-o", "rows.csv"], []),
      (["train", "tiny.yaml", "-o", "run", "--set", "train.steps=6"], ["\"tokens_per_s\":"]),
    ] {
      let outcome = try await program.shell("\"$PHOTON\" \"$@\" \(close)", arguments)
      #expect(try await open.run(arguments).code == 0)
      let (found, expected) = (try program.files(without: measured), try open.files(without: measured))
      // Who has something to print fails with a word, behind what was written whole.
      #expect(outcome.code == 0 || closed.contains("1"), "\(arguments[0]): \(outcome.error)")
      if closed == "1", arguments[0] != "sweep" {
        #expect(outcome.code == 1 && outcome.error.hasSuffix("cannot write standard output: Bad file descriptor\n"))
      }
      // A run that cannot say what it does ends before its first step.
      for (name, bytes) in found where outcome.code == 0 || !bytes.isEmpty {
        #expect(bytes == expected[name], "\(arguments[0]): \(name)")
      }
      if outcome.code == 0 { #expect(found.keys.sorted() == expected.keys.sorted()) }
    }
  }

  @Test func `nothing is measured for an output that cannot be written`() async throws {
    let program = try MeasureTests.program()
    try program.write("plain", "")
    for command in [
      "measure s.yaml -o plain/rows.csv", "measure s.yaml -o gone/rows.csv", "calibrate -o plain/mine.yaml",
      "calibrate -o docs", "report s.yaml -o plain/report", "calibrate >&-", "measure s.yaml >&-",
      "validate s.yaml --scenario-only >&-",
    ] {
      // A calibration takes about 15 s in release mode.
      let outcome = try await program.shell("exec timeout 10 \"$PHOTON\" \(command)")
      #expect(outcome.code == 1 && outcome.error.contains("error: cannot write "), "\(command): \(outcome.error)")
    }
    #expect(program.names == ["plain", "s.yaml"])
  }

  @Test func `an output without a name, and a home without one, are refused`() async throws {
    let program = try Program()
    for command in [
      "sweep scenarios/quickstart.yaml", "report scenarios/quickstart.yaml", "critical scenarios/critical-quick.yaml",
      "train scenarios/train-quickstart.yaml", "calibrate", "measure scenarios/quickstart.yaml",
      "import docs/example-config.json", "trace export scenarios/quickstart.yaml", "roles runs/none",
    ] {
      let outcome = try await program.shell("exec \"$PHOTON\" \(command) -o \"\"")
      #expect(outcome.code == 64 && outcome.error.contains("-o: found no name"), "\(command): \(outcome.error)")
    }
    for home in ["HOME=", "-u HOME", "HOME=relative"] {
      let outcome = try await program.shell("exec env \(home) \"$PHOTON\" calibrate")
      #expect(outcome.code == 64 && outcome.error.contains("there is no home folder for the profile"), "\(home)")
      let explained = try await program.shell("exec env \(home) \"$PHOTON\" explain scenarios/quickstart.yaml")
      #expect(explained.code == 0, "\(home): \(explained.error)")
    }
    #expect(program.names == [])
  }
}

/// Whether files cannot be renamed to there from among the temporary ones.
private func isAnotherFileSystem(_ path: String) -> Bool {
  var (one, other) = (stat(), stat())
  return stat(path, &one) == 0 && stat(NSTemporaryDirectory(), &other) == 0 && one.st_dev != other.st_dev
}
