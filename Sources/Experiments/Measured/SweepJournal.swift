import Architectures
import Foundation
import Measurement
import Rendering
import Reports
import Scenarios
import Validation

/// A measured point: a line of the measured.jsonl of a report, docs/measurement.md. What a profile predicts is not in it.
package struct SweepRecord: JournalRecord {
  package static let subject = "a measured point"
  package static let page = "docs/measurement.md"

  /// What tells the point from all others of its scenario.
  let point: String
  /// The scenario with what was set, and the processor with its threads.
  let scenario, machine: String
  let phases: [MeasuredPhase]

  package var isSound: Bool {
    phases.allSatisfy { phase in
      !phase.seconds.isEmpty && phase.seconds.allSatisfy { $0 > 0 && $0.isFinite }
        && phase.nodes.allSatisfy { $0.whole >= 0 && $0.cached >= 0 && $0.reading >= 0 }
    }
  }
}

/// The measured points of a report's scenario, which grow until all are there.
final class SweepJournal {
  private let scenario: Scenario
  private let path: String
  private let journal: JournalFile
  private var phases: [String: [MeasuredPhase]] = [:]

  /// Reads what is there.
  /// - Throws: `ScenarioError` for a line that is no record, or one of another scenario or machine, and `FileFailure`.
  init(_ path: String, of scenario: Scenario) throws {
    (self.scenario, self.path) = (scenario, path)
    for (index, record) in try SweepRecord.records(in: path).enumerated() {
      func check(_ found: String, _ expected: String, _ what: String) throws {
        guard found != expected else { return }
        throw ScenarioError([
          Diagnostic(
            Position(file: path, line: index + 1), path: "", found: "found a point of another \(what), \(found)",
            accepted: "\(expected); or remove the file to measure everything again")
        ])
      }
      try check(record.scenario, scenario.fingerprint, "scenario")
      try check(record.machine, Self.machine(scenario), "machine")
      phases[record.point] = record.phases
    }
    journal = try JournalFile(path) { _, _ in true }
  }

  private static func machine(_ scenario: Scenario) -> String {
    "\(SystemDescription.machine), \(scenario.measure.threads) threads"
  }

  /// What was measured of a point; nil where nothing was.
  func phases(of subject: MeasuredSubject) -> [MeasuredPhase]? { phases[subject.key] }

  /// - Throws: `FileFailure`
  func append(_ points: [MeasuredPoint]) throws {
    for point in points {
      let record = SweepRecord(
        point: point.subject.key, scenario: scenario.fingerprint, machine: Self.machine(scenario),
        phases: point.measured)
      try journal.append(record.line())
      phases[record.point] = record.phases
    }
  }
}

extension MeasuredSubject {
  /// What tells it from all others of a scenario, for people too.
  var key: String {
    let workload = point.workload
    let place = isOfGrid ? "point \(point.index), " : ""
    return place + "\(point.name), prompt \(workload.promptLength), \(workload.generatedLength) generated, "
      + "batch \(workload.batchSize), \(workload.continuations) continuations"
  }
}
