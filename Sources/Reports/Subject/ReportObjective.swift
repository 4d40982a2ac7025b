import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// The points of the detailed model's name and depth, where chunk or condition lengths differ among them.
  var hierarchies: [PointSummary] {
    let same = summaries.filter {
      $0.point.name == point.name && $0.point.model.levelCount == model.levelCount && model.levelCount > 0
    }
    return Set(same.map(\.point.model.hierarchyText)).count > 1 ? same : []
  }

  /// The best point under the objective: among models at the explained workload, or over the grid's workloads.
  var objectiveFinding: String? {
    guard scenario.objective != nil else {
      return summaries.count > 1
        ? "**Nothing is recommended:** the scenario states no objective. With one, such as "
          + "`objective: {minimise: \(objective.member)}`, this line names the best point of the grid."
        : nil
    }
    let here = summaries.filter { $0.point.workload == workload && $0.point.precision == precision }
    let candidates = here.count > 1 ? here : summaries
    guard let best = objective.best(candidates) else {
      return
        "**\(capitalised(objective.text)):** no point of the grid has the figure, fits and keeps to the conditions."
    }
    func value(_ summary: PointSummary) -> String { objective.names.text(summary.number(objective.member)) }
    var text =
      "**\(capitalised(objective.text)):** \(here.count > 1 ? "the best model here" : "the best point") is "
      + "**\(best.point.model.described(as: best.point.name))**, \(value(best))"
    if here.count == 1 { text += " at \(describe(best.point.workload))" }
    if let own = here.first(where: { $0.point.index == point.index }), own.point.index != best.point.index {
      text += " against \(value(own)) of the explained one"
    }
    text += "."
    if let wins = wins(of: best.point.model) { text += " " + wins }
    if isExtreme(best.point.model) {
      text +=
        " These are the longest chunks and the shortest conditions of the grid: cost alone asks for more of both, "
        + "so a measured quality has to set the limit."
    }
    return text + (objective.weighsQuality ? "" : " **Quality is not in it.**")
  }

  /// What maps are drawn for: the scenario's objective, or decode time where it states none.
  var objectiveText: String {
    scenario.objective == nil
      ? "“\(objective.text)”, which stands in where a scenario states no objective" : "the objective, \(objective.text)"
  }

  /// At how many workloads of the grid a hierarchy is the best.
  private func wins(of model: Model) -> String? {
    guard !hierarchies.isEmpty, workloads.count > 1 else { return nil }
    let winners = bestHierarchies
    let count = winners.count { $0?.point.model == model }
    let none = winners.count { $0 == nil }
    let nothing = none > 0 ? "; at \(number(none)) no hierarchy fits" : ""
    return "It is the best at \(number(count)) of the grid's \(number(winners.count)) workloads\(nothing)."
  }

  /// The best hierarchy of each workload; nil where none is admitted.
  var bestHierarchies: [PointSummary?] {
    let groups = Dictionary(grouping: hierarchies, by: \.point.workload)
    return workloads.compactMap { groups[$0] }.map { objective.best($0) }
  }

  /// Whether no hierarchy of the grid has longer chunks or shorter conditions.
  private func isExtreme(_ best: Model) -> Bool {
    let models = hierarchies.map(\.point.model)
    return !models.isEmpty
      && models.allSatisfy { other in
        zip(best.levels, other.levels).allSatisfy {
          $0.chunkLength >= $1.chunkLength && $0.conditionLength <= $1.conditionLength
        }
      }
  }
}
