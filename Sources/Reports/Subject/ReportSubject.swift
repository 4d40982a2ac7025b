import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

/// Everything the sections of a report read: the scenario, its priced grid, and the point explained in detail.
public struct ReportSubject: Sendable {
  /// A report keeps every point in memory; larger grids are for `photon sweep`. Chosen.
  static let pointLimit = 500_000

  /// What was asked.
  public let scenario: Scenario
  /// The first of the scenario's profiles, on which everything is priced.
  public let profile: HardwareProfile
  /// Those after the first: the explained point is priced on them too.
  let otherProfiles: [HardwareProfile]
  let roofline: Roofline
  let command: String
  /// Every point of the grid that no constraint excludes, in order.
  public let summaries: [PointSummary]
  /// The point explained in detail: a PHOTON model with the published lengths where the grid has one, else its first
  /// PHOTON model, else its first point.
  public let point: ScenarioPoint
  let cost: ExactCost
  let timed: TimedPoint
  /// The detailed model first, then a Block Transformer and a vanilla Transformer where there are any.
  public let contenders: [NamedModel]
  let objective: Objective
  let quality: QualityTable?
  /// What is worth a word about the tables that the scenario names.
  public var remarks: [Diagnostic] { quality?.remarks ?? [] }
  /// Measured answers of small models, where the scenario names them.
  let answers: CriticalSubject?
  /// Measured times of small models, where the scenario names them.
  let times: TimedMethods?

  /// - Parameters:
  ///   - scenario: whose grid is priced.
  ///   - profiles: the machines, on the first of which everything is priced.
  ///   - command: the arguments that make this report, as the header shows them.
  ///   - answers: of small models, whose critical footprints stand beside cache methods.
  ///   - times: of small models, which stand beside cache methods too.
  /// - Throws: `ScenarioError` for a grid that is too large and for a wrong quality table, `HardwareError`,
  ///   `CountOverflow`
  /// - Precondition: at least one profile.
  public init(
    _ scenario: Scenario, on profiles: [HardwareProfile], command: String, answers: CriticalSubject? = nil,
    times: TimedMethods? = nil
  ) throws {
    precondition(!profiles.isEmpty, "a report needs a hardware profile")
    guard scenario.grid.count <= Self.pointLimit else {
      let axis = scenario.grid.axes[0]
      throw ScenarioError([
        Diagnostic(
          axis.position, path: axis.path, found: "a report over \(scenario.grid.count) points",
          accepted: "at most \(Self.pointLimit): narrow the grid with --set, or use photon sweep")
      ])
    }
    let profile = profiles[0]
    let quality = try scenario.quality.map { try QualityTable(file: $0, axes: scenario.grid.axes.map(\.path)) }
    var pricer = Pricer()
    var summaries: [PointSummary] = []
    for point in scenario.grid.points {
      var summary = try PointSummary(point, on: profile, &pricer)
      summary.quality = quality?.value(of: point, in: scenario.grid)
      summaries.append(summary)
    }
    let subjects = summaries.filter(\.point.model.family.isSubject)
    let chosen = subjects.first { $0.point.model.hasPublishedLengths } ?? subjects.first ?? summaries.first
    guard let point = chosen?.point else { preconditionFailure("the grid of a scenario has a point") }
    self.scenario = scenario
    self.profile = profile
    self.command = command
    self.summaries = summaries
    self.point = point
    self.quality = quality
    self.answers = answers
    self.times = times
    otherProfiles = Array(profiles.dropFirst())
    roofline = try Roofline(profile, point.precision)
    cost = try price(point.question)
    timed = try TimedPoint(point.question, on: profile)
    contenders = Self.contenders(scenario, point)
    objective = scenario.objective ?? (point.workload.generatedLength > 0 ? .fastestDecode : .fastestPrefill)
  }

  /// Baselines are those of `compare:`; else the grid's own models of other families, nearest in parameters.
  private static func contenders(_ scenario: Scenario, _ point: ScenarioPoint) -> [NamedModel] {
    let own = parameters(of: point.model).total
    let others = scenario.compare.isEmpty ? scenario.grid.models.compactMap { $0 } : scenario.compare
    let baselines = Family.comparisonOrder.filter { $0 != point.model.family }.compactMap { family in
      others.of(family).min { left, right in
        (parameters(of: left.model).total - own).magnitude < (parameters(of: right.model).total - own).magnitude
      }
    }
    return [NamedModel(name: point.name, model: point.model)] + baselines
  }

  /// The scenario's file as the report names it.
  var file: String { shownPath(scenario.file) }
  /// The explained point.
  public var question: Question { point.question }
  /// Of the explained point.
  public var workload: Workload { point.workload }
  /// Of the explained point.
  public var model: Model { point.model }
  /// Of the explained point.
  public var precision: Precision { point.precision }
  var rivals: ArraySlice<NamedModel> { contenders.dropFirst() }

  /// Both phases of any model at any workload on the report's machine.
  func phases(_ question: Question) -> TimedPhases {
    TimedPhases(question, roofline)
  }

  /// Decode time per emitted token of one sequence.
  func timePerToken(_ question: Question) -> Seconds {
    Seconds(phases(question).decode.total.time.value / Double(max(1, question.workload.generatedLength)))
  }

  /// Prefill and the emission of one token.
  func timeToFirstToken(_ question: Question) -> Seconds { phases(question).timeToFirstToken }

  /// Whether both times of the explained point can be compared.
  var timesAreNumbers: Bool { Phase.allCases.allSatisfy { timed[$0].time.isNumber } }

  /// The phases of the explained point that take a time which can be compared and drawn.
  var phasesWithWork: [Phase] { Phase.allCases.filter { timed[$0].time > .zero && timed[$0].time.isNumber } }

  /// Different workloads of the grid in its order.
  var workloads: [Workload] {
    var seen: Set<Workload> = []
    return summaries.map(\.point.workload).filter { seen.insert($0).inserted }
  }

  /// At most four workloads that span the grid: all of a short list, else the corners over prompt and batch.
  var cornerWorkloads: [Workload] {
    let all = workloads
    guard all.count > 4 else { return all }
    let like = all.filter {
      $0.generatedLength == workload.generatedLength && $0.continuations == workload.continuations
    }
    let prompts = like.map(\.promptLength).sorted()
    let batches = like.map(\.batchSize).sorted()
    let corners = [prompts.first!, prompts.last!].flatMap { prompt in
      [batches.first!, batches.last!].map { workload.with(promptLength: prompt).with(batchSize: $0) }
    }
    return corners.reduce(into: []) { if all.contains($1), !$0.contains($1) { $0.append($1) } }
  }
}

extension TimedPhases {
  var timeToFirstToken: Seconds { prefill.total.time + emission.total.time }
}
