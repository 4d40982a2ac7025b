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

  /// Every run with the cases that a model accepts.
  private func tasks() throws -> [(run: QualityRun, cases: [CriticalCase])] {
    try plan.quality.runs.map { run in (run, try plan.cases(of: run).filter { $0.problem == nil }) }
  }

  /// What the journal says about the plan, in its order.
  /// - Throws: `ScenarioError`, `CountOverflow`
  package func results() throws -> [CriticalResult] {
    let records = try journal.records()
    return try tasks().flatMap { run, cases in
      cases.compactMap { one in
        records[CriticalRecord.key(run, one, plan.section.sequences)].map {
          CriticalResult(
            run, kind: one.kind, method: one.method, text: one.text, found: $0.found, asked: $0.asked,
            machine: $0.machine)
        }
      }
    }
  }

  /// Trains and answers what is missing. A model that fails to train does not keep others from answering.
  /// - Returns: what went wrong.
  /// - Throws: `ScenarioError`, `FileFailure`, `CheckpointError`, or `AlreadyReported` after an interrupt.
  package func answerMissing() async throws -> [QualityRunFailure] {
    let records = try journal.records()
    let missing = try tasks().map { run, cases in
      (run: run, cases: cases.filter { records[CriticalRecord.key(run, $0, plan.section.sequences)] == nil })
    }.filter { !$0.cases.isEmpty }
    guard !missing.isEmpty else { return [] }
    let trainer = QualityRunner(
      plan: plan.quality, subject: subject, journal: QualityJournal(path: folder + "/runs.jsonl"))
    let failures = try await trainer.train(missing.map(\.run).filter { try !trainer.isTrained($0) })
    try AtomicFile.makeFolder(folder)
    let file = try JournalFile(journal.path) { _, _ in true }
    let bar = ProgressBar("answers", total: missing.reduce(0) { $0 + $1.cases.count })
    let interrupt = InterruptFlag()
    defer { bar.finish() }
    var data = SweepData()
    for (run, cases) in missing where try trainer.isTrained(run) {
      let weights = try Checkpoint.load(trainer.output(of: run)).weights
      let sequences = try data.data(of: run).evaluation(plan.section.sequences)
      setKernelThreads(run.training.threads)
      let machine = Machine(backend: .fast)
      for one in cases {
        if interrupt.isRaised {
          bar.finish()
          printError("interrupted; the same command goes on from there")
          throw AlreadyReported()
        }
        try file.append(record(of: run, one, weights, sequences, machine).line())
        bar.advance()
      }
    }
    return failures
  }

  private func record(
    of run: QualityRun, _ one: CriticalCase, _ weights: ModelWeights, _ sequences: [[Int32]], _ machine: Machine
  ) -> CriticalRecord {
    let workload = plan.workload(of: run)
    let start = ContinuousClock.now
    let score = GeneratedScore(
      weights.keeping(one.cache), sequences: sequences, answerLength: workload.generatedLength, machine: machine)
    return CriticalRecord(
      data: run.dataset, variant: run.variant.name, seed: run.seed, run: run.folderName, method: one.method,
      kind: one.kind, caches: one.text, prompt: workload.promptLength, generated: workload.generatedLength,
      found: score.found, tokensFound: score.tokensFound, asked: score.asked,
      seconds: (ContinuousClock.now - start) / .seconds(1), machine: SystemDescription.processor)
  }
}
