import Architectures
import Formulas
import Hardware
import Quantities
import Reports
import Scenarios

/// Everything the sections of a report read: the scenario, its priced grid, and the point explained in detail.
public struct ReportSubject: Sendable {
  /// A report keeps every point in memory; larger grids are for `photon sweep`.
  static let pointLimit = 500_000

  public let scenario: Scenario
  public let profile: HardwareProfile
  let roofline: Roofline
  let command: String
  let summaries: [PointSummary]
  /// The first point of a PHOTON model, or the first of all.
  public let point: ScenarioPoint
  let cost: ExactCost
  let timed: TimedPoint
  /// The detailed model first, then a Block Transformer and a vanilla Transformer where there are any.
  let contenders: [NamedModel]
  let objective: Objective

  /// - Parameter command: the arguments that make this report, as the header shows them.
  /// - Throws: `ScenarioError` for a grid that is too large or empty, `HardwareError`, `CountOverflow`
  public init(_ scenario: Scenario, on profile: HardwareProfile, command: String) throws {
    func refuse(_ found: String, _ accepted: String) -> ScenarioError {
      ScenarioError([Diagnostic(Position(file: scenario.file), path: "", found: found, accepted: accepted)])
    }
    guard scenario.grid.count <= Self.pointLimit else {
      throw refuse(
        "a report over \(scenario.grid.count) points",
        "at most \(Self.pointLimit): narrow the grid with --set, or use photon sweep")
    }
    var pricer = Pricer()
    var summaries: [PointSummary] = []
    for point in scenario.grid.points { summaries.append(try PointSummary(point, on: profile, &pricer)) }
    guard let point = (summaries.first { $0.point.model.family == .photon } ?? summaries.first)?.point else {
      throw refuse("the constraints exclude every point", "constraints that leave at least one")
    }
    self.scenario = scenario
    self.profile = profile
    self.command = command
    self.summaries = summaries
    self.point = point
    roofline = try Roofline(profile, point.precision)
    cost = try price(point.model, point.workload, point.precision)
    timed = try TimedPoint(point.model, point.workload, point.precision, on: profile)
    contenders = Self.contenders(scenario, point)
    objective = scenario.objective ?? .fastestDecode
  }

  /// Baselines are those of `compare:`; else the grid's own models of other families, nearest in parameters.
  private static func contenders(_ scenario: Scenario, _ point: ScenarioPoint) -> [NamedModel] {
    let own = parameters(of: point.model).total
    let others = scenario.compare.isEmpty ? scenario.grid.models.compactMap { $0 } : scenario.compare
    let baselines = [Family.photon, .block, .vanilla].filter { $0 != point.model.family }.compactMap { family in
      others.filter { $0.model.family == family }.min { left, right in
        (parameters(of: left.model).total - own).magnitude < (parameters(of: right.model).total - own).magnitude
      }
    }
    return [NamedModel(name: point.name, model: point.model)] + baselines
  }

  var workload: Workload { point.workload }
  var model: Model { point.model }
  var precision: Precision { point.precision }

  /// Both phases of any model at any workload on the report's machine.
  func phases(_ model: Model, _ workload: Workload) -> TimedPhases {
    TimedPhases(model, workload, precision, roofline)
  }

  /// Decode time per emitted token of one sequence.
  func timePerToken(_ model: Model, _ workload: Workload) -> Seconds {
    Seconds(phases(model, workload).decode.total.time.value / Double(max(1, workload.generatedLength)))
  }

  /// `batch 4, prompt 256, 32 generated`.
  func describe(_ workload: Workload) -> String {
    let continuations = workload.continuations > 1 ? ", \(workload.continuations) continuations" : ""
    return "prompt \(number(workload.promptLength)), \(number(workload.generatedLength)) generated, "
      + "batch \(number(workload.batchSize))\(continuations)"
  }
}

// MARK: Numbers in running text

func number(_ value: Int) -> String { NumberFormat.exact.text(Int128(value)) }
func seconds(_ value: Seconds) -> String { NumberFormat.si(unit: "s").text(value.value) }
func percent(_ share: Double) -> String { NumberFormat.percent(decimals: 1).text(100 * share) }
func ratio(_ value: Double) -> String { NumberFormat.ratio.text(value) }

/// How a figure of an objective is written: its unit is the last part of its name.
struct NumberFormatOfMember {
  let format: NumberFormat
  let unit: String

  init(_ member: String) {
    switch true {
    case member.hasSuffix("_per_gib"): (format, unit) = (.si(unit: "token/s/GiB"), "token/s/GiB")
    case member.hasSuffix("tokens_per_s"): (format, unit) = (.si(unit: "token/s"), "token/s")
    case member.hasSuffix("_s"): (format, unit) = (.si(unit: "s"), "s")
    case member.hasSuffix("bytes") || member.contains(".bytes_"): (format, unit) = (.binaryBytes, "byte")
    case member.hasSuffix("_flops"): (format, unit) = (.si(unit: "FLOP"), "FLOP")
    default: (format, unit) = (.exact, "count")
    }
  }

  func text(_ value: Double?) -> String { value.map(format.text) ?? "–" }
}


extension Model {
  /// `C = 4, 4; R = 2, 2`, level by level; the family's name where there are no levels.
  var hierarchyText: String {
    guard !levels.isEmpty else { return family.rawValue }
    let chunks = levels.map { String($0.chunkLength) }.joined(separator: ", ")
    let conditions = levels.map { String($0.conditionLength) }.joined(separator: ", ")
    return "C = (\(chunks)), R = (\(conditions))"
  }
}

extension TimedPoint {
  subscript(phase: Phase) -> TimeFigure { phase == .prefill ? prefill.total : decode.total }
}
