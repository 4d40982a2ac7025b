import Architectures
import Formulas
import Quantities
import Reports
import Scenarios

extension ReportSubject {
  /// Answers in plain words, every number computed from the closed forms.
  func findings(_ document: inout MarkdownDocument) {
    document.heading("Findings")
    document.paragraph("For `\(point.name)` (\(model.hierarchyText)) at \(describe(workload)), unless said otherwise.")
    var items = Phase.allCases.filter { timed[$0].time > .zero }.map(boundFinding)
    items += contenders.dropFirst().map(overtakingFinding)
    items += contenders.dropFirst().map(continuationsFinding)
    items.append(sharedPrefillFinding)
    items.append(contentsOf: cacheFindings)
    items.append(objectiveFinding)
    items.append(limitFinding)
    document.list(items)
  }

  private func boundFinding(_ phase: Phase) -> String {
    let figure = timed[phase]
    let name = phase == .prefill ? "Prefill" : "Decode"
    return "**\(name)** takes \(seconds(figure.time)) and is **\(figure.bound.rawValue)-bound** by "
      + "\(ratio(figure.margin)) (\(NumberFormat.significant(3).text(figure.intensity)) FLOP per byte). "
      + flips("batch", batchFlips(phase, model, workload, precision, roofline), figure.bound, limit: 65_536) + "; "
      + flips("prompt", contextFlips(phase, model, workload, precision, roofline), figure.bound, limit: 16_777_216) + "."
  }

  private func flips(_ quantity: String, _ crossings: [Crossing], _ bound: Bound, limit: Int) -> String {
    guard !crossings.isEmpty else { return "it stays so at every \(quantity) up to \(number(limit))" }
    let places = crossings.prefix(3).map { crossing in
      let unreachable = quantity == "batch" && (timed.largestBatch.map { crossing.integer > $0 } ?? false)
      return "\(crossing.rises ? "compute" : "memory")-bound from \(quantity) \(number(crossing.integer))"
        + (unreachable ? " (more than fits: at most \(number(timed.largestBatch ?? 0)))" : "")
    }
    return "it turns " + places.joined(separator: ", ")
  }

  private func overtakingFinding(_ rival: NamedModel) -> String {
    let limit = 1 << 24
    let own = timePerToken(model, workload)
    let other = timePerToken(rival.model, workload)
    let here = "here \(seconds(own)) against \(seconds(other)) per token, \(ratio(other.value / own.value)) as fast"
    let from = overtakes(
      in: 1...limit, { timePerToken(model, workload.with(promptLength: $0)) },
      { timePerToken(rival.model, workload.with(promptLength: $0)) })
    let place =
      switch from {
      case 1: "is faster than that of `\(rival.name)` at every context from one token on"
      case .some(let context): "overtakes that of `\(rival.name)` from a prompt of **\(number(context))** tokens on"
      case nil: "does not overtake that of `\(rival.name)` at any prompt up to \(number(limit)) tokens"
      }
    return "Its decode \(place) (\(here))."
  }

  private func continuationsFinding(_ rival: NamedModel) -> String {
    func total(_ model: Model, _ continuations: Int) -> Seconds {
      var workload = workload
      workload.continuations = continuations
      let phases = phases(model, workload)
      return phases.prefill.total.time + phases.decode.total.time
    }
    let limit = Limits.continuations
    switch overtakes(in: 1...limit, { total(model, $0) }, { total(rival.model, $0) }) {
    case 1:
      return "Prefill and decode together take less time than those of `\(rival.name)` from the first continuation of "
        + "a prompt: \(seconds(total(model, 1))) against \(seconds(total(rival.model, 1)))."
    case .some(let count):
      return "Its dearer prefill is repaid against `\(rival.name)` once a prompt is continued **\(number(count))** times."
    case nil:
      return "No number of continuations up to \(number(limit)) makes it cheaper in time than `\(rival.name)`."
    }
  }

  /// Where the shared part of the work is no longer the larger one.
  private var sharedPrefillFinding: String {
    func phases(_ continuations: Int) -> TimedPhases {
      var workload = workload
      workload.continuations = continuations
      return self.phases(model, workload)
    }
    let repaid = overtakes(
      in: 1...Limits.continuations, { phases($0).prefill.total.time }, { phases($0).decode.total.time })
    let (one, four) = (phases(1), phases(4))
    let apart = 4 * (one.prefill.total.time.value + one.decode.total.time.value)
    let together = four.prefill.total.time.value + four.decode.total.time.value
    let saved = "four continuations that share a prefill take \(ratio(apart / together)) less time than four requests"
    switch repaid {
    case 1: return "Decode outweighs the shared prefill from the first continuation on; \(saved)."
    case .some(let count):
      return "A shared prefill outweighs decode up to **\(number(count - 1))** continuations; \(saved)."
    case nil: return "A shared prefill outweighs decode at every number of continuations; \(saved)."
    }
  }

  private var cacheFindings: [String] {
    let own = cost.cache.bytesAtEnd
    return contenders.dropFirst().compactMap { rival in
      guard own > 0, let other = try? price(rival.model, workload, precision).cache.bytesAtEnd else { return nil }
      return "It keeps \(NumberFormat.binaryBytes.text(own)) of cache at the end where `\(rival.name)` keeps "
        + "\(NumberFormat.binaryBytes.text(other)): \(ratio(Double(other) / Double(own))) less."
    }
  }

  private var objectiveFinding: String {
    let asked = "Objective (\(scenario.objective == nil ? "default: " : "")\(objective.text))"
    let same = summaries.filter { $0.point.workload == workload }
    guard let best = objective.best(summaries) else { return "\(asked): no point fits and keeps to the conditions." }
    func text(_ summary: PointSummary) -> String {
      "`\(summary.point.name)` with \(summary.point.model.hierarchyText) reaches "
        + objective.format.text(summary.value(objective.member))
    }
    var answer = "\(asked): best of the grid, **\(text(best))** at \(describe(best.point.workload))"
    if same.count > 1, let here = objective.best(same) { answer += "; at the workload above, **\(text(here))**" }
    return answer + (scenario.quality == nil ? ". Quality is not in it." : ".")
  }

  /// Amdahl's law on the costliest node of decode.
  private var limitFinding: String {
    let phase = workload.generatedLength > 0 ? Phase.decode : .prefill
    let estimate = phase == .decode ? timed.decode : timed.prefill
    var largest = (node: Node(0, .decoder, .head), figure: TimeFigure())
    for entry in estimate.nodes where entry.figure.time > largest.figure.time { largest = entry }
    let share = estimate.total.time == .zero ? 0 : largest.figure.time.value / estimate.total.time.value
    let gain = share < 1 ? ratio(1 / (1 - share)) : "any factor"
    return "What limits further gain: `\(largest.node)` takes **\(percent(share))** of \(phase.rawValue) time and is "
      + "\(largest.figure.bound.rawValue)-bound; without it \(phase.rawValue) would be at most \(gain) faster, so a "
      + "change elsewhere cannot gain more than \(ratio(1 / max(share, 1e-9)))."
  }
}
