import Architectures
import Reports
import Scenarios

/// What a report of cache methods reads of a line of `photon measure --output`: docs/measurement.md.
struct TimedRecord: JournalRecord {
  static let subject = "a measured point"
  static let page = "docs/measurement.md"

  let name, machine: String
  let prompt, generated, batch: Int
  let prefill, predictedPrefill, decode, predictedDecode: Double

  enum CodingKeys: String, CodingKey {
    case name, machine
    case prompt = "prompt_length"
    case generated = "generated_length"
    case batch = "batch_size"
    case prefill = "prefill_measured_s"
    case predictedPrefill = "prefill_time_s"
    case decode = "decode_measured_s"
    case predictedDecode = "decode_time_s"
  }

  var isSound: Bool {
    [prompt, generated, batch].allSatisfy { $0 > 0 }
      && [prefill, predictedPrefill, decode, predictedDecode].allSatisfy { $0 > 0 && $0.isFinite }
  }
}

extension TimedMethods {
  /// The rows that a scenario's report of cache methods quotes.
  /// - Parameters:
  ///   - answers: where they are.
  ///   - measured: the scenario that they were measured for.
  /// - Throws: `ScenarioError` for a line that is none and for a model that the scenario does not have.
  package init(_ answers: TimedAnswers, of measured: Scenario) throws(ScenarioError) {
    let models = measured.grid.models.compactMap(\.self) + measured.compare
    func refuse(_ found: String, _ accepted: String) -> ScenarioError {
      ScenarioError([Diagnostic(Position(file: answers.rows), path: "", found: found, accepted: accepted)])
    }
    let records = try TimedRecord.records(in: answers.rows)
    var rows: [Row] = []
    for record in records {
      guard let model = models.first(where: { $0.name == record.name }) else {
        throw refuse(
          "found a row of \"\(record.name)\"",
          "models of \(measured.file): \(models.map(\.name).joined(separator: ", "))")
      }
      rows.append(
        Row(
          record.name, model.model,
          Workload(promptLength: record.prompt, generatedLength: record.generated, batchSize: record.batch),
          prefill: (record.prefill, record.predictedPrefill), decode: (record.decode, record.predictedDecode)))
    }
    guard let machine = records.first?.machine else { throw refuse("found no rows", "what photon measure writes") }
    self.init(
      rows, machine: machine, command: "photon measure \(shellQuoted(measured.file)) -o \(shellQuoted(answers.rows))",
      scenario: measured.file)
  }
}
