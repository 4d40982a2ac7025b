import Foundation
import GSL

/// What the repetitions of models say about the differences of their means.
///
/// Every model was trained from a few seeds; all are taken to spread alike, so that the few repetitions of each together
/// give one standard deviation with enough degrees of freedom.
public struct SeedSpread: Sendable {
  /// Standard deviation between seeds, pooled over the models; nil where no model has two.
  public let deviation: Double?
  /// Of the deviation: repetitions beyond the first of each model.
  public let degreesOfFreedom: Int

  /// - Parameter samples: per model, a figure of each seed.
  public init(_ samples: [[Double]]) {
    degreesOfFreedom = samples.reduce(0) { $0 + max($1.count - 1, 0) }
    let squares = samples.filter { !$0.isEmpty }.reduce(0) { sum, sample in
      let mean = Statistics.mean(sample)
      return sum + sample.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    }
    deviation = degreesOfFreedom > 0 ? sqrt(squares / Double(degreesOfFreedom)) : nil
  }

  /// Half the width of the 95 % interval of a difference of two means.
  /// - Parameters:
  ///   - left: seeds of the first mean.
  ///   - right: seeds of the second.
  ///   - comparisons: of which this is one, chosen for what it shows; the interval is as much wider (Bonferroni).
  public func uncertainty(_ left: Int, _ right: Int, comparisons: Int = 1) -> Double? {
    deviation.map {
      Statistics.studentQuantile(1 - 0.025 / Double(comparisons), degreesOfFreedom: degreesOfFreedom) * $0
        * sqrt(1 / Double(left) + 1 / Double(right))
    }
  }

  /// Half the width of the 95 % interval of a mean.
  public func uncertainty(_ count: Int) -> Double? {
    deviation.map {
      Statistics.studentQuantile(0.975, degreesOfFreedom: degreesOfFreedom) * $0 / sqrt(Double(count))
    }
  }
}

/// Which of some models none beats in cost and in quality at once, and how sure that is.
public struct ParetoFront: Sendable {
  /// Places of the models on the front, cheapest first.
  public let members: [Int]
  /// Per model: the share of draws in which it is on the front; `nil` where no spread is known.
  public let probabilities: [Double]?

  private static let draws = 10_000

  /// - Parameters:
  ///   - costs: exact; smaller is better.
  ///   - means: of as many seeds as `counts` says; smaller is better.
  ///   - counts: seeds of each model.
  ///   - spread: between the seeds of one model.
  public init(costs: [Double], means: [Double], counts: [Int], spread: SeedSpread) {
    members = Self.front(costs, means).sorted { (costs[$0], $0) < (costs[$1], $1) }
    guard let deviation = spread.deviation else {
      probabilities = nil
      return
    }
    // The true means given the observed ones, under a flat prior: the common variance is a scaled inverse χ², each mean
    // is normal around the observed one.
    let stream = RandomStream(seed: 1, name: "Pareto front")
    var found = [Int](repeating: 0, count: means.count)
    for _ in 0..<Self.draws {
      let chiSquared = (0..<spread.degreesOfFreedom).reduce(0.0) { sum, _ in
        let draw = stream.gaussian()
        return sum + draw * draw
      }
      let sigma = deviation * sqrt(Double(spread.degreesOfFreedom) / chiSquared)
      let drawn = zip(means, counts).map { $0 + sigma / sqrt(Double($1)) * stream.gaussian() }
      for index in Self.front(costs, drawn) { found[index] += 1 }
    }
    probabilities = found.map { Double($0) / Double(Self.draws) }
  }

  /// Models of the same cost and quality are all on it.
  private static func front(_ costs: [Double], _ values: [Double]) -> [Int] {
    costs.indices.filter { one in
      !costs.indices.contains { other in
        costs[other] <= costs[one] && values[other] <= values[one]
          && (costs[other] < costs[one] || values[other] < values[one])
      }
    }
  }
}
