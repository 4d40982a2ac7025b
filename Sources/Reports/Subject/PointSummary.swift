import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

/// What a report keeps of every point of a grid: the figures that tables, maps and objectives read.
public struct PointSummary: ModelBearing, Sendable {
  public let point: ScenarioPoint
  public let totals: PriceTotals
  public let parameterCount: Int128
  public let prefill: TimeFigure
  public let decode: TimeFigure
  let figures: ServingFigures
  let largestBatch: Int?
  let atLargestBatch: ServingFigures?
  let cost: TokenCost
  /// What the scenario's quality table says of the point; nil where it says nothing.
  var quality: Double?

  /// - Throws: `HardwareError`, `CountOverflow`
  init(_ point: ScenarioPoint, on profile: HardwareProfile, _ pricer: inout Pricer) throws {
    self.point = point
    totals = try pricer.price(point.model, point.workload, point.precision)
    parameterCount = parameters(of: point.model).total
    let timed = try TimedPoint(point.model, point.workload, point.precision, on: profile)
    prefill = timed.prefill.total
    decode = timed.decode.total
    figures = timed.figures
    largestBatch = timed.largestBatch
    atLargestBatch = timed.atLargestBatch
    cost = timed.cost
  }

  public var model: Model { point.model }

  /// Whether weights, caches and activations fit at the point's batch.
  var fits: Bool { largestBatch.map { $0 >= point.workload.batchSize } ?? true }

  /// Persistent cache at the end, per token of context and sequence.
  /// - Unit: byte
  var cacheBytesPerToken: Double {
    let tokens = point.workload.promptLength + point.workload.generatedLength * point.workload.continuations
    return Double(totals.cache.bytesAtEnd) / Double(max(1, tokens * point.workload.batchSize))
  }

  /// The figure of a name in `reportFigureNames`; nil where the point has none.
  func value(_ name: String) -> Double? {
    switch name {
    case "prefill.time_s": prefill.time.value
    case "decode.time_s": decode.time.value
    case "decode.time_per_token_s": figures.timePerOutputToken?.value
    case "time_to_first_token_s": figures.timeToFirstToken.value
    case "throughput_tokens_per_s": figures.throughput.perSecond
    case "tpm_tokens_per_s_per_gib": figures.throughputPerSampleGibibyte
    case "cost_usd_per_million_tokens": cost.dollars
    case "energy_j_per_million_tokens": cost.joules
    case "largest_batch": largestBatch.map(Double.init)
    case "quality": quality
    case "parameters.total": Double(parameterCount)
    case "cache.bytes_after_prefill": Double(totals.cache.bytesAfterPrefill)
    case "cache.bytes_at_end": Double(totals.cache.bytesAtEnd)
    case "cache.peak_bytes": Double(totals.cache.peakBytes)
    case "prefill.matmul_flops": Double(totals.prefill.matmulFlops)
    case "decode.matmul_flops": Double(totals.decode.matmulFlops)
    case "prefill.traffic_bytes": Double(bytes(totals.prefill.trafficBits))
    case "decode.traffic_bytes": Double(bytes(totals.decode.trafficBits))
    default: nil
    }
  }
}

/// The figures that an objective of a report can name.
public let reportFigureNames = [
  "prefill.time_s", "decode.time_s", "decode.time_per_token_s", "time_to_first_token_s", "throughput_tokens_per_s",
  "tpm_tokens_per_s_per_gib", "cost_usd_per_million_tokens", "energy_j_per_million_tokens", "largest_batch", "quality",
  "parameters.total", "cache.bytes_after_prefill",
  "cache.bytes_at_end",
  "cache.peak_bytes", "prefill.matmul_flops", "decode.matmul_flops", "prefill.traffic_bytes", "decode.traffic_bytes",
]

extension Objective {
  /// What reports look for where a scenario does not say.
  static let fastestDecode = Objective(sense: .minimise, member: "decode.time_per_token_s", conditions: [])

  static let fastestPrefill = Objective(sense: .minimise, member: "prefill.time_s", conditions: [])

  /// Whether a point keeps to every condition and fits into the machine's memory.
  func admits(_ summary: PointSummary) -> Bool {
    summary.fits && conditions.allSatisfy { $0.holds(summary.value) ?? false }
  }

  func isBetter(_ left: Double, than right: Double) -> Bool { sense == .minimise ? left < right : left > right }

  /// The best admitted point, the first of equals; nil where none is admitted.
  func best(_ summaries: some Sequence<PointSummary>) -> PointSummary? {
    var best: (summary: PointSummary, value: Double)?
    for summary in summaries where admits(summary) {
      guard let value = summary.value(member) else { continue }
      if best.map({ isBetter(value, than: $0.value) }) ?? true { best = (summary, value) }
    }
    return best?.summary
  }

  /// Whether quality decides about a point.
  var weighsQuality: Bool { member == "quality" || conditions.contains { $0.names.contains("quality") } }

  /// `minimise decode time per token subject to …`
  var text: String {
    let conditions = conditions.isEmpty ? "" : " subject to " + conditions.map { "`\($0)`" }.joined(separator: ", ")
    return "\(sense.rawValue) \(label)\(conditions)"
  }

  var format: NumberFormatOfMember { NumberFormatOfMember(member) }
  var label: String { NumberFormatOfMember.label(member) }
}

/// How a figure of an objective is named and written: its unit is the last part of its name.
struct NumberFormatOfMember {
  let format: NumberFormat
  let unit: String

  init(_ member: String) {
    switch true {
    case member.hasPrefix("cost_usd"): (format, unit) = (.significant(3), "$ per million tokens")
    case member.hasPrefix("energy_j"): (format, unit) = (.si(unit: "J"), "J per million tokens")
    case member.hasSuffix("_per_gib"): (format, unit) = (.si(unit: "tok/s/GiB"), "tok/s/GiB")
    case member.hasSuffix("tokens_per_s"): (format, unit) = (.si(unit: "tok/s"), "tok/s")
    case member.hasSuffix("_s"): (format, unit) = (.si(unit: "s"), "s")
    case member.hasSuffix("bytes") || member.contains(".bytes_"): (format, unit) = (.binaryBytes, "B")
    case member.hasSuffix("_flops"): (format, unit) = (.si(unit: "FLOP"), "FLOP")
    case member == "quality": (format, unit) = (.significant(4), "quality")
    default: (format, unit) = (.exact, "count")
    }
  }

  func text(_ value: Double?) -> String { value.map(format.text) ?? "–" }

  /// The name in words: `decode time per token`.
  static func label(_ member: String) -> String {
    switch member {
    case "time_to_first_token_s": "time to first token"
    case "throughput_tokens_per_s": "throughput"
    case "tpm_tokens_per_s_per_gib": "TPM"
    case "cost_usd_per_million_tokens": "cost of a million tokens"
    case "energy_j_per_million_tokens": "energy of a million tokens"
    case "largest_batch": "largest batch"
    case "parameters.total": "parameters"
    case "cache.bytes_after_prefill": "cache after prefill"
    case "cache.bytes_at_end": "cache at the end"
    case "cache.peak_bytes": "peak cache"
    default:
      ["_bytes", "_flops", "_s"].reduce(member.replacing(".", with: " ").replacing("_flops", with: " FLOP")) {
        $0.hasSuffix($1) ? String($0.dropLast($1.count)) : $0
      }.replacing("_", with: " ")
    }
  }
}
