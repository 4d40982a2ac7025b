import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

/// A profile that a sweep prices points on, and the columns of `--estimates`.
package struct SweptMachine: Sendable {
  /// The profile at one precision.
  package let roofline: Roofline
  /// Nil where only totals of phases are priced.
  private let ranges: TimeRanges?

  /// - Throws: `HardwareError` where the profile lacks a rate.
  package init(_ profile: HardwareProfile, _ precision: Precision, estimates: Bool) throws(HardwareError) {
    roofline = try Roofline(profile, precision)
    ranges = estimates ? try TimeRanges(roofline, precision) : nil
  }

  /// The columns of `--estimates`.
  package static let columns =
    Phase.allCases.flatMap { phase in
      [
        "time_s", "floor_s", "low_s", "high_s", "bound", "margin", "memory_bound_probability", "bottleneck_cause",
        "bottleneck_node",
      ].map { "\(phase.rawValue)_\($0)" }
    } + ["time_to_first_token_s", "extrapolated"]

  /// Adds the values of `columns` to the row in work.
  package func appendEstimates(of point: ScenarioPoint, to rows: inout RowBuilder) {
    guard let ranges else { return }
    let phases = TimedPhases(point.question, roofline)
    for phase in Phase.allCases {
      let dispatched = phase == .prefill ? phases.dispatched.prefill : phases.dispatched.decode
      append(phases[phase].total, ranges.range(dispatched, phases[phase]), to: &rows)
    }
    rows.append((phases.prefill.total.time + phases.emission.total.time).value)
    let properties = extrapolated(roofline.profile.calibration, point.question, phases.dispatched)
    if properties.isEmpty { rows.appendMissing() } else { rows.append(properties.joined(separator: " ")) }
  }

  private func append(_ figure: TimeFigure, _ range: TimeRange, to rows: inout RowBuilder) {
    rows.append(figure.time.value)
    rows.append(range.floor.value)
    rows.append(range.low?.value)
    rows.append(range.high?.value)
    rows.appendBound(figure)
    rows.append(range.memoryProbability)
    guard let bottleneck = range.bottleneck else {
      rows.appendMissing()
      return rows.appendMissing()
    }
    rows.append(bottleneck.cause.rawValue)
    rows.append(bottleneck.node.description)
  }
}

extension RowBuilder {
  /// What bounds a phase and its margin; missing where it has no work.
  package mutating func appendBound(_ phase: TimeFigure) {
    guard phase.hasWork else {
      appendMissing()
      return appendMissing()
    }
    append(phase.bound.rawValue)
    append(phase.margin)
  }
}
