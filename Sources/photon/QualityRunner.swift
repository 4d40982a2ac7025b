import Architectures
import ArgumentParser
import Foundation
import Measurement
import Reporting
import Reports
import Scenarios
import Subprocess
import Training

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Why a run of a sweep did not end as it should.
struct QualityRunFailure: Error, CustomStringConvertible {
  let description: String
}

/// Trains and evaluates the runs of a quality sweep that its journal does not have, some at a time, each by
/// `photon train` and `photon evaluate` in processes of their own.
///
/// A stopped sweep goes on: finished runs stand in the journal, begun ones have checkpoints.
struct QualityRunner {
  let plan: QualityPlan
  /// The arguments that name the sweep's scenario: the file and what the person set.
  let subject: [String]
  /// runs.jsonl of the report.
  let journal: String

  /// Where the models of a sweep are kept.
  var folder: String { "runs/\(plan.scenario.name)" }

  /// Results of the runs that the journal has, in the order of the plan.
  func recorded() -> [QualityResult] {
    let text = (try? String(contentsOfFile: journal, encoding: .utf8)) ?? ""
    let records = text.split(separator: "\n").compactMap { QualityRecord(line: String($0)) }
    return plan.runs.compactMap { run in records.last { $0.isAbout(run) }?.result(of: run) }
  }

  /// Trains what is missing.
  /// - Throws: `QualityRunFailure`, `FileFailure`, or `ExitCode` after an interrupt.
  func trainMissing() async throws {
    let done = recorded().map(\.run.folderName)
    let missing = plan.runs.filter { !done.contains($0.folderName) }
    guard !missing.isEmpty else { return }
    try checkData(of: missing)
    try AtomicFile.makeFolder(folder)
    try AtomicFile.makeFolder(URL(filePath: journal).deletingLastPathComponent().relativePath)
    guard let lock = try FolderLock(folder) else {
      throw QualityRunFailure(description: "another process is training in \(folder)")
    }
    defer { withExtendedLifetime(lock) {} }
    let file = try JournalFile(journal) { _ in true }
    printError("\(missing.count) of \(plan.runs.count) runs to train, \(plan.sweep.jobs) at a time, in \(folder)")
    let bar = ProgressBar("runs", total: missing.count)
    let interrupt = InterruptFlag()
    defer { bar.finish() }
    do {
      try await train(missing, until: interrupt) { record in
        try file.append(record.line())
        bar.finish()
        printError(record.text)
        bar.advance()
      }
    } catch {
      guard interrupt.isRaised else { throw error }
      bar.finish()
      printError("interrupted; the same command goes on from there")
      throw ExitCode.failure
    }
  }

  /// Trains some runs at a time. An interrupt or a failure stops the others, which keep what they have learnt.
  private func train(
    _ runs: [QualityRun], until interrupt: InterruptFlag, finished: (QualityRecord) throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: QualityRecord.self) { group in
      group.addTask {
        while !interrupt.isRaised { try await Task.sleep(for: .milliseconds(50)) }
        throw CancellationError()
      }
      var waiting = runs[...]
      for run in waiting.prefix(plan.sweep.jobs) { group.addTask { try await record(of: run) } }
      waiting = waiting.dropFirst(plan.sweep.jobs)
      for _ in runs {
        try finished(try await group.next()!)
        if let run = waiting.popFirst() { group.addTask { try await record(of: run) } }
      }
      group.cancelAll()
    }
  }

  /// Says what data are missing before hours of training rather than behind them.
  private func checkData(of runs: [QualityRun]) throws {
    var checked: Set<String> = []
    for run in runs where checked.insert(run.dataset).inserted { _ = try data(of: run) }
  }

  private func data(of run: QualityRun) throws -> any TrainingData {
    do {
      return try run.training.loadData(
        vocabulary: run.model.vocabulary, directory: ScenarioFiles.directory(of: run.scenario.file))
    } catch {
      throw ScenarioError([run.scenario.diagnostic("train", error.problem)])
    }
  }

  // MARK: One run

  private func record(of run: QualityRun) async throws -> QualityRecord {
    let output = "\(folder)/\(run.folderName)"
    _ = try await photon(["train"] + subject + run.arguments.flatMap { ["--set", $0] } + ["-o", output], run)
    let evaluated = try await photon(["evaluate", output] + evaluationArguments(run), run)
    let log = try String(contentsOfFile: output + "/log.jsonl", encoding: .utf8).split(separator: "\n").map {
      try JSONDecoder().decode(TrainRecord.self, from: Data($0.utf8))
    }
    guard let checkpoint = Checkpoint.latest(in: output) else {
      throw QualityRunFailure(description: "\(output): no checkpoint")
    }
    for old in Checkpoint.all(in: output).dropLast() { try? FileManager.default.removeItem(atPath: old) }
    return QualityRecord(
      run, checkpoint: try Checkpoint.readMetadata(checkpoint).0, data: try data(of: run),
      evaluation: try JSONDecoder().decode(EvaluationRecord.self, from: Data(evaluated.utf8)), log: log,
      machine: SystemDescription.processor)
  }

  private func evaluationArguments(_ run: QualityRun) -> [String] {
    var arguments = ["--format", "json", "--threads", "\(run.training.threads)"]
    let data = run.training.data
    if let files = data.text ?? data.tokens {
      let directory = ScenarioFiles.directory(of: run.scenario.file)
      arguments += files.flatMap { ["--data", $0.hasPrefix("/") ? $0 : "\(directory)/\($0)"] } + ["--held-out"]
      arguments += data.isText ? [] : ["--token-file"]
      arguments += ["--sequences", "8", "--prompt", "\(run.training.context / 2)"]
      arguments += ["--length", "\(2 * run.training.context)"]
    }
    return arguments
  }

  /// Runs this program.
  /// - Returns: its standard output.
  private func photon(_ arguments: [String], _ run: QualityRun) async throws -> String {
    let program = Bundle.main.executablePath ?? CommandLine.arguments[0]
    var options = PlatformOptions()
    // A signal from the terminal goes to this process alone, which then asks the others to save what they have.
    options.processGroupID = 0
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(30))]
    let result = try await Subprocess.run(
      .path(FilePath(program)), arguments: Arguments(arguments), platformOptions: options,
      output: .string(limit: 1 << 24), error: .string(limit: 1 << 20))
    guard result.terminationStatus.isSuccess else {
      throw QualityRunFailure(
        description:
          "\(run.variant.name), \(run.dataset), seed \(run.seed): photon \(arguments[0]) failed: \(result.standardError)"
      )
    }
    return result.standardOutput
  }
}
