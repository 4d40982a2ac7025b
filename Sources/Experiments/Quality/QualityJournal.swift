import Architectures
import Foundation
import Rendering
import Reports
import Scenarios
import Training

/// The log of a quality sweep, a line for every finished run: docs/quality-runs.md.
package struct QualityJournal {
  /// The file of JSON Lines.
  package let path: String

  /// - Parameter path: the file of JSON Lines; it need not exist.
  package init(path: String) { self.path = path }

  /// Every finished run.
  /// - Throws: `ScenarioError` with the line that is no record. A last line without an end, which a killed process left,
  ///   is none.
  package func records() throws(ScenarioError) -> [QualityRecord] { try QualityRecord.records(in: path) }

  /// What the plan's runs reached, in its order, as far as they are finished; the last record of a run counts.
  /// - Throws: `ScenarioError`
  package func results(of plan: QualityPlan, _ data: inout SweepData) throws(ScenarioError) -> [QualityResult] {
    let records = Dictionary(grouping: try records()) { "\($0.data)\n\($0.variant)\n\($0.seed)" }
    return plan.runs.compactMap { run in
      let own = records["\(run.dataset)\n\(run.variant.name)\n\(run.seed)"] ?? []
      // Data that cannot be read are taken for unchanged; who reports on the runs says so, with the reason.
      let fingerprint = own.isEmpty ? nil : (try? data.data(of: run))?.fingerprint
      return own.last { $0.isAbout(run, dataFingerprint: fingerprint) }?.result(of: run)
    }
  }
}

/// The data of a sweep's runs, each read once.
package struct SweepData {
  private var loaded: [String: any TrainingData] = [:]

  /// Nothing read yet.
  package init() {}

  /// - Throws: `ScenarioError` where they cannot be read.
  package mutating func data(of run: QualityRun) throws(ScenarioError) -> any TrainingData {
    // A seed makes a task of its own; text is the same, read in another order.
    let key = "\(run.dataset) \(run.training.data.text == nil ? run.seed : 0) \(run.training.context)"
    if let data = loaded[key] { return data }
    do {
      let data = try run.training.loadData(
        vocabulary: run.model.vocabulary, directory: ScenarioFiles.directory(of: run.scenario.file))
      loaded[key] = data
      return data
    } catch {
      throw ScenarioError([run.scenario.diagnostic("train", error.problem)])
    }
  }
}
