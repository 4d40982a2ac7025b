import Foundation
import Hardware
import Quantities

extension HardwareFile {
  /// The profile as YAML that `parse` reads back to an equal profile.
  public static func text(_ profile: HardwareProfile) -> String {
    var lines = ["name: \(YAMLText.scalar(profile.name))"]
    if !profile.description.isEmpty { lines.append("description: \(YAMLText.scalar(profile.description))") }
    if !profile.source.isEmpty { lines.append("source: \(YAMLText.scalar(profile.source))") }
    if let year = profile.year { lines.append("year: \(year)") }
    let rates = profile.peaks.types.map { "\($0.rawValue): \(shortest(profile.peaks[$0]!.perSecond))" }
    lines.append("matmul_flops_per_s: {\(rates.joined(separator: ", "))}")
    lines.append("elementwise_flops_per_s: \(shortest(profile.elementwise.perSecond))")
    lines.append("memory_bandwidth_bytes_per_s: \(shortest(profile.memoryBandwidth.perSecond))")
    if !profile.caches.isEmpty {
      lines.append("caches:")
      for level in profile.caches {
        lines.append("  - {bytes: \(Int(level.bytes)), bandwidth_bytes_per_s: \(shortest(level.bandwidth.perSecond))}")
      }
    }
    if profile.displacement.perSecond > 0 {
      lines.append("displacement_bytes_per_s: \(shortest(profile.displacement.perSecond))")
    }
    lines.append("memory_bytes: \(profile.memoryBytes)")
    lines.append("reserve: \(shortest(profile.reserve))")
    if let price = profile.pricePerHour { lines.append("price_usd_per_hour: \(shortest(price))") }
    if let power = profile.boardPower { lines.append("board_power_w: \(shortest(power))") }
    if let link = profile.hostLink { lines.append("host_link_bytes_per_s: \(shortest(link.perSecond))") }
    if profile.hostLinkLatency != .zero {
      lines.append("host_link_latency_s: \(shortest(profile.hostLinkLatency.value))")
    }
    if let bytes = profile.hostMemoryBytes { lines.append("host_memory_bytes: \(bytes)") }
    if let link = profile.deviceLink { lines.append("device_link_bytes_per_s: \(shortest(link.perSecond))") }
    if let bytes = profile.lastLevelCacheBytes { lines.append("last_level_cache_bytes: \(bytes)") }
    lines.append("few_rows: \(profile.fewRows)")
    if !profile.isIdeal { lines += efficiencyLines(profile) }
    let shares = ElementType.allCases.compactMap { type in
      profile.typeShares[type].map { "\(type.rawValue): \(shortest($0))" }
    }
    if !shares.isEmpty { lines.append("type_shares: {\(shares.joined(separator: ", "))}") }
    if let serving = profile.serving {
      var parts = serving.admission.map { ["admission: \($0.rawValue)"] } ?? []
      switch serving.passBudget {
      case .prompts(let count): parts.append("prompts_per_pass: \(count)")
      case .tokens(let count): parts.append("token_budget: \(count)")
      }
      if serving.lengthRatio != 1 { parts.append("length_ratio: \(shortest(serving.lengthRatio))") }
      if serving.idleSlots > 0 { parts.append("idle_slots: \(serving.idleSlots)") }
      if serving.firstTokenOverhead != .zero {
        parts.append("first_token_overhead_s: \(shortest(serving.firstTokenOverhead.value))")
      }
      lines.append("serving: {\(parts.joined(separator: ", "))}")
    }
    if let calibration = profile.calibration { lines += calibrationLines(calibration) }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func efficiencyLines(_ profile: HardwareProfile) -> [String] {
    var lines = ["efficiency:"]
    for operation in OperationClass.allCases {
      let efficiency = profile.efficiency[operation]
      lines.append(
        "  \(operation.rawValue): {compute: \(shortest(efficiency.compute.limit)), "
          + "half_size: \(shortest(efficiency.compute.halfSize)), "
          + (efficiency.elementwise.map { "elementwise: \(shortest($0)), " } ?? "")
          + "bandwidth: \(shortest(efficiency.bandwidth)), "
          + "overlap: \(shortest(efficiency.overlap)), "
          + (efficiency.memoryOverlap.map { "memory_overlap: \(shortest($0)), " } ?? "")
          + (efficiency.rowOverhead > .zero ? "row_overhead_s: \(shortest(efficiency.rowOverhead.value)), " : "")
          + (efficiency.memoryRowOverhead > .zero
            ? "memory_row_overhead_s: \(shortest(efficiency.memoryRowOverhead.value)), " : "")
          + (efficiency.tile > 1 ? "tile: \(shortest(efficiency.tile)), " : "")
          + "overhead_s: \(shortest(efficiency.overhead.value))}")
    }
    lines.append("step_overhead_s: \(shortest(profile.stepOverhead.value))")
    if profile.sequenceOverhead != .zero {
      lines.append("sequence_overhead_s: \(shortest(profile.sequenceOverhead.value))")
    }
    return lines
  }

  private static func calibrationLines(_ summary: CalibrationSummary) -> [String] {
    var lines = [
      "calibration:", "  rows: \(summary.rows)", "  parameters: \(summary.parameters)",
      "  mape_percent: \(shortest(summary.meanAbsolutePercentageError))",
    ]
    if let threads = summary.threads { lines.append("  threads: \(threads)") }
    if !summary.residuals.isEmpty { lines.append("  residual_quantiles:") }
    for quantile in summary.residuals {
      lines.append("    - {probability: \(shortest(quantile.probability)), value: \(shortest(quantile.value))}")
    }
    if !summary.ranges.isEmpty { lines.append("  ranges:") }
    for range in summary.ranges {
      lines.append(
        "    - {property: \(range.property.rawValue), lowest: \(shortest(range.lowest)), "
          + "highest: \(shortest(range.highest))}")
    }
    return lines
  }

  /// The fewest digits that read back as the same number; `2.039e12` rather than a row of zeros.
  static func shortest(_ number: Double) -> String {
    let text = "\(number)".replacing("e+", with: "e")
    guard abs(number) >= 1e6, !text.contains("e"), text.hasSuffix(".0") else {
      return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
    let digits = text.dropLast(2).drop { $0 == "-" }
    let significant = digits.first.map(String.init)! + "."
    let rest = digits.dropFirst().reversed().drop { $0 == "0" }.reversed()
    let sign = number < 0 ? "-" : ""
    return sign + (rest.isEmpty ? String(significant.dropLast()) : significant + String(rest))
      + "e\(digits.count - 1)"
  }
}
