import Foundation
import Reports
import Scenarios

/// How a trained model answered with its caches kept in one way: a line of critical.jsonl, docs/quality-runs.md.
package struct CriticalRecord: JournalRecord {
  package static let subject = "answers"

  /// Names of the dataset and of the variant.
  package var data, variant: String
  /// Of weights and task.
  package var seed: Int
  /// The folder of the run, which changes with everything that it was trained by.
  package var run: String
  /// The method's name in the scenario; `full` where everything is kept.
  package var method: String
  /// Whether everything, a budget, or the authors' settings.
  package var kind: CriticalCase.Kind
  /// The caches on one line.
  package var caches: String
  /// Tokens before the answer, those of them that the prefill read, and tokens of the answer.
  package var prompt, prefilled, generated: Int
  /// Sequences with a right answer, right tokens of all answers, and sequences.
  package var found, tokensFound, asked: Int
  /// Bits per token of the answers that decode was fed, and what the frequencies of tokens alone give; nil where answers
  /// follow from what stands before.
  /// - Unit: bit per token
  package var bits, unigramBits: Double?
  /// Of all sequences together; measured.
  /// - Unit: s
  package var seconds: Double
  /// The processor that answered.
  package var machine: String

  package enum CodingKeys: String, CodingKey {
    case data, variant, seed, run, method, kind, caches, prompt, prefilled, generated, found, asked, machine
    case bits = "bits_per_token"
    case unigramBits = "unigram_bits"
    case tokensFound = "tokens_found"
    case seconds = "answers_s"
  }

  /// Which answers it is about: all records with one key are equal but for the time.
  package var key: String { "\(run)\n\(method)\n\(kind.rawValue)\n\(caches)\n\(asked)" }

  /// The key of answers that are asked for.
  package static func key(_ run: QualityRun, _ one: CriticalCase, _ sequences: Int) -> String {
    "\(run.folderName)\n\(one.method)\n\(one.kind.rawValue)\n\(one.text)\n\(sequences)"
  }

  /// Whether the figures can be what a run wrote.
  package var isSound: Bool {
    asked > 0 && (0...asked).contains(found) && generated > 0 && (1...max(prompt, 1)).contains(prefilled)
      && (0...1e9).contains(seconds) && (0...asked).contains(tokensFound / generated)
      && (bits == nil) == (unigramBits == nil) && (0...1e9).contains(bits ?? 0)
      && (1e-9...1e9).contains(unigramBits ?? 1)
  }

  /// What the report reads of it.
  package func result(of run: QualityRun, _ one: CriticalCase) -> CriticalResult {
    let text = bits.flatMap { bits in unigramBits.map { (model: bits, unigram: $0) } }
    return CriticalResult(
      run, kind: one.kind, method: one.method, text: one.text,
      score: text.map { 1 - $0.model / $0.unigram } ?? Double(found) / Double(asked), bits: text, machine: machine)
  }
}

/// The log of answers, a line for every model and every way of keeping its caches.
package struct CriticalJournal {
  /// The file of JSON Lines.
  package let path: String

  /// - Parameter path: the file of JSON Lines; it need not exist.
  package init(path: String) { self.path = path }

  /// Every record by its key; a last line without an end, which a killed process left, is none.
  /// - Throws: `ScenarioError` with the line that is no record.
  package func records() throws(ScenarioError) -> [String: CriticalRecord] {
    try CriticalRecord.records(in: path).reduce(into: [:]) { $0[$1.key] = $1 }
  }

  /// What it says about a plan, in the plan's order.
  /// - Throws: `ScenarioError`, `CountOverflow`
  package func results(of plan: CriticalPlan) throws -> [CriticalResult] {
    let records = try records()
    return try plan.tasks().flatMap { run, cases in
      cases.compactMap { one in
        records[CriticalRecord.key(run, one, plan.section.sequences)].map { $0.result(of: run, one) }
      }
    }
  }
}
