import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// Points of a front that a table shows, and beaten models that a sentence names, before either is too long to read.
  /// Chosen.
  private static let mostShown = 24
  private static let mostBeaten = 12

  /// Models at the explained workload that no other equals or beats in every figure.
  func paretoSection(_ report: inout ReportBuilder) async throws {
    let rivals = summaries.filter {
      $0.point.workload == workload && $0.fits && $0.point.precision == precision
        && (quality == nil || $0.quality != nil)
    }
    guard rivals.count > 1 else { return }
    let front = paretoSet(rivals)
    report.document.heading("Pareto set")
    let figures =
      quality.map { "\($0.figure), decode time and cache" } ?? "prefill time, decode time, cache and parameters"
    let place =
      "\(number(front.count)) of \(number(rivals.count)) models at \(describe(workload)) are not beaten in "
      + "\(figures) at once by another."
    if let quality {
      report.document.paragraph(
        "\(place) \(codeSpan(quality.figure)) is the scenario's quality table, \(quality.isSmallerBetter ? "smaller" : "larger") "
          + "is better; costs are computed.")
    } else {
      report.document.paragraph(
        "\(place) **Quality is not in it:** the scenario names no quality table. Longer chunks and shorter conditions cost "
          + "less and predict worse, which no cost model can weigh; a model outside the set may well be the one to build."
      )
    }
    let batch = Int128(workload.batchSize)
    let columns: [TableColumn<PointSummary>] =
      [
        TableColumn(.text("model")) { Cell(codeSpan($0.point.name)) },
        TableColumn(.text("hierarchy")) { Cell($0.point.model.hierarchyText) },
      ] + (quality.map { [PointFigure.quality.reported($0.figure)] } ?? [])
      + [
        PointFigure.phase(.timePerToken, .decode).reported(), PointFigure.phase(.time, .prefill).reported(),
        TableColumn(Column("cache", "persistent cache per prompt", as: .binaryBytes)) {
          Cell($0.totals.cache.bytesAtEnd / batch)
        },
        PointFigure.asked(.parameters).reported(),
      ]
    let table = Table(columns, of: front.prefix(Self.mostShown))
    report.document.table(table)
    if let quality {
      try await report.figure(
        qualityChart(rivals, quality), "quality",
        caption: "Throughput at the largest batch that fits against \(quality.figure), \(describe(workload)).")
    }
    if front.count > Self.mostShown {
      report.document.paragraph("The first \(Self.mostShown) by decode time are shown.")
    }
  }

  /// Throughput at the largest batch against quality, a line per architecture.
  private func qualityChart(_ summaries: [PointSummary], _ quality: QualityTable) -> LineChart {
    let series = Family.comparisonOrder.compactMap { family -> LineChart.Series? in
      let points = summaries.of(family).compactMap { summary in
        summary.quality.flatMap { value in summary.serving.atLargestBatch.map { (x: value, y: $0.throughput.perSecond) }
        }
      }
      guard !points.isEmpty else { return nil }
      return LineChart.Series(family.rawValue, points.sorted { $0.x < $1.x }, colour: family.colour)
    }
    let better = quality.isSmallerBetter ? "left" : "right"
    return LineChart(
      "Upper \(better) is better: throughput at the largest batch against \(quality.figure)",
      subtitle:
        "\(profile.name), prompt \(workload.promptLength), \(workload.generatedLength) generated; one point per model",
      x: Axis(quality.figure), y: Axis("throughput (token/s)", .log10, format: .si(unit: "")), series: series)
  }

  /// The points that no other equals or beats in every figure, by decode time.
  private func paretoSet(_ points: [PointSummary]) -> [PointSummary] {
    points.filter { candidate in !points.contains { dominates($0, candidate) } }
      .sorted { ($0.decode.time.value, $0.point.index) < ($1.decode.time.value, $1.point.index) }
  }

  /// With a quality table, the models that another beats in everything a person would weigh; in words.
  var beatenFinding: String? {
    guard let quality else { return nil }
    let rivals = summaries.filter {
      $0.point.workload == workload && $0.fits && $0.point.precision == precision && $0.quality != nil
    }
    let beaten = rivals.compactMap { loser -> String? in
      let winner = paretoSet(rivals).first { dominates($0, loser) }
      return winner.map { "\(codeSpan(loser.point.name)) by \(codeSpan($0.point.name))" }
    }
    guard !beaten.isEmpty, beaten.count <= Self.mostBeaten else { return nil }
    return "**With the quality table** some models are beaten in \(quality.figure), decode time and cache at once: "
      + beaten.joined(separator: ", ") + ". The rest is a choice."
  }

  /// Whether a point is at least as good as another in every figure and better in one.
  private func dominates(_ left: PointSummary, _ right: PointSummary) -> Bool {
    func figures(_ summary: PointSummary) -> [Double] {
      let common = [summary.decode.time.value, Double(summary.totals.cache.bytesAtEnd)]
      guard let quality, let value = summary.quality else {
        return common + [summary.prefill.time.value, Double(summary.parameterCount)]
      }
      return common + [quality.isSmallerBetter ? value : -value]
    }
    let pairs = zip(figures(left), figures(right))
    return pairs.allSatisfy { $0 <= $1 } && pairs.contains { $0 < $1 }
  }
}
