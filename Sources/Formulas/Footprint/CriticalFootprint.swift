/// The smallest footprint at which a method still scores well enough.
///
/// Configurations are tried one by one, so the answer may lie outside what was tried: tables print `<34` or `>93`.
/// - Unit: fractions of full attention
public enum CriticalFootprint: Hashable, Sendable {
  /// The smallest footprint that was tried is still enough.
  case below(Double)
  /// Read off the curve between two footprints.
  case value(Double)
  /// The largest footprint that was tried, full attention aside, is not enough.
  case above(Double)
}

/// The scores of a method at several footprints, joined by straight lines up to full attention.
/// - Source: PruLong (arXiv:2506.17121) §2.1 and Table 2
public struct FootprintCurve: Hashable, Sendable {
  /// One configuration of a method.
  public struct Point: Hashable, Sendable {
    /// - Unit: a fraction of full attention
    public let footprint: Double
    /// In the unit of the task; more is better.
    public let score: Double

    /// - Precondition: both are finite, the footprint within 0 … 1.
    public init(footprint: Double, score: Double) {
      precondition((0...1).contains(footprint) && score.isFinite, "a footprint is within 0 … 1, and a score finite")
      self.footprint = footprint
      self.score = score
    }
  }

  /// What is meant by the smallest footprint where a curve crosses the threshold more than once. The paper does not say.
  public enum Reading: CaseIterable, Sendable {
    /// The smallest footprint of the curve that scores enough, though a larger one may not.
    case globalMinimum
    /// The smallest footprint that scores enough with every larger one.
    case contiguousFromFull
  }

  /// In ascending order of the footprint, which no two share; the last is that which nothing was saved of.
  private let points: [Point]

  /// The best score counts where several configurations have one footprint; those that save nothing are left out.
  /// - Parameters:
  ///   - configurations: in any order, full attention aside.
  ///   - fullScore: the score of full attention.
  ///   - fullFootprint: its footprint; below 1 where the model is a hierarchy, which keeps less than a Transformer.
  /// - Precondition: `fullScore` is at least 0 and finite.
  public init(_ configurations: [Point], fullScore: Double, fullFootprint: Double = 1) {
    precondition(fullScore >= 0 && fullScore.isFinite, "a share of a negative score is no threshold")
    let best = Dictionary(configurations.map { ($0.footprint, $0.score) }, uniquingKeysWith: max)
    points =
      best.filter { $0.key < fullFootprint }.map { Point(footprint: $0.key, score: $0.value) }.sorted {
        $0.footprint < $1.footprint
      } + [Point(footprint: fullFootprint, score: fullScore)]
  }

  /// The smallest footprint whose score is at least a share of the full score.
  ///
  /// Where nothing was tried it is that of full attention.
  /// - Parameters:
  ///   - fraction: `𝓕`, the share, within 0 … 1.
  ///   - reading: where the curve is not monotone.
  public func critical(fraction: Double = 0.9, _ reading: Reading) -> CriticalFootprint {
    precondition((0...1).contains(fraction), "a share of the full score is within 0 … 1")
    let threshold = fraction * points.last!.score
    let isEnough = points.map { $0.score >= threshold }
    // Full attention is always enough.
    let first =
      switch reading {
      case .globalMinimum: isEnough.firstIndex(of: true)!
      case .contiguousFromFull: isEnough.lastIndex(of: false).map { $0 + 1 } ?? 0
      }
    if points.count == 1 { return .value(points[0].footprint) }
    if first == 0 { return .below(points[0].footprint) }
    if first == points.count - 1 { return .above(points[first - 1].footprint) }
    return .value(crossing(from: points[first - 1], to: points[first], at: threshold))
  }

  /// Where a straight line reaches a score, exactly so at its ends.
  private func crossing(from low: Point, to high: Point, at score: Double) -> Double {
    let share = (score - low.score) / (high.score - low.score)
    return (1 - share) * low.footprint + share * high.footprint
  }
}
