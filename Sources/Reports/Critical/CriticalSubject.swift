import Architectures
import Formulas
import GSL
import Scenarios

/// One way of keeping one model's caches, over the seeds.
struct CriticalRow {
  let one: CriticalCase
  /// By seed, as far as they are finished.
  let results: [Int: CriticalResult]

  var scores: [Int: Double] { results.mapValues(\.score) }
  var values: [Double] { scores.keys.sorted().map { scores[$0]! } }
  var mean: Double? { scores.isEmpty ? nil : Statistics.mean(values) }
  /// Largest − smallest over the seeds.
  var range: Double? { scores.count > 1 ? values.max()! - values.min()! : nil }
}

/// One trained model on one dataset, with everything that was tried on it.
struct CriticalOutcome {
  let run: QualityRun
  /// The model's own full attention first.
  let rows: [CriticalRow]

  var name: String { run.variant.name }
  var full: CriticalRow { rows[0] }
  var seeds: [Int] { full.scores.keys.sorted() }
  /// Every seed has to have learnt the task, or the mean mixes two things. Nobody knows how predictable a text is: there
  /// every seed has to know more than how frequent tokens are.
  var isSolved: Bool {
    !full.scores.isEmpty && full.values.allSatisfy { task.isText ? $0 > 0 : $0 >= CriticalPlan.solved }
  }
  var task: CriticalTask { CriticalTask(run.training, of: run.model) }

  /// Means over the seeds, of the model with everything kept and of frequencies alone; nil where answers follow.
  /// - Unit: bit per token
  var bits: (model: Double, unigram: Double)? {
    let known = full.results.values.compactMap(\.bits)
    guard !known.isEmpty else { return nil }
    return (Statistics.mean(known.map(\.model)), Statistics.mean(known.map(\.unigram)))
  }

  /// A method's budgets, smallest footprint first.
  func budgets(of method: String) -> [CriticalRow] {
    rows.filter { $0.one.method == method && $0.one.kind == .budget && $0.mean != nil }
      .sorted { $0.one.footprint!.footprint < $1.one.footprint!.footprint }
  }

  func row(_ kind: CriticalCase.Kind, of method: String) -> CriticalRow? {
    rows.first { $0.one.method == method && $0.one.kind == kind }
  }

  /// The critical footprint of a method over some scores; nil where nothing was tried.
  private func critical(
    _ method: String, _ reading: FootprintCurve.Reading, _ score: (CriticalRow) -> Double?
  ) -> CriticalFootprint? {
    let points = budgets(of: method).compactMap { row in
      score(row).map { FootprintCurve.Point(footprint: row.one.footprint!.footprint, score: $0) }
    }
    guard let fullScore = score(full), let footprint = full.one.footprint?.footprint, !points.isEmpty else {
      return nil
    }
    return FootprintCurve(points, fullScore: fullScore, fullFootprint: footprint).critical(
      fraction: CriticalPlan.fraction, reading)
  }

  /// Read off the mean of the seeds.
  func critical(_ method: String, _ reading: FootprintCurve.Reading) -> CriticalFootprint? {
    critical(method, reading, \.mean)
  }

  /// Read off each seed alone.
  func criticalBySeed(_ method: String, _ reading: FootprintCurve.Reading) -> [CriticalFootprint] {
    seeds.compactMap { seed in critical(method, reading) { $0.scores[seed] } }
  }
}

/// Everything that a report about measured critical footprints reads.
public struct CriticalSubject: Sendable {
  let plan: CriticalPlan
  let command: String
  /// The journal as the report names it.
  let journal: String
  let results: [CriticalResult]
  /// Answers that the plan asks for.
  let asked: Int
  /// Per dataset in the order of the scenario, models in theirs; those that nothing is known of are left out.
  let groups: [(dataset: String, outcomes: [CriticalOutcome])]

  /// - Throws: `CountOverflow`
  public init(_ plan: CriticalPlan, _ results: [CriticalResult], command: String, journal: String) throws {
    (self.plan, self.results, self.command, self.journal) = (plan, results, command, journal)
    asked = try plan.tasks().reduce(0) { $0 + $1.cases.count }
    groups = try plan.quality.sweep.datasets.map { dataset in
      let outcomes = try dataset.variants.compactMap { name -> CriticalOutcome? in
        let own = results.filter { $0.run.dataset == dataset.name && $0.run.variant.name == name }
        guard let run = own.first?.run else { return nil }
        let rows = try plan.cases(of: run).map { one in
          let same = own.filter { ($0.method, $0.kind, $0.text) == (one.method, one.kind, one.text) }
          return CriticalRow(
            one: one, results: Dictionary(same.map { ($0.run.seed, $0) }, uniquingKeysWith: { $1 }))
        }
        return CriticalOutcome(run: run, rows: rows)
      }
      return (dataset.name, outcomes)
    }.filter { !$0.outcomes.isEmpty }
  }

  var methods: [String] { plan.section.methods.map(\.name) }

  var machines: String {
    results.reduce(into: [String]()) { if !$0.contains($1.machine) { $0.append($1.machine) } }.joined(separator: ", ")
  }
}
