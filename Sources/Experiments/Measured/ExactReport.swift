import Architectures
import Quantities
import Rendering
import Scenarios
import Validation

/// The exact part of `photon validate`: a scenario's points, the grid of small hierarchies and the seeded sample.
package struct ExactReport {
  /// Dispatched operations that the scenario's points may take together: a few seconds; ten times that if exhaustive.
  package static let budget = 2e7
  /// Points of the seeded sample, and of an exhaustive one.
  package static let sampleCount = (400, 4000)

  /// The scenario's path.
  package let file: String
  /// What all comparisons found.
  package let result: ExactResult
  /// Points of the scenario's grid, those that constraints exclude included, and how many were executed.
  package let scenarioPoints: Int
  /// Points of the grid that were executed.
  package let executedPoints: Int

  /// - Throws: `CountOverflow`
  package init(_ scenario: Scenario, exhaustive: Bool, scenarioOnly: Bool = false) throws {
    file = scenario.file
    let grid = scenario.grid
    func runs(_ point: ScenarioPoint) -> [Question] {
      ([point.model] + scenario.compare.map(\.model)).filter { $0.accepts(point.workload) }.map {
        Question($0, point.workload, point.precision)
      }
    }
    let chosen = affordablePositions(count: grid.count, budget: exhaustive ? 10 * Self.budget : Self.budget) { index in
      grid.point(at: index).map { runs($0).reduce(0) { $0 + executionEffort($1) } }
    }
    scenarioPoints = grid.count
    executedPoints = chosen.count
    var points = chosen.compactMap { grid.point(at: $0) }.flatMap(runs)
    if !scenarioOnly {
      points += ExactGrid.baselines + ExactGrid().allPoints(every: exhaustive ? 1 : 7)
      points += ExactGrid.cachePlans + ExactGrid.styles
      points += SeededSample(count: exhaustive ? Self.sampleCount.1 : Self.sampleCount.0).points
    }
    var result = try validateExactly(points)
    if !scenarioOnly {
      let allocated =
        ExactGrid.baselines + ExactGrid.cachePlans + ExactGrid.styles
        + ExactGrid().allPoints(every: exhaustive ? 20 : 200)
      result += try validateExactly(allocated, allocates: true)
    }
    self.result = result
  }

  /// The result for programs.
  package var json: JSON {
    .object([
      ("checked", JSON(result.checked)), ("mismatches", JSON(result.mismatchCount)), ("points", JSON(result.points)),
      ("scenario_points", JSON(scenarioPoints)), ("scenario_points_executed", JSON(executedPoints)),
      (
        "disagreements",
        .array(
          result.mismatches.map { mismatch in
            .object([
              ("place", .string(mismatch.place)), ("quantity", .string(mismatch.quantity)),
              ("formula", .integer(mismatch.formula)), ("executed", .integer(mismatch.executed)),
              ("reproduce", .string(command(mismatch))),
            ])
          })
      ),
    ])
  }

  /// For a person: what was compared, and the first mismatches with the commands that show them again.
  package var text: String {
    var text = ""
    for mismatch in result.mismatches {
      text += "mismatch: \(mismatch)\n  \(command(mismatch))\n"
    }
    if result.mismatchCount > result.mismatches.count {
      text += "and \(result.mismatchCount - result.mismatches.count) more mismatches\n"
    }
    if executedPoints < scenarioPoints {
      text +=
        "\(executedPoints) of the scenario's \(scenarioPoints) points were executed, evenly spaced; the others are "
        + "excluded by constraints or would take too long\n"
    }
    return text
      + "\(result.points) points, \(result.checked) integers compared, \(result.mismatchCount) mismatches\n"
  }

  /// Why nothing was compared, and what to do about it; nil where something was.
  package var nothing: String? {
    guard result.checked == 0 else { return nil }
    return
      "nothing to compare: \(scenarioPoints == 1 ? "the point" : "none of the \(scenarioPoints) points") of \(file) "
      + "\(scenarioPoints == 1 ? "would take too long to execute" : "can be executed in time and within the constraints"); "
      + "make them smaller, for example with --set workload.generate=8, or leave --scenario-only out"
  }

  /// What a person types to see a mismatch again, and nothing else.
  private func command(_ mismatch: Mismatch) -> String {
    "photon validate \(shellQuoted(file)) --scenario-only --no-measure "
      + PointArguments.shellText(mismatch.question)
  }
}

extension Model {
  /// A stack has nothing to predict from without a prompt, and no embedding of positions that were not learned.
  fileprivate func accepts(_ workload: Workload) -> Bool { workload.problems(for: self).isEmpty }
}
