import Architectures
import Formulas
import Quantities
import Rendering

/// What the points of some hierarchies wait for at one level.
struct LevelBounds {
  var compute = 0, memory = 0
  /// Of those, the points whose level is predicted to wait for the same.
  var agreeing = 0

  var points: Int { compute + memory }

  /// Levels of points that have a measured bound there; where most of a level's time is predicted to wait for one
  /// resource, that is its predicted bound.
  init(_ points: [TimedPhasePoint], level: Int) {
    for point in points {
      let nodes = point.nodes.filter { $0.node.level == level }
      // A level that moves bytes and computes nothing has no two resources to choose from.
      guard nodes.contains(where: { $0.work.matmulFlops + $0.work.elementwiseFlops > 0 }),
        let regime = nodes.lazy.compactMap(\.regime).first
      else { continue }
      let balance = nodes.reduce(0) { $0 + ($1.predictedBound == .compute ? $1.predicted : -$1.predicted) }
      compute += regime.bound == .compute ? 1 : 0
      memory += regime.bound == .memory ? 1 : 0
      agreeing += regime.bound == (balance > 0 ? .compute : .memory) ? 1 : 0
    }
  }

  var text: String {
    switch (compute, memory) {
    case (0, 0): "–"
    case (_, 0): "compute (\(compute))"
    case (0, _): "memory (\(memory))"
    default: "compute (\(compute)), memory (\(memory))"
    }
  }
}

/// Sentences of one kind that a reader takes in. Chosen.
private let mostSentences = 4

extension Array {
  /// Those that the most stands behind, in the order in which they stand; what they are few enough of, all.
  func mostTelling(_ weight: (Element) -> Int) -> [Element] {
    let heaviest = indices.sorted { (weight(self[$1]), $0) < (weight(self[$0]), $1) }.prefix(mostSentences)
    return heaviest.sorted().map { self[$0] }
  }
}

extension TimedSubject {
  /// Which C and R wait for what at each level, over all workloads.
  func levelSection(_ document: inout MarkdownDocument) {
    let hierarchies = toldHierarchies
    guard !hierarchies.isEmpty else { return }
    let levels = 0...(hierarchies.map { $0[0].question.model.levelCount }.max() ?? 0)
    document.heading("Bounds of each level")
    document.paragraph(
      "By measurement, with the number of workloads in brackets; a dash where no sign speaks or the level computes nothing."
    )
    var table = Table(
      [.text("model"), .text("lengths"), .text("phase")] + levels.map { .text("level\($0)", "level \($0)") })
    for points in hierarchies {
      let model = points[0].question.model
      table.append(
        [
          Cell(codeSpan(points[0].variant)), Cell(model.levels.isEmpty ? "–" : model.hierarchyText),
          Cell(points[0].phase.rawValue),
        ] + levels.map { Cell(LevelBounds(points, level: $0).text) })
    }
    document.table(table)
    let all = levels.reduce((agreeing: 0, points: 0)) { sum, level in
      let bounds = LevelBounds(quiet, level: level)
      return (sum.agreeing + bounds.agreeing, sum.points + bounds.points)
    }
    document.paragraph(
      "The prediction, taken for a level as what most of its time waits for, says the same in "
        + "\(wholePercent(Double(all.agreeing) / Double(all.points))) of the \(number(all.points)) levels with a measured bound."
    )
  }

  /// Points of one model and phase where some level has a measured bound.
  private var toldHierarchies: [[TimedPhasePoint]] {
    quiet.filter { $0.nodes.contains { $0.regime != nil } }.inOrder {
      [AnyHashable($0.question.model), AnyHashable($0.phase)]
    }
  }

  /// One sentence for each variant and phase of which the most lengths were measured: for which C and R it is bound by what
  /// at each level. The table has the others.
  var levelFindings: [String] {
    toldHierarchies.filter { !$0[0].question.model.levels.isEmpty }
      .inOrder { "\($0[0].variant) \($0[0].phase)" }.filter { $0.count > 1 }.mostTelling(\.count).map { hierarchies in
        let first = hierarchies[0][0]
        let parts = (0...first.question.model.levelCount).compactMap { level -> String? in
          levelText(hierarchies, level).map { "level \(level) is \($0)" }
        }
        return
          "**\(first.phase.title) of \(codeSpan(first.variant))**, measured over \(hierarchies.count) choices of C and R: "
          + parts.joined(separator: "; ") + "."
      }
  }

  private func levelText(_ hierarchies: [[TimedPhasePoint]], _ level: Int) -> String? {
    let told = hierarchies.map { ($0[0].question.model, LevelBounds($0, level: level)) }.filter { $0.1.points > 0 }
    guard !told.isEmpty else { return nil }
    let compute = told.filter { $0.1.memory == 0 }.map(\.0)
    let memory = told.filter { $0.1.compute == 0 }.map(\.0)
    if compute.count == told.count { return "compute-bound for all of them, at every batch and context" }
    if memory.count == told.count { return "memory-bound for all of them, at every batch and context" }
    func list(_ models: [Model], _ word: String) -> String? {
      guard !models.isEmpty else { return nil }
      let names = models.count <= 3 ? " (\(models.map(\.hierarchyText).joined(separator: "; ")))" : ""
      return "\(word) throughout for \(models.count)\(names)"
    }
    let mixed = told.count - compute.count - memory.count
    let share = told.reduce((0, 0)) { ($0.0 + $1.1.compute, $0.1 + $1.1.points) }
    let changing =
      mixed == 0
      ? nil
      : "bound by either, depending on batch and context, for \(mixed == told.count ? "all of them" : "\(mixed)") "
        + "(compute in \(wholePercent(Double(share.0) / Double(share.1))) of all points)"
    let untold = hierarchies.count == told.count ? nil : "not told for \(hierarchies.count - told.count)"
    return [list(compute, "compute-bound"), list(memory, "memory-bound"), changing, untold].compactMap(\.self)
      .joined(separator: ", ")
  }
}
