import Hardware
import Quantities

extension HardwareFile {
  /// What is allowed in a profile and yet probably not what its writer means: a missing source, a slipped unit.
  public static func remarks(_ profile: HardwareProfile) -> [String] {
    var remarks: [String] = []
    if profile.source.isEmpty { remarks.append("source: nothing says where the figures come from") }
    if profile.year == nil { remarks.append("year: nothing says how old the figures are") }
    return remarks + slips(profile)
  }

  /// Values that are no machine's, probably in another unit: whatever a command says of the machine is wrong then.
  public static func slips(_ profile: HardwareProfile) -> [String] {
    var remarks: [String] = []
    let bandwidth = profile.memoryBandwidth.perSecond
    // From a microcontroller to ten times the largest accelerator of 2025.
    func check(_ key: String, _ value: Double, _ range: ClosedRange<Double>, _ prefixes: String) {
      if !range.contains(value) {
        remarks.append("\(key): \(shortest(value)) is no machine's: is it in \(prefixes)?")
      }
    }
    for type in profile.peaks.types {
      check("matmul_flops_per_s.\(type.rawValue)", profile.peaks[type]!.perSecond, 1e7...1e18, "G or T")
    }
    check("memory_bandwidth_bytes_per_s", bandwidth, 1e7...1e15, "GB/s or TB/s")
    check("memory_bytes", Double(profile.memoryBytes), 1e5...1e14, "GB or TB")
    guard remarks.allSatisfy({ !$0.contains("no machine's") }) else { return remarks }
    for type in profile.peaks.types {
      let ridge = profile.peaks[type]!.perSecond / bandwidth
      // From a vector unit of the nineties to tensor cores on slow memory; outside a prefix was forgotten.
      if ridge < 0.1 || ridge > 1e5 {
        remarks.append(
          "matmul_flops_per_s.\(type.rawValue): \(shortest(profile.peaks[type]!.perSecond)) FLOP/s beside "
            + "\(shortest(bandwidth)) byte/s is \(ridge < 1 ? "less than 0.1" : "more than 100000") FLOP for each byte: "
            + "is a rate in G or T?")
      }
    }
    let seconds = Double(profile.memoryBytes) / bandwidth
    if seconds < 1e-4 || seconds > 1e4 {
      remarks.append(
        "memory_bytes: \(profile.memoryBytes) bytes are read in \(seconds < 1 ? "less than 0.1 ms" : "more than 10000 s"): "
          + "is a figure in GB or TB?")
    }
    for (index, level) in profile.caches.enumerated() where level.bandwidth.perSecond < bandwidth {
      remarks.append("caches[\(index + 1)].bandwidth_bytes_per_s: slower than the memory behind it")
    }
    return remarks
  }
}
