import Architectures
import Formulas
import Quantities
import Rendering

extension TimedPhasePoint {
  /// Arithmetic or traffic half as long again as the other: two times that are off by 20 % in opposite directions move
  /// their ratio by 1.2 / 0.8.
  static let sureMargin = 1.5

  /// Whether the prediction is far from balance.
  var isSure: Bool { max(predictedMargin, 1 / predictedMargin) >= Self.sureMargin }

  /// Predicted and measured bound differ though both are sure.
  var isContradicted: Bool {
    guard let regime, regime.confidence == .high, isSure else { return false }
    return regime.bound != predictedBound
  }

  /// What stands in the cell of a map: C or M, small where the signs are not sure; nothing where none speaks.
  fileprivate var boundLetter: String {
    guard let regime else { return "" }
    let letter = regime.bound == .compute ? "C" : "M"
    return regime.confidence == .high ? letter : letter.lowercased()
  }
}

/// How often predicted and measured bound are the same.
struct BoundAgreement {
  /// Who is sure of a bound.
  enum Sureness: String, CaseIterable {
    case both = "both", measured = "measurement only", predicted = "prediction only", neither = "neither"

    init(_ point: TimedPhasePoint, _ regime: MeasuredRegime) {
      switch (regime.confidence == .high, point.isSure) {
      case (true, true): self = .both
      case (true, false): self = .measured
      case (false, true): self = .predicted
      case (false, false): self = .neither
      }
    }
  }

  var agreeing = 0, points = 0

  var share: Double { Double(agreeing) / Double(points) }

  /// - Parameter points: those without a measured bound are passed over.
  init(_ points: [TimedPhasePoint], _ sureness: Sureness) {
    for point in points {
      guard let regime = point.regime, Sureness(point, regime) == sureness else { continue }
      self.points += 1
      agreeing += regime.bound == point.predictedBound ? 1 : 0
    }
  }
}

/// The phases of one model over batch and context.
private struct RegimeGrid {
  let batches, contexts: [Int]
  /// `cells[batch][context]`; nil where nothing was measured.
  let cells: [[TimedPhasePoint?]]

  init?(_ points: [TimedPhasePoint]) {
    batches = Set(points.map(\.question.workload.batchSize)).sorted()
    contexts = Set(points.map(\.question.workload.promptLength)).sorted()
    let contexts = contexts
    cells = batches.map { batch in
      contexts.map { context in
        points.first { $0.question.workload.batchSize == batch && $0.question.workload.promptLength == context }
      }
    }
    guard batches.count > 1, contexts.count > 1, points.count > 3 else { return nil }
  }

  var points: [TimedPhasePoint] { cells.joined().compactMap(\.self) }
}

extension TimedSubject {
  /// The regime maps of a report at most. Chosen.
  private static var mostRegimeMaps: Int { 3 }

  func regimeSection(_ report: inout ReportBuilder) async throws {
    report.document.heading("Regimes")
    report.document.paragraph(
      "A phase is *compute-bound* where it waits for arithmetic and *memory-bound* where it waits for bytes. The prediction "
        + "says which by the ratio of both times and is called sure where one is \(ratio(TimedPhasePoint.sureMargin)) the "
        + "other or more. A measured bound is sure where at least two independent signs speak and agree.")
    report.document.table(agreementTable)
    let told = quiet.count { $0.regime != nil }
    if told < quiet.count {
      report.document.paragraph(
        "\(number(quiet.count - told)) of \(number(quiet.count)) points have no measured bound: no sign speaks there.")
    }
    disputeText.map { report.document.paragraph($0) }
    let differ = quiet.filter(\.isContradicted)
    if !differ.isEmpty {
      report.document.paragraph(
        "Sure and different, so that one of both is wrong: "
          + differ.prefix(5).map {
            "\($0.phase.rawValue) of \(codeSpan($0.variant)) \($0.question.model.levels.isEmpty ? "" : "with \($0.question.model.hierarchyText) ")"
              + "at \($0.place) (predicted \($0.predictedBound.rawValue))"
          }.joined(separator: "; ")
          + (differ.count > 5 ? "; and \(number(differ.count - 5)) more." : "."))
    }
    let grids = regimeGrids
    for (index, grid) in grids.enumerated() {
      try await report.figure(
        figure(grid), "regimes-\(index + 1)",
        caption:
          "Bounds of \(grid.points[0].phase.rawValue) over batch and context: predicted in colour, measured as a letter."
      )
    }
  }

  /// Where signs contradict each other.
  private var disputeText: String? {
    let disputed = quiet.filter { $0.regime?.dispute != nil }
    guard !disputed.isEmpty else { return nil }
    let shown = disputed.prefix(5).map { point in
      let model = point.question.model
      return "\(point.phase.rawValue) of \(codeSpan(point.variant)) "
        + (model.levels.isEmpty ? "" : "with \(model.hierarchyText) ")
        + "at \(point.place) (\(point.regime?.dispute ?? ""))"
    }
    return "Signs contradict each other at \(number(disputed.count)) of \(number(quiet.count)) points, which counts as "
      + "unsure: " + shown.joined(separator: "; ")
      + (disputed.count > shown.count ? "; and \(number(disputed.count - shown.count)) more." : ".")
  }

  private var agreementTable: Table {
    var table = Table([
      .text("sure", "sure of the bound"), Column("points"), Column("agree"), Column("differ"),
      Column("agree_percent", "agreement", as: .percent(decimals: 1)),
    ])
    for sureness in BoundAgreement.Sureness.allCases {
      let agreement = BoundAgreement(quiet, sureness)
      guard agreement.points > 0 else { continue }
      table.append([
        Cell(sureness.rawValue), Cell(agreement.points), Cell(agreement.agreeing),
        Cell(agreement.points - agreement.agreeing), Cell(100 * agreement.share),
      ])
    }
    return table
  }

  /// Of each variant and phase the hierarchy with the most cells; the largest first.
  private var regimeGrids: [RegimeGrid] {
    let grids = quiet.inOrder { point in
      var question = point.question
      question.workload.batchSize = 0
      question.workload.promptLength = 0
      return [AnyHashable(question), AnyHashable(point.phase)]
    }.compactMap(RegimeGrid.init)
    let best = grids.inOrder { "\($0.points[0].variant) \($0.points[0].phase)" }.map { same in
      same.dropFirst().reduce(same[0]) { $1.points.count > $0.points.count ? $1 : $0 }
    }
    return best.enumerated().sorted { ($1.element.points.count, $0.offset) < ($0.element.points.count, $1.offset) }
      .prefix(Self.mostRegimeMaps).map(\.element)
  }

  private func figure(_ grid: RegimeGrid) -> RegimeMap {
    let first = grid.points[0]
    let sure = grid.points.filter { $0.regime?.confidence == .high && $0.isSure }
    let differ = sure.count(where: \.isContradicted)
    let model = first.question.model
    return RegimeMap(
      sure.isEmpty
        ? "\(first.phase.title): no bound is sure on both sides"
        : differ == 0
          ? "\(first.phase.title): all \(sure.count) bounds that are sure on both sides agree"
          : "\(first.phase.title): \(differ) of \(sure.count) bounds that are sure on both sides differ",
      subtitle: first.variant + (model.levels.isEmpty ? "" : ", \(model.hierarchyText)"),
      x: "\(first.phase == .prefill ? "prompt" : "context") (tokens)", xValues: grid.contexts.map(Double.init),
      y: "batch (sequences)", yValues: grid.batches.map(Double.init),
      regimes: [
        .init("predicted: compute", RegimeMap.Regime.compute.colour),
        .init("predicted: memory", RegimeMap.Regime.memory.colour), .init("not measured", .missing, isGap: true),
      ],
      cells: grid.cells.map { row in
        row.map { point in
          guard let point else { return RegimeMap.Cell(2) }
          return RegimeMap.Cell(
            point.predictedBound == .compute ? 0 : 1, point.boundLetter, isFramed: point.isContradicted)
        }
      },
      notes: ["C, M: measured, sure", "c, m: measured, unsure", "frame: both sure, differ"])
  }
}
