import Architectures
import Formulas
import Foundation
import Measurement
import Quantities
import Rendering
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
package struct QualityRunFailure: Error, CustomStringConvertible {
  package let description: String
}

/// Trains and evaluates the runs of a quality sweep that its journal does not have, some at a time, each by
/// `photon train` and `photon evaluate` in processes of their own.
///
/// A stopped sweep goes on: finished runs stand in the journal, begun ones have checkpoints.
package struct QualityRunner {
  /// What is to be trained.
  package let plan: QualityPlan
  /// The arguments that name the sweep's scenario: the file and what the person set.
  package let subject: [String]
  /// What has been.
  package let journal: QualityJournal

  private let parent: ParentPipe

  /// - Parameter subject: the arguments that name the sweep's scenario.
  /// - Throws: `FileFailure` where no more files can be opened.
  package init(plan: QualityPlan, subject: [String], journal: QualityJournal) throws(FileFailure) {
    parent = try ParentPipe()
    self.plan = plan
    self.subject = subject
    self.journal = journal
  }

  /// Where the models of a sweep are kept.
  private var folder: String { "runs/\(plan.scenario.name)" }

  /// What is evaluated and recorded of a run, apart from its training.
  private struct Job: Sendable {
    let run: QualityRun
    let unigramEntropy: Double
    let exactLoss: Double?
    let evaluationArguments: [String]
  }

  /// Trains what is missing. A run that fails does not keep others from being trained.
  /// - Returns: what went wrong.
  /// - Throws: `ScenarioError`, `FileFailure`, `QualityRunFailure`, or `AlreadyReported` after an interrupt.
  package func trainMissing() async throws -> [QualityRunFailure] {
    var data = SweepData()
    let done = Set(try journal.results(of: plan, &data).map(\.run.folderName))
    return try await train(plan.runs.filter { !done.contains($0.folderName) })
  }

  /// The folder of a run's checkpoints.
  package func output(of run: QualityRun) -> String { "\(folder)/\(run.folderName)" }

  /// Whether the checkpoint of a run's last step is there.
  /// - Throws: `CheckpointError` where the folder or its last checkpoint cannot be read.
  package func isTrained(_ run: QualityRun) throws -> Bool {
    guard let folder = try Checkpoint.latest(in: output(of: run)) else { return false }
    let metadata = try Checkpoint.readMetadata(folder).0
    let differences = metadata.differences(
      model: run.model, settings: run.training, dataFingerprint: metadata.dataFingerprint, folder: folder)
    return metadata.step == run.training.steps && differences.isEmpty
  }

  /// Trains some of the plan's runs, whatever the journal says of them.
  /// - Returns: what went wrong.
  /// - Throws: as `trainMissing`.
  package func train(_ runs: [QualityRun]) async throws -> [QualityRunFailure] {
    var data = SweepData()
    // Says what data are missing before hours of training rather than behind them.
    let jobs = try runs.map { run in
      let data = try data.data(of: run)
      return Job(
        run: run, unigramEntropy: data.unigramEntropy, exactLoss: data.exactLoss,
        evaluationArguments: evaluationArguments(run, heldOut: data.heldOutCount))
    }
    guard !jobs.isEmpty else { return [] }
    try checkRoom(for: runs)
    let claim = try WriteClaim(folder: folder)
    defer { withExtendedLifetime(claim) {} }
    return try await train(jobs, into: JournalFile(journal.path) { _, _ in true })
  }

  /// - Throws: `ScenarioError` where so many runs at a time need more memory or files than this process can have.
  func checkRoom(for runs: [QualityRun]) throws {
    let count = min(plan.sweep.jobs, runs.count)
    let demands = try runs.map { try TrainingMemory($0.model, $0.training).demand(data: 0).bytes }.sorted(by: >)
    let memory = MemoryDemandList([("\(count) runs at a time", demands.prefix(count).reduce(0, +))])
    if let found = memory.excess("training") {
      throw ScenarioError([
        plan.scenario.diagnostic("quality_sweep", Problem("jobs", found, accepted: "fewer jobs, or smaller models"))
      ])
    }
    if let problem = descriptorProblem(programs: count) {
      throw QualityRunFailure(description: "\(count) runs at a time: \(problem), or fewer quality_sweep.jobs")
    }
  }

  private func train(_ jobs: [Job], into file: JournalFile) async throws -> [QualityRunFailure] {
    printError("\(jobs.count) of \(plan.runs.count) runs to train, \(plan.sweep.jobs) at a time, in \(folder)")
    let bar = ProgressBar("runs", total: jobs.count)
    let interrupt = InterruptFlag()
    defer { bar.finish() }
    var failures: [QualityRunFailure] = []
    do {
      try await forEach(jobs, until: interrupt) { outcome in
        bar.finish()
        switch outcome {
        case .success(let record):
          try file.append(record.line())
          printError(record.text)
        case .failure(let failure):
          failures.append(failure)
          printError("\(failure)")
        }
        bar.advance()
      }
    } catch {
      guard interrupt.isRaised else { throw error }
      bar.finish()
      printError("interrupted; the same command goes on from there")
      throw AlreadyReported()
    }
    return failures
  }

  /// Trains some runs at a time. An interrupt stops them, and they keep what they have learnt.
  private func forEach(
    _ jobs: [Job], until interrupt: InterruptFlag,
    finished: (Result<QualityRecord, QualityRunFailure>) throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Result<QualityRecord, QualityRunFailure>.self) { group in
      group.addTask {
        while !interrupt.isRaised { try await Task.sleep(for: .milliseconds(50)) }
        throw CancellationError()
      }
      var waiting = jobs[...]
      for job in waiting.prefix(plan.sweep.jobs) { group.addTask { try await outcome(of: job) } }
      waiting = waiting.dropFirst(plan.sweep.jobs)
      for _ in jobs {
        try finished(try await group.next()!)
        if let job = waiting.popFirst() { group.addTask { try await outcome(of: job) } }
      }
      group.cancelAll()
    }
  }

  // MARK: One run

  private func outcome(of job: Job) async throws -> Result<QualityRecord, QualityRunFailure> {
    do {
      return .success(try await record(of: job))
    } catch let failure as QualityRunFailure {
      try Task.checkCancellation()
      return .failure(failure)
    }
  }

  private func record(of job: Job) async throws -> QualityRecord {
    let run = job.run
    let output = output(of: run)
    try await waitForLeftTraining(output)
    _ = try await photon(["train"] + subject + run.arguments.flatMap { ["--set", $0] } + ["-o", output], run)
    let evaluated = try await photon(["evaluate", output] + job.evaluationArguments, run)
    let log = try TextLines(String(contentsOfFile: output + "/" + TrainLoop.logName, encoding: .utf8)).map {
      try JSONDecoder().decode(TrainRecord.self, from: Data($0.utf8))
    }
    guard let checkpoint = try Checkpoint.latest(in: output) else {
      throw QualityRunFailure(description: "\(output): no checkpoint")
    }
    for old in try Checkpoint.all(in: output).dropLast() { AtomicFolder.remove(old) }
    return QualityRecord(
      run, checkpoint: try Checkpoint.readMetadata(checkpoint).0, unigramEntropy: job.unigramEntropy,
      exactLoss: job.exactLoss, evaluation: try JSONDecoder().decode(EvaluationRecord.self, from: Data(evaluated.utf8)),
      log: log, machine: SystemDescription.processor)
  }

  /// A run of a sweep that was killed ends soon after it, with what it has learnt; until then it holds its folder.
  private func waitForLeftTraining(_ output: String) async throws {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(2 * ParentPipe.patience)
    guard WriteClaim.isHeld(folder: output) else { return }
    printError("waiting for another process that is training in \(output)")
    while WriteClaim.isHeld(folder: output), clock.now < end { try await Task.sleep(for: .milliseconds(100)) }
  }

  /// - Parameter heldOut: tokens of the evaluation split of files.
  private func evaluationArguments(_ run: QualityRun, heldOut: Int?) -> [String] {
    let (data, context, metaContext) = (run.training.data, run.training.context, run.model.metaContextLength)
    let arguments = ["--format", "json", "--threads", "\(run.training.threads)"]
    guard let files = data.text ?? data.tokens, let heldOut else { return arguments }
    let directory = ScenarioFiles.directory(of: run.scenario.file)
    let names = files.flatMap { ["--data", $0.hasPrefix("/") ? $0 : "\(directory)/\($0)"] }
    let kind = data.isText ? [] : ["--token-file"]
    let prompt = max(context / 2 / metaContext, 1) * metaContext
    let length = min(16 * context, heldOut - prompt) / metaContext * metaContext
    let comparison =
      length > 0 ? ["--sequences", "8", "--prompt", "\(prompt)", "--length", "\(length)"] : ["--sequences", "0"]
    return arguments + names + kind + ["--held-out", "--limit", "\(heldOut)"] + comparison
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
      .path(FilePath(program)), arguments: Arguments(arguments),
      environment: .inherit.updating([.init(stringLiteral: ParentPipe.variable): "1"]), platformOptions: options,
      input: .fileDescriptor(FileDescriptor(rawValue: parent.readEnd), closeAfterSpawningProcess: false),
      output: .string(limit: 1 << 24), error: .string(limit: 1 << 20))
    guard result.terminationStatus.isSuccess else {
      let reason = result.standardError.isEmpty ? "\(result.terminationStatus)" : result.standardError
      throw QualityRunFailure(
        description: "\(run.dataset), \(run.variant.name), seed \(run.seed): photon \(arguments[0]) failed: \(reason)")
    }
    return result.standardOutput
  }
}
