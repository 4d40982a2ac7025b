import Foundation
import Hardware
import Quantities

/// Hardware profiles as YAML: a data sheet needs eleven lines, a calibration adds what it fitted.
///
/// Every rate carries its unit in its key. `name` may be left out; it is the file's name without `.yaml`.
/// docs/hardware-format.md describes the keys.
public enum HardwareFile {
  /// The profile in a file.
  /// - Throws: `ScenarioError` with everything that is wrong in it.
  public static func read(file: String) throws(ScenarioError) -> HardwareProfile {
    let name = URL(filePath: file).deletingPathExtension().lastPathComponent
    return try read(YAMLText.read(file: file), name: name)
  }

  /// The profile in a text.
  /// - Parameters:
  ///   - text: YAML; docs/hardware-format.md.
  ///   - file: the name that diagnostics show.
  ///   - name: what the profile is called where the text does not say it; must agree where it does.
  /// - Throws: `ScenarioError` with everything that is wrong in it.
  public static func parse(_ text: String, file: String, name: String) throws(ScenarioError) -> HardwareProfile {
    try read(YAMLText.parse(text, file: file), name: name)
  }

  static func read(_ value: PositionedValue, name: String) throws(ScenarioError) -> HardwareProfile {
    let collector = DiagnosticCollector()
    let fields = FieldReader(value, path: "", collector: collector)
    if let written = fields.text("name", default: name), written != name {
      fields.report("name", "found \"\(written)\"", accepted: "\(name), the name of the file")
    }
    let description = fields.text("description", default: "") ?? ""
    let source = fields.text("source", default: "") ?? ""
    let year = optionalInteger(fields, "year", in: 1900...2100)
    let peaks = Self.peaks(fields)
    var profile = HardwareProfile(
      name: name, description: description, source: source, year: year, peaks: peaks,
      elementwise: elementwise(fields, peaks),
      memoryBandwidth: Rate(positive(fields, "memory_bandwidth_bytes_per_s", unit: "byte/s") ?? 1),
      caches: caches(fields), displacement: Rate(notNegative(fields, "displacement_bytes_per_s")),
      memoryBytes: wholeBytes(fields, "memory_bytes") ?? 1)
    profile.reserve = share(fields, "reserve", default: profile.reserve, accepted: "a share from 0 to below 1") {
      $0 >= 0 && $0 < 1
    }
    profile.fewRows = fields.integer("few_rows", default: profile.fewRows, in: 0...65536) ?? 0
    profile.efficiency = efficiencies(fields)
    if let shares = fields.mapping("type_shares") {
      for type in ElementType.allCases where shares.has(type.rawValue) {
        profile.typeShares[type] = share(shares, type.rawValue, default: 1, accepted: "a share above 0 and at most 1") {
          $0 > 0 && $0 <= 1
        }
      }
      shares.finish()
    }
    profile.stepOverhead = Seconds(notNegative(fields, "step_overhead_s"))
    profile.sequenceOverhead = Seconds(notNegative(fields, "sequence_overhead_s"))
    profile.pricePerHour = fields.has("price_usd_per_hour") ? notNegative(fields, "price_usd_per_hour") : nil
    profile.boardPower = optionalPositive(fields, "board_power_w", unit: "W")
    profile.hostLink = optionalPositive(fields, "host_link_bytes_per_s", unit: "byte/s").map { Rate($0) }
    profile.hostLinkLatency = Seconds(notNegative(fields, "host_link_latency_s"))
    profile.hostMemoryBytes = fields.has("host_memory_bytes") ? wholeBytes(fields, "host_memory_bytes") : nil
    profile.deviceLink = optionalPositive(fields, "device_link_bytes_per_s", unit: "byte/s").map { Rate($0) }
    profile.lastLevelCacheBytes =
      fields.has("last_level_cache_bytes") ? wholeBytes(fields, "last_level_cache_bytes") : nil
    profile.serving = serving(fields)
    profile.calibration = calibration(fields)
    fields.finish()
    try collector.throwIfAny()
    return profile
  }

  // MARK: Parts

  private static func peaks(_ fields: FieldReader) -> PeakRates {
    guard let rates = fields.mapping("matmul_flops_per_s") else {
      fields.require("matmul_flops_per_s", accepted: "a rate for each of \(typeNames)")
      return PeakRates()
    }
    var peaks = PeakRates()
    for type in ElementType.allCases {
      peaks[type] = optionalPositive(rates, type.rawValue, unit: "FLOP/s").map { Rate($0) }
    }
    rates.finish()
    if fields.value("matmul_flops_per_s")?.entries?.isEmpty == true {
      fields.report("matmul_flops_per_s", "found no rate", accepted: "at least one of \(typeNames)")
    }
    return peaks
  }

  /// On most accelerators fp32 products run on the vector units, so their rate is the default.
  private static func elementwise(_ fields: FieldReader, _ peaks: PeakRates) -> Rate<Flop> {
    if let fp32 = peaks[.fp32], !fields.has("elementwise_flops_per_s") { return fp32 }
    return Rate(positive(fields, "elementwise_flops_per_s", unit: "FLOP/s") ?? 1)
  }

  private static var typeNames: String { ElementType.allCases.map(\.rawValue).joined(separator: ", ") }

  private static func caches(_ fields: FieldReader) -> [CacheLevel] {
    var levels: [CacheLevel] = []
    for (index, element) in (fields.list("caches") ?? []).enumerated() {
      let level = FieldReader(element, path: "caches[\(index + 1)]", collector: fields.collector)
      let bytes = wholeBytes(level, "bytes")
      let bandwidth = positive(level, "bandwidth_bytes_per_s", unit: "byte/s")
      level.finish()
      guard let bytes, let bandwidth else { continue }
      if let last = levels.last, Double(bytes) <= last.bytes {
        level.report("bytes", "found \(bytes)", accepted: "more than the \(Int(last.bytes)) of the level before")
      }
      levels.append(CacheLevel(bytes: Double(bytes), bandwidth: Rate(bandwidth)))
    }
    return levels
  }

  private static func efficiencies(_ fields: FieldReader) -> PerOperationClass<Efficiency> {
    var efficiencies = PerOperationClass<Efficiency>(repeating: .ideal)
    guard let classes = fields.mapping("efficiency") else { return efficiencies }
    for operation in OperationClass.allCases {
      guard let entry = classes.mapping(operation.rawValue) else {
        // Profiles from before one row was a class of its own.
        if operation == .oneRowProduct { efficiencies[operation] = efficiencies.fewRowProduct }
        continue
      }
      func efficiency(_ key: String) -> Double {
        share(entry, key, default: 1, accepted: "a share above 0 and at most 1") { $0 > 0 && $0 <= 1 }
      }
      func overlap(_ key: String) -> Double {
        share(entry, key, default: 1, accepted: "a share from 0 to 1") { $0 >= 0 && $0 <= 1 }
      }
      efficiencies[operation] = Efficiency(
        compute: SaturatingEfficiency(limit: efficiency("compute"), halfSize: notNegative(entry, "half_size")),
        elementwise: entry.has("elementwise") ? efficiency("elementwise") : nil,
        bandwidth: efficiency("bandwidth"),
        overlap: overlap("overlap"), memoryOverlap: entry.has("memory_overlap") ? overlap("memory_overlap") : nil,
        overhead: Seconds(notNegative(entry, "overhead_s")),
        tile: share(entry, "tile", default: 1, accepted: "a number of queries, at least 1") { $0 >= 1 },
        rowOverhead: Seconds(notNegative(entry, "row_overhead_s")),
        memoryRowOverhead: Seconds(notNegative(entry, "memory_row_overhead_s")))
      entry.finish()
    }
    classes.finish()
    return efficiencies
  }

  private static func serving(_ fields: FieldReader) -> ServingBehaviour? {
    guard let entry = fields.mapping("serving") else { return nil }
    var serving = ServingBehaviour(
      idleSlots: optionalInteger(entry, "idle_slots", in: 0...65_536) ?? 0,
      firstTokenOverhead: Seconds(notNegative(entry, "first_token_overhead_s")))
    serving.lengthRatio = share(entry, "length_ratio", default: 1, accepted: "a share above 0 and at most 1") {
      $0 > 0 && $0 <= 1
    }
    if let count = optionalInteger(entry, "prompts_per_pass", in: 1...65_536) { serving.passBudget = .prompts(count) }
    if let tokens = optionalInteger(entry, "token_budget", in: 1...16_777_216) {
      if entry.has("prompts_per_pass") {
        entry.report("token_budget", "stands beside prompts_per_pass", accepted: "one of the two")
      }
      serving.passBudget = .tokens(tokens)
    }
    if entry.has("admission"), let name = entry.text("admission") {
      serving.admission = Admission(rawValue: name)
      if serving.admission == nil { entry.report("admission", "found \"\(name)\"", accepted: "whole or held") }
    }
    entry.finish()
    return serving
  }

  private static func calibration(_ fields: FieldReader) -> CalibrationSummary? {
    guard let entry = fields.mapping("calibration") else { return nil }
    var summary = CalibrationSummary(
      rows: entry.integer("rows", in: 0...Int.max) ?? 0, parameters: entry.integer("parameters", in: 0...Int.max) ?? 0,
      meanAbsolutePercentageError: notNegative(entry, "mape_percent", required: true),
      threads: optionalInteger(entry, "threads", in: 1...65536))
    for (index, element) in (entry.list("residual_quantiles") ?? []).enumerated() {
      let quantile = FieldReader(
        element, path: "calibration.residual_quantiles[\(index + 1)]", collector: fields.collector)
      let before = summary.residuals.last?.probability
      let probability = share(quantile, "probability", accepted: "a probability from 0 to 1, ascending") {
        $0 >= 0 && $0 <= 1 && $0 > before ?? -1
      }
      summary.residuals.append(
        ResidualQuantile(probability: probability, value: quantile.number("value") ?? 0))
      quantile.finish()
    }
    for (index, element) in (entry.list("ranges") ?? []).enumerated() {
      let range = FieldReader(element, path: "calibration.ranges[\(index + 1)]", collector: fields.collector)
      let property: CalibratedProperty? = range.choice("property")
      let (lowest, highest) = (range.number("lowest") ?? 0, range.number("highest") ?? 0)
      if let property { summary.ranges.append(CalibratedRange(property: property, lowest: lowest, highest: highest)) }
      range.finish()
    }
    entry.finish()
    return summary
  }

  // MARK: Numbers

  private static func optionalInteger(_ fields: FieldReader, _ key: String, in range: ClosedRange<Int>) -> Int? {
    fields.has(key) ? fields.integer(key, in: range) : nil
  }

  private static func optionalPositive(_ fields: FieldReader, _ key: String, unit: String) -> Double? {
    fields.has(key) ? positive(fields, key, unit: unit) : nil
  }

  private static func positive(_ fields: FieldReader, _ key: String, unit: String) -> Double? {
    number(fields, key, accepted: "a number above 0, in \(unit)") { $0 > 0 }
  }

  private static func notNegative(_ fields: FieldReader, _ key: String, required: Bool = false) -> Double {
    guard required || fields.has(key) else { return 0 }
    return number(fields, key, accepted: "a number of at least 0") { $0 >= 0 } ?? 0
  }

  private static func share(
    _ fields: FieldReader, _ key: String, default fallback: Double? = nil, accepted: String,
    where isAccepted: (Double) -> Bool
  ) -> Double {
    if let fallback, !fields.has(key) { return fallback }
    return number(fields, key, accepted: accepted, where: isAccepted) ?? fallback ?? 0
  }

  private static func wholeBytes(_ fields: FieldReader, _ key: String) -> Int? {
    number(fields, key, accepted: "a whole number of bytes from 1 to 10^15, for example 141e9") {
      $0 >= 1 && $0 <= 1e15 && $0 == $0.rounded()
    }.map { Int($0) }
  }

  /// A finite number that is accepted; a diagnostic and nil otherwise.
  private static func number(
    _ fields: FieldReader, _ key: String, accepted: String, where isAccepted: (Double) -> Bool
  ) -> Double? {
    guard let value = fields.value(key) else {
      fields.require(key, accepted: accepted)
      return nil
    }
    guard case .scalar(let text, quoted: false) = value.content, isDecimal(text), let number = Double(text),
      number.isFinite, isAccepted(number)
    else {
      fields.report(key, "found \(value.summary)", accepted: accepted)
      return nil
    }
    return number
  }
}
