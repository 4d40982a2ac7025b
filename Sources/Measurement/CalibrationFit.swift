import CKernels
import Foundation
import GSL
import Hardware
import Quantities

/// Fits the parameters of a profile to timed operations: caches and memory together with the products of few rows, then
/// the norms, then each remaining class of operations alone.
///
/// Every fit minimises the logarithms of time ratios, so that a microsecond counts as much as a second; a deviation far
/// beyond the usual one counts linearly (Huber), because timings have outliers on one side.
struct CalibrationFit {
  /// The peak over the fastest product; shares are fitted below it. Chosen, as no product quite reaches the peak.
  private static let peakMargin = 1.05
  /// Overheads where the search begins, of an operation and of a norm. Chosen by order of magnitude.
  private static let operationOverhead = 1e-6
  private static let normOverhead = 1e-7
  /// The same of a query of one head.
  private static let rowOverhead = 1e-7
  /// Keys or rows at half of an attention's or a product's rate where the search begins. Chosen.
  private static let startHalfSize = 10.0
  /// What others bring into a cache where the search begins: an idle machine. Chosen by order of magnitude.
  /// - Unit: byte/s
  private static let startDisplacement = 1e9
  /// How many times the last cache a read must be to tell about main memory: at least half of it misses then. Chosen.
  private static let outsideCaches = 2.0
  /// Lowers the share of the peak at which the search for that of one row, and of one query, begins to 0.27: of the order
  /// of one sum, which waits for itself, where a processor could add four or more. Chosen.
  private static let oneRowStart = 2.0
  /// Where else the search for few rows begins: memory's traffic that hides, and a bandwidth that few rows reach less of.
  /// Chosen.
  private static let fewRowStarts: [[Int: Double]] = [[8: 2], [7: -1], [7: -1, 8: 2], [1: 1, 7: -1]]
  /// Where else the search for any other class begins: traffic that hides, a rate far below the peak, and both. Chosen.
  private static let classStarts: [[Int: Double]] = [[3: 2], [0: -2], [0: -2, 3: 2]]
  /// Chosen to be generous; a fit that needs more stops with what it has.
  private static let iterations = 500
  /// Of a relative step and of the gradient; chosen far below any standard error.
  private static let tolerance = 1e-7
  /// Worth of a parameter's distance from its start, as a deviation. Chosen, well below `outlier`.
  private static let pull = 0.02
  /// Where Huber's loss becomes linear. Chosen.
  private static let outlier = 0.1

  private(set) var profile: HardwareProfile
  private(set) var parameters = 0
  let samples: [CalibrationSample]

  /// - Parameter profile: with the caches' sizes, the memory and `fewRows`; its rates are starting values.
  /// - Throws: `GSLError` where the samples determine nothing.
  init(
    _ profile: HardwareProfile, _ samples: [CalibrationSample], _ reads: [BandwidthSample],
    _ rested: [BandwidthSample]
  ) throws {
    self.profile = profile
    self.samples = samples
    start(from: reads)
    try fitFewRows(reads, rested)
    try fitElementwise()
    try fit(.matrixProduct)
    try fit(.attentionPrefill, tile: Double(ck_attention_rows()))
    try fitPositionAttention()
  }

  /// Starting values: the fastest product, the fastest norm, and plain reads.
  private mutating func start(from reads: [BandwidthSample]) {
    func fastest(_ kind: CalibrationSample.Kind, _ work: KeyPath<CalibrationSample, Double>) -> Double {
      samples.filter { $0.kind == kind }.map { $0[keyPath: work] / $0.seconds }.max() ?? 1
    }
    profile.peaks[.fp32] = Rate(Self.peakMargin * fastest(.product, \.matmulFlops))
    profile.elementwise = Rate(fastest(.elementwise, \.elementwiseFlops))
    profile.caches = profile.caches.map { CacheLevel(bytes: $0.bytes, bandwidth: Self.rate(reads, $0.bytes / 2)) }
    profile.memoryBandwidth = Self.rate(reads, .infinity)
  }

  /// The norms that run alone tell the rate of element-wise work, which everything fused is priced with.
  private mutating func fitElementwise() throws {
    let norms = samples.filter { $0.kind == .elementwise }
    let start = profile
    func changed(_ p: [Double]) -> HardwareProfile {
      var profile = start
      profile.elementwise = exp(p[0]) * start.elementwise
      profile.efficiency.elementwise = Efficiency(
        bandwidth: Self.share(p[1]), overhead: Seconds(Self.normOverhead * exp(p[2])))
      return profile
    }
    profile = changed(try minimise(3) { Self.deviations(norms, changed($0)) })
    parameters += 3
  }

  /// The rate of the largest read that fits in so many bytes.
  private static func rate(_ reads: [BandwidthSample], _ bytes: Double) -> Rate<Byte> {
    (reads.last { Double($0.bytes) <= bytes } ?? reads[0]).rate
  }

  /// A plain read tells memory's rate and nothing else; it counts as much as so many products, which also tell others.
  /// Chosen.
  private static let readWeight = 5.0

  /// Products of one and of few rows stream their weights: they tell what each cache level and main memory deliver to a
  /// kernel that computes, which plain reads (the starting values) exceed inside the caches, and how much of the last
  /// cache is ours.
  ///
  /// One row reads straight through: its share of the bandwidth is 1 by definition, its arithmetic hides behind the
  /// reading, and reads from main memory are fitted with it. What both cost besides is the same. Reads that rested tell
  /// what others bring into the caches meanwhile.
  private mutating func fitFewRows(_ reads: [BandwidthSample], _ rested: [BandwidthSample]) throws {
    let chosen = samples.filter { $0.kind == .product && $0.rows <= profile.fewRows }
    let start = profile
    let outside = reads.filter { Double($0.bytes) >= Self.outsideCaches * (start.caches.last?.bytes ?? 0) }
    func changed(_ p: [Double]) -> HardwareProfile {
      var profile = start
      profile.caches = start.caches.map {
        CacheLevel(bytes: Self.share(p[0]) * $0.bytes, bandwidth: Self.share(p[1]) * $0.bandwidth)
      }
      profile.memoryBandwidth = exp(p[2]) * start.memoryBandwidth
      if !rested.isEmpty, !start.caches.isEmpty { profile.displacement = Rate(Self.startDisplacement * exp(p[10])) }
      profile.efficiency.fewRowProduct = Efficiency(
        compute: SaturatingEfficiency(limit: Self.share(p[3]), halfSize: exp(p[4])), bandwidth: Self.share(p[7]),
        overlap: Self.share(p[5]), memoryOverlap: Self.share(p[8]),
        overhead: Seconds(Self.operationOverhead * exp(p[6])))
      profile.efficiency.oneRowProduct = Efficiency(
        compute: SaturatingEfficiency(limit: Self.share(p[9] - Self.oneRowStart)), elementwise: Self.share(p[3]),
        overhead: profile.efficiency.fewRowProduct.overhead)
      return profile
    }
    profile = changed(
      try minimise(11, from: Self.fewRowStarts) { p in
        let profile = changed(p)
        return Self.deviations(chosen, profile)
          + outside.map {
            Self.readWeight * log($0.rate.perSecond / profile.bandwidth(workingSet: Double($0.bytes)).perSecond)
          } + Self.deviations(rested: rested, memory: start.memoryBandwidth, profile)
      })
    parameters += 11
  }

  /// A read inside a cache is faster than any kernel that computes, so that of what did not rest is the rate of what was
  /// kept.
  private static func deviations(
    rested: [BandwidthSample], memory: Rate<Byte>, _ profile: HardwareProfile
  ) -> [Double] {
    guard let kept = rested.first else { return [] }
    return rested.map { read in
      let touched = Double(read.bytes) + profile.displacement.perSecond * read.interval
      let share = profile.cachedShare(workingSet: touched)
      return log(1 / read.rate.perSecond / (share / kept.rate.perSecond + (1 - share) / memory.perSecond))
    }
  }

  /// What is fused into a product is too little to tell its rate; attention exponentiates every score.
  private mutating func fit(_ operation: OperationClass, tile: Double = 1) throws {
    let exponentiates = operation == .attentionPrefill
    try fit(operation, exponentiates ? 7 : 6, from: Self.classStarts) { p in
      Efficiency(
        compute: SaturatingEfficiency(limit: Self.share(p[0]), halfSize: Self.startHalfSize * exp(p[1])),
        elementwise: exponentiates ? Self.share(p[6]) : nil, bandwidth: Self.share(p[2]), overlap: Self.share(p[3]),
        memoryOverlap: Self.share(p[5]), overhead: Seconds(Self.operationOverhead * exp(p[4])), tile: tile)
    }
  }

  /// New positions read keys that are fetched ahead, so that what a cache serves hides; every query of every head has a
  /// start and an end, which is most of the time where keys are few, and takes longer where they come from memory.
  private mutating func fitPositionAttention() throws {
    try fit(.attentionDecode, 8, from: [[0: 1], [0: -1], [2: 2], [5: -2]]) { p in
      Efficiency(
        compute: SaturatingEfficiency(
          limit: Self.share(p[0] - Self.oneRowStart), halfSize: Self.startHalfSize * exp(p[1])),
        elementwise: Self.share(p[6]), bandwidth: Self.share(p[2]), memoryOverlap: Self.share(p[5]),
        overhead: Seconds(Self.operationOverhead * exp(p[4])), rowOverhead: Seconds(Self.rowOverhead * exp(p[3])),
        memoryRowOverhead: Seconds(Self.rowOverhead * exp(p[7])))
    }
  }

  private mutating func fit(
    _ operation: OperationClass, _ count: Int, from starts: [[Int: Double]], _ efficiency: ([Double]) -> Efficiency
  ) throws {
    let chosen = samples.filter { $0.operationClass(on: profile) == operation }
    let start = profile
    func changed(_ p: [Double]) -> HardwareProfile {
      var profile = start
      profile.efficiency[operation] = efficiency(p)
      return profile
    }
    profile = changed(try minimise(count, from: starts) { Self.deviations(chosen, changed($0)) })
    parameters += count
  }

  /// A logistic curve: a share between 0 and 1 that begins at 1 / (1 + 1/e) = 0.73, which is chosen.
  private static func share(_ p: Double) -> Double { 1 / (1 + exp(-p - 1)) }

  private static func deviations(_ samples: [CalibrationSample], _ profile: HardwareProfile) -> [Double] {
    samples.map { log($0.seconds / $0.predicted(on: profile).value) }
  }

  /// A weak pull of every parameter to its start leaves one that no sample determines where it was; it weighs as much
  /// as a deviation of 2 % per unit.
  ///
  /// A roofline has kinks, at which a search can stop: the best of one from every start.
  /// - Parameters:
  ///   - count: parameters; a search starts with all of them at 0.
  ///   - others: starts besides, parameters that are not 0 by their place.
  private func minimise(
    _ count: Int, from others: [[Int: Double]] = [], _ deviations: ([Double]) -> [Double]
  ) throws -> [Double] {
    func residuals(_ p: [Double]) -> [Double] { deviations(p).map(Self.huber) + p.map { Self.pull * $0 } }
    let fits = try ([[:]] + others).map { changed in
      try nonlinearFit(
        start: (0..<count).map { changed[$0] ?? 0 }, iterations: Self.iterations, tolerance: Self.tolerance,
        mustConverge: false, residuals: residuals
      ).parameters
    }
    return fits.map { (parameters: $0, cost: residuals($0).reduce(0) { $0 + $1 * $1 }) }.min { $0.cost < $1.cost }!
      .parameters
  }

  /// The signed root of Huber's loss: quadratic up to 10 %, linear beyond.
  private static func huber(_ deviation: Double) -> Double {
    let size = abs(deviation)
    let scale = Self.outlier
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
        CalibratedRange(property: .rows, lowest: rows.min()!, highest: rows.max()!),
        CalibratedRange(property: .workingSet, lowest: sets.min()!, highest: sets.max()!),
      ], threads: threads)
  }
}
