import Foundation
import GSL
import Hardware
import Quantities

/// Fits the parameters of a profile to timed operations, in three steps: caches and memory to plain reads, products
/// together with the rate of element-wise work, and then each class of attention and the norms.
///
/// Every fit minimises the logarithms of time ratios, so that a microsecond counts as much as a second; a deviation far
/// beyond the usual one counts linearly (Huber), because timings have outliers on one side.
struct CalibrationFit {
  private(set) var profile: HardwareProfile
  private(set) var parameters = 0
  let samples: [CalibrationSample]

  /// - Parameter profile: with the caches' sizes, the memory and `fewRows`; its rates are starting values.
  /// - Throws: `GSLError` where the samples determine nothing.
  init(_ profile: HardwareProfile, _ samples: [CalibrationSample], _ reads: [BandwidthSample]) throws {
    self.profile = profile
    self.samples = samples
    try fitBandwidth(reads)
    try fitElementwise()
    try fitProducts()
    try fit(.attentionPrefill)
    try fit(.attentionDecode)
  }

  // MARK: Memory

  private mutating func fitBandwidth(_ reads: [BandwidthSample]) throws {
    let start = profile
    // One rate for each cache and one for memory, and how much of the last cache is ours: others may share it.
    let scales = start.caches.map { level in nearest(reads, Double(level.bytes) / 2) } + [nearest(reads, .infinity)]
    let rates = scales.map(\.rate.perSecond)
    func changed(_ p: [Double]) -> HardwareProfile {
      var profile = start
      for index in start.caches.indices { profile.caches[index].bandwidth = Rate(rates[index] * exp(p[index])) }
      profile.memoryBandwidth = Rate(rates[start.caches.count] * exp(p[start.caches.count]))
      if let last = start.caches.indices.last {
        let above = last > 0 ? start.caches[last - 1].bytes : 0
        let size = Double(above) + Double(start.caches[last].bytes - above) / (1 + exp(-p[start.caches.count + 1] - 2))
        profile.caches[last].bytes = Int(size)
      }
      return profile
    }
    let count = start.caches.count + 1 + (start.caches.isEmpty ? 0 : 1)
    let solution = try minimise(count) { p in
      let profile = changed(p)
      return reads.map { log($0.rate.perSecond / profile.bandwidth(workingSet: Double($0.bytes)).perSecond) }
    }
    profile = changed(solution)
    parameters += count
  }

  private func nearest(_ reads: [BandwidthSample], _ bytes: Double) -> BandwidthSample {
    reads.last { Double($0.bytes) <= bytes } ?? reads[0]
  }

  // MARK: Operations

  /// The norms that run alone tell the rate of element-wise work, which everything fused is priced with.
  private mutating func fitElementwise() throws {
    let norms = samples.filter { $0.kind == .elementwise }
    let start = profile
    let fastest = norms.map { $0.elementwiseFlops / $0.seconds }.max() ?? 1
    func changed(_ p: [Double]) -> HardwareProfile {
      var profile = start
      profile.elementwise = Rate(fastest * exp(p[0]))
      profile.efficiency.elementwise = Efficiency(bandwidth: Self.share(p[1]), overhead: Seconds(1e-7 * exp(p[2])))
      return profile
    }
    profile = changed(try minimise(3) { Self.deviations(norms, changed($0)) })
    parameters += 3
  }

  /// The peak is what many rows approach in the faster of both product classes.
  private mutating func fitProducts() throws {
    let products = samples.filter { $0.kind == .product }
    let rates = products.map { $0.matmulFlops / $0.seconds }
    profile.peaks[.fp32] = Rate((rates.max() ?? 1) * 1.05)
    try fit(.matrixProduct)
    try fit(.fewRowProduct)
  }

  private mutating func fit(_ operation: OperationClass) throws {
    let chosen = samples.filter { $0.operationClass(on: profile) == operation }
    let start = profile
    func changed(_ p: [Double]) -> HardwareProfile {
      var profile = start
      profile.efficiency[operation] = Self.efficiency(p[0..<4])
      return profile
    }
    profile = changed(try minimise(4) { Self.deviations(chosen, changed($0)) })
    parameters += 4
  }

  /// Four numbers without bounds as efficiencies: shares between 0 and 1, half rows and overhead above 0.
  private static func efficiency(_ p: ArraySlice<Double>) -> Efficiency {
    let p = Array(p)
    return Efficiency(
      compute: SaturatingEfficiency(limit: share(p[0]), halfRows: exp(p[1])), bandwidth: share(p[2]),
      overhead: Seconds(2e-6 * exp(p[3])))
  }

  private static func share(_ p: Double) -> Double { 1 / (1 + exp(-p - 1)) }

  private static func deviations(_ samples: [CalibrationSample], _ profile: HardwareProfile) -> [Double] {
    samples.map { log($0.seconds / $0.predicted(on: profile).value) }
  }

  /// A weak pull of every parameter to its start leaves one that no sample determines where it was; it weighs as much
  /// as a deviation of 2 % per unit.
  private func minimise(_ count: Int, _ deviations: ([Double]) -> [Double]) throws -> [Double] {
    let start = [Double](repeating: 0, count: count)
    return try nonlinearFit(start: start, iterations: 500) { p in
      deviations(p).map(Self.huber) + p.map { 0.02 * $0 }
    }.parameters
  }

  /// The signed root of Huber's loss: quadratic up to 10 %, linear beyond.
  private static func huber(_ deviation: Double) -> Double {
    let size = abs(deviation)
    let scale = 0.1
    return size <= scale ? deviation : (deviation < 0 ? -1 : 1) * (scale * (2 * size - scale)).squareRoot()
  }

  // MARK: Summary

  func summary(threads: Int) -> CalibrationSummary {
    let ratios = samples.map { $0.seconds / $0.predicted(on: profile).value - 1 }
    let errors = samples.map { abs($0.predicted(on: profile).value / $0.seconds - 1) }
    let rows = samples.map { Double($0.rows) }
    let sets = samples.map(\.workingSet)
    return CalibrationSummary(
      rows: samples.count, parameters: parameters, meanAbsolutePercentageError: 100 * Statistics.mean(errors),
      residuals: [0.05, 0.25, 0.5, 0.75, 0.95].map {
        ResidualQuantile(probability: $0, value: Statistics.quantile($0, of: ratios))
      },
      ranges: [
        CalibratedRange(property: "rows", lowest: rows.min()!, highest: rows.max()!),
        CalibratedRange(property: "working_set_bytes", lowest: sets.min()!, highest: sets.max()!),
      ], threads: threads)
  }
}
