/// A value that is exact where it can be.
public enum Measured: Hashable, Sendable {
  /// In ns.
  case integer(Int)
  /// In ns.
  case number(Double)

  /// As a real number.
  public var value: Double {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    }
  }
}

/// How a time is spread over requests (docs/simulation.md, §9).
public struct Distribution: Hashable, Sendable {
  /// How a percentile is found.
  public enum Interpolation: String, Hashable, Sendable, CaseIterable {
    /// A value that there is.
    case nearest
    /// On the line between two.
    case linear
  }

  /// In thousandths of a percent: p50, p90, p95, p99, p99.9.
  public static let percentiles = [50_000, 90_000, 95_000, 99_000, 99_900]

  /// Number of values.
  public var count: Int
  /// Nil of none.
  /// - Unit: ns
  public var mean: Double?
  /// Half of the 95 % interval of the mean by batch means; nil of fewer than 40 requests, and of what is not one value a
  /// request.
  /// - Unit: ns
  public var halfWidth: Double?
  /// For each of `percentiles`; empty of none.
  public var percentiles: [Measured]
  /// Nil of none.
  public var largest: Measured?

  /// Of integers that are counted.
  init(_ tally: SortedTally, _ interpolation: Interpolation, inOrder: [Int] = []) {
    count = tally.count
    mean = tally.mean
    halfWidth = Serving.halfWidth(inOrder.map(Double.init))
    percentiles = Self.percentiles.compactMap { percentile in
      switch interpolation {
      case .nearest: tally.percentile(percentile).map(Measured.integer)
      case .linear: tally.linearPercentile(percentile).map(Measured.number)
      }
    }
    largest = tally.percentile(100_000).map(Measured.integer)
  }

  /// Of one integer a request, in the order of ids.
  init(_ values: [Int], _ interpolation: Interpolation) {
    self.init(Tally(values).sorted, interpolation, inOrder: values)
  }

  /// Of one ratio a request, in the order of ids.
  init(ratios: [Double], _ interpolation: Interpolation) {
    count = ratios.count
    mean = ratios.isEmpty ? nil : ratios.reduce(0, +) / Double(ratios.count)
    halfWidth = Serving.halfWidth(ratios)
    let sorted = ratios.sorted()
    percentiles = Self.percentiles.compactMap { percentile in
      switch interpolation {
      case .nearest: nearestRank(percentile, of: sorted).map(Measured.number)
      case .linear: between(percentile, of: sorted).map(Measured.number)
      }
    }
    largest = sorted.last.map(Measured.number)
  }
}

private func between(_ percentile: Int, of sorted: [Double]) -> Double? {
  guard !sorted.isEmpty else { return nil }
  let (place, rest) = (percentile * (sorted.count - 1)).quotientAndRemainder(dividingBy: 100_000)
  let low = sorted[place]
  return rest == 0 ? low : low + (sorted[place + 1] - low) * Double(rest) / 100_000
}

/// Half of the 95 % interval of a mean: 20 batches in the order of ids, and t with 19 degrees of freedom.
func halfWidth(_ values: [Double]) -> Double? {
  guard values.count >= 40 else { return nil }
  let size = values.count / 20
  let rest = values.dropFirst(values.count % 20)
  let means = (0..<20).map { batch in
    rest.dropFirst(batch * size).prefix(size).reduce(0, +) / Double(size)
  }
  let mean = means.reduce(0, +) / 20
  let variance = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 19
  return 2.0930240544083096 * variance.squareRoot() / 20.0.squareRoot()
}
