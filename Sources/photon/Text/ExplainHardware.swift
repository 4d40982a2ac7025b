import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

/// What `photon explain` says of machines.
extension ExplainedPoint {
  var hardwareTable: Table {
    var table = Table(
      title: "Hardware (margin: the larger of compute and memory time over the smaller)",
      [
        .text("name"), .text("phase"), Column("time_s", "time", as: .si(unit: "s")),
        Column("time_per_token_s", "per token", as: .si(unit: "s")), .text("bound"), Column("margin", as: .ratio),
        Column("throughput_tokens_per_s", "tokens/s", as: .significant(3)),
        Column("tpm_tokens_per_s_per_gib", "tokens/s/GiB", as: .significant(3)),
        Column("largest_batch", "largest batch"),
      ])
    let emits = point.workload.generatedLength > 0
    for timed in timed.map(\.point) {
      let figures = timed.figures
      table.append([
        .text(timed.machine(.prefill)), .text("prefill"), Cell(timed.prefill.total.time.value), .missing,
        timed.prefill.total.boundCell, timed.prefill.total.marginCell, .missing, .missing, .missing,
      ])
      table.append([
        .text(timed.machine(.decode)), .text("decode"), Cell(timed.decode.total.time.value),
        Cell(figures.timePerOutputToken?.value), timed.decode.total.boundCell, timed.decode.total.marginCell,
        Cell(emits ? figures.throughput.perSecond : nil),
        Cell(emits ? figures.throughputPerSampleGibibyte : nil),
        timed.largestBatch.map { $0 == 0 ? "none fits" : Cell($0) } ?? .missing,
      ])
    }
    return table
  }

  /// What tokens cost where profiles have a price or a power; without rows where none has.
  var tokenCostTable: Table {
    var table = Table(
      title: "A million emitted tokens, prefill included: price, and energy at full board power",
      [
        .text("name"), Column("cost_usd_per_million_tokens", "cost ($)", as: .significant(3)),
        Column("energy_j_per_million_tokens", "energy", as: .si(unit: "J")),
        Column("cost_at_largest_batch_usd_per_million_tokens", "at the largest batch ($)", as: .significant(3)),
        Column("energy_at_largest_batch_j_per_million_tokens", "at the largest batch", as: .si(unit: "J")),
      ])
    for timed in timed.map(\.point) where timed.cost != TokenCost() {
      table.append([
        .text(timed.machine()), Cell(timed.cost.dollars), Cell(timed.cost.joules),
        Cell(timed.costAtLargestBatch.dollars),
        Cell(timed.costAtLargestBatch.joules),
      ])
    }
    return table
  }

  /// How sure the times and their bounds are.
  var rangeTable: Table {
    var table = Table(
      title: "Range of the times, and where bounds change (* beyond what the profile was fitted to)",
      [
        .text("name"), .text("phase"), Column("floor_s", "floor", as: .si(unit: "s")),
        Column("low_s", "5 %", as: .si(unit: "s")), Column("time_s", "estimate", as: .si(unit: "s")),
        Column("high_s", "95 %", as: .si(unit: "s")),
        Column("memory_probability", "memory-bound", as: .percent(decimals: 0)), .text("cause", "most time"),
        .text("node", "most time in"), .text("over_batch", "over the batch"), .text("over_prompt", "over the prompt"),
        .text("extrapolated", "*"),
      ])
    for machine in timed {
      for phase in Phase.allCases {
        guard let bounds = machine.bounds[phase], let bottleneck = machine.point.range(phase).bottleneck else {
          continue
        }
        let range = machine.point.range(phase)
        func share(_ value: Double) -> String { NumberFormat.percent(decimals: 0).text(100 * value) }
        table.append([
          .text(machine.point.machine(phase)), .text(phase.rawValue), Cell(range.floor.value), Cell(range.low?.value),
          Cell(machine.point[phase].time.value), Cell(range.high?.value),
          Cell(range.memoryProbability.map { 100 * $0 }),
          .text("\(bottleneck.cause.rawValue) \(share(bottleneck.causeShare))"),
          .text("\(bottleneck.node) \(share(bottleneck.nodeShare))"), .text(bounds.overBatch.text),
          .text(bounds.overPrompt.text), .text(machine.point.extrapolated.joined(separator: ", ")),
        ])
      }
    }
    return table
  }
}

extension [Stretch] {
  /// `memory to 3, compute from 4`, or `memory` where nothing changes.
  fileprivate var text: String {
    enumerated().map { index, stretch in
      let bound = Bound(stretch).rawValue
      if count == 1 { return bound }
      return index == 0
        ? "\(bound) to \(stretch.range.upperBound)" : "\(bound) from \(stretch.range.lowerBound)"
    }.joined(separator: ", ")
  }
}

extension Bound {
  /// What bounds a phase in a stretch of compute minus memory time.
  init(_ stretch: Stretch) { self = stretch.isPositive ? .compute : .memory }
}

extension TimeFigure {
  /// Nothing is bound where nothing is done.
  fileprivate var boundCell: Cell { hasWork ? .text(bound.rawValue) : .missing }
  fileprivate var marginCell: Cell { hasWork ? Cell(margin) : .missing }
}

extension TimedPoint {
  /// `h100-sxm`, or `4 × h100-sxm` and what share of a phase they take to reach each other.
  fileprivate func machine(_ phase: Phase? = nil) -> String {
    guard devices > 1 else { return profile }
    guard let figure = phase.map({ self[$0] }), figure.time > .zero else { return "\(devices) × \(profile)" }
    let share = figure.communication.value / figure.time.value
    return "\(devices) × \(profile), \(NumberFormat.percent(decimals: 0).text(100 * share)) exchange"
  }
}
