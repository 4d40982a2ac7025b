import Foundation
import Hardware
import Quantities

@testable import Scenarios

/// Hardware files for the tests of their format.
enum HardwareFixture {
  /// The shortest profile: a data sheet.
  static let sheet = """
    matmul_flops_per_s: {fp32: 67e12, bf16: 989e12}
    elementwise_flops_per_s: 67e12
    memory_bandwidth_bytes_per_s: 4.8e12
    memory_bytes: 141e9

    """

  static func parse(_ text: String) throws(ScenarioError) -> HardwareProfile {
    try HardwareFile.parse(text, file: "mine.yaml", name: "mine")
  }

  /// A profile that uses every member of the format.
  static let calibrated = HardwareProfile(
    name: "this-machine", description: "2 cores: \"shared\" \\ noisy", source: "photon calibrate\nsecond line",
    year: 2026,
    peaks: PeakRates([(.fp32, Rate(216.123e9)), (.int8, Rate(0.1 + 0.2))]), elementwise: Rate(7.5e9),
    memoryBandwidth: Rate(18_123_456_789.5),
    caches: [
      CacheLevel(bytes: 1 * 0x1p20, bandwidth: Rate(84e9)), CacheLevel(bytes: 36 * 0x1p20, bandwidth: Rate(26e9)),
    ],
    displacement: Rate(3.5e9), memoryBytes: 25_769_803_776, reserve: 0.125, fewRows: 12,
    efficiency: {
      var efficiency = PerOperationClass<Efficiency>(repeating: .ideal)
      for (index, operation) in OperationClass.allCases.enumerated() {
        efficiency[operation] = Efficiency(
          compute: SaturatingEfficiency(limit: 1 / Double(index + 2), halfSize: Double(index)),
          elementwise: index == 2 ? 0.07 : nil, bandwidth: 0.9 - 0.1 * Double(index),
          memoryOverlap: index == 1 ? 0.4 : nil, overhead: Seconds(Double(index) * 1.3e-7), tile: index == 3 ? 64 : 1,
          rowOverhead: Seconds(index == 4 ? 1.5e-7 : 0), memoryRowOverhead: Seconds(index == 4 ? 4.5e-7 : 0))
      }
      return efficiency
    }(),
    stepOverhead: Seconds(2.5e-5),
    calibration: CalibrationSummary(
      rows: 180, parameters: 14, meanAbsolutePercentageError: 4.25,
      residuals: [ResidualQuantile(probability: 0.05, value: -0.08), ResidualQuantile(probability: 0.95, value: 0.11)],
      ranges: [CalibratedRange(property: .concurrency, lowest: 1, highest: 64)], threads: 2),
    pricePerHour: 0.42, boardPower: 65, hostLink: Rate(16e9), deviceLink: Rate(25e9),
    lastLevelCacheBytes: 36 << 20)
}
