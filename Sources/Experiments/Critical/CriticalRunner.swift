import Architectures
import CKernels
import Foundation
import Measurement
import Reference
import Rendering
import Reports
import Scenarios
import Tensors
import Training

/// Trains the models of a quality sweep where they are needed, and lets them answer with every way of keeping their caches
/// that the journal does not have.
///
/// Stopped at any time it goes on: answers stand in the journal, begun models have checkpoints.
package struct CriticalRunner {
  /// What is to be answered.
  package let plan: CriticalPlan
  /// The arguments that name the scenario: the file and what the person set.
  package let subject: [String]
  /// The folder of the report, with both journals.
  package let folder: String

  /// - Parameters:
  ///   - subject: the arguments that name the scenario.
  ///   - folder: of the report.
  package init(plan: CriticalPlan, subject: [String], folder: String) {
    (self.plan, self.subject, self.folder) = (plan, subject, folder)
  }

  private var journal: CriticalJournal { CriticalJournal(path: folder + "/critical.jsonl") }

  /// What the journal says about the plan, in its order.
  /// - Throws: `ScenarioError`, `CountOverflow`
  package func results() throws -> [CriticalResult] { try journal.results(of: plan) }

  /// Trains and answers what is missing. A model that fails to train does not keep others from answering.
  /// - Returns: what went wrong.
  /// - Throws: `ScenarioError`, `FileFailure`, `CheckpointError`, or `AlreadyReported` after an interrupt.
  package func answerMissing() async throws -> [QualityRunFailure] {
    let records = try journal.records()
    let missing = try plan.tasks().map { run, cases in
      (run: run, cases: cases.filter { records[CriticalRecord.key(run, $0, plan.section.sequences)] == nil })
    }.filter { !$0.cases.isEmpty }
    guard !missing.isEmpty else { return [] }
    var data = SweepData()
    for (run, _) in missing { try check(data.data(of: run), of: run) }
    let trainer = try QualityRunner(
      plan: plan.quality, subject: subject, journal: QualityJournal(path: folder + "/runs.jsonl"))
    let untrained = try missing.map(\.run).filter { try !trainer.isTrained($0) }
    try trainer.checkRoom(for: untrained)
    // Opened first: what cannot be written is said before hours of training.
    let file = try JournalFile(journal.path) { _, _ in true }
    let failures = try await trainer.train(untrained)
    let bar = ProgressBar("answers", total: missing.reduce(0) { $0 + $1.cases.count })
    let interrupt = InterruptFlag()
    defer { bar.finish() }
    for (run, cases) in missing where try trainer.isTrained(run) {
      let weights = try Checkpoint.load(trainer.output(of: run)).weights
      let source = try data.data(of: run)
      setKernelThreads(run.training.threads)
      let machine = Machine(backend: .fast)
      for one in cases {
        if interrupt.isRaised {
          bar.finish()
          printError("interrupted; the same command goes on from there")
          throw AlreadyReported()
        }
        try file.append(record(of: run, one, weights, source, machine).line())
        bar.advance()
      }
    }
    return failures
  }

  /// - Throws: `ScenarioError` where a text ends before as many sequences as are asked for.
  private func check(_ data: any TrainingData, of run: QualityRun) throws(ScenarioError) {
    let count = data.evaluationCount(plan.section.sequences)
    guard count < plan.section.sequences else { return }
    throw ScenarioError([
      plan.quality.scenario.diagnostic(
        "cache_quality",
        Problem(
          "sequences", "\(run.dataset) has \(count) of \(run.training.context) tokens to evaluate on",
          accepted: "at most as many, or a larger train.data.evaluation_share"))
    ])
  }

  private func record(
    of run: QualityRun, _ one: CriticalCase, _ weights: ModelWeights, _ data: any TrainingData, _ machine: Machine
  ) throws -> CriticalRecord {
    let task = plan.task(of: run)
    let start = ContinuousClock.now
    let score = GeneratedScore(
      weights.keeping(one.cache), sequences: try data.evaluation(plan.section.sequences),
      answerLength: task.answerLength,
      prefillLength: task.workload.promptLength, reads: task.isText ? .right : .chosen, machine: machine)
    let tokens = Double(score.asked * task.answerLength)
    return CriticalRecord(
      data: run.dataset, variant: run.variant.name, seed: run.seed, run: run.folderName, method: one.method,
      kind: one.kind, caches: one.text, prompt: task.promptLength, prefilled: task.workload.promptLength,
      generated: task.answerLength, found: score.found, tokensFound: score.tokensFound, asked: score.asked,
      bits: task.isText ? score.nats / log(2) / tokens : nil,
      unigramBits: task.isText ? data.unigramEntropy / log(2) : nil,
      seconds: (ContinuousClock.now - start) / .seconds(1), machine: SystemDescription.processor)
  }
}
