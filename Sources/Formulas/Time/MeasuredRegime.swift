/// What a phase was waiting for by measurement: several signs, each of which may side with a bound.
public struct MeasuredRegime: Hashable, Sendable {
  /// How sure it is.
  public enum Confidence: String, CaseIterable, Codable, Sendable {
    /// At least two signs speak, and all that speak agree.
    case high
    /// One sign speaks, or some disagree.
    case low
  }

  /// What most signs say.
  public var bound: Bound
  /// Time of arithmetic on data that stays in a cache over the time of the traffic alone, as a prediction's margin is.
  public var margin: Double
  /// How sure it is.
  public var confidence: Confidence
  /// What each sign says, in words, where some contradict each other; nil where none does.
  public var dispute: String?

  /// The margin is compute over memory time.
  public init(bound: Bound, margin: Double, confidence: Confidence, dispute: String? = nil) {
    (self.bound, self.margin, self.confidence, self.dispute) = (bound, margin, confidence, dispute)
  }
}

/// What growing one property of a workload did to a phase, or to a level of it: exponents of growth.
public struct Elasticities: Hashable, Sendable {
  /// How far the elasticities of arithmetic and traffic must lie apart before a time can side with one of them. Chosen:
  /// two times that are off by 5 % in opposite directions move an elasticity by log₂(1.05 / 0.95) = 0.14.
  private static let distinct = 0.2
  /// Of half the distance between both elasticities, how far from the middle a time must lie to side with one. Chosen.
  private static let leastLean = 0.25

  /// Of measured time; log₂ of the ratio where the property doubled.
  public var time: Double
  /// Of counted FLOP.
  public var flops: Double
  /// Of counted traffic.
  public var bytes: Double

  /// Of time, FLOP and traffic.
  public init(time: Double, flops: Double, bytes: Double) {
    (self.time, self.flops, self.bytes) = (time, flops, bytes)
  }

  /// The one of arithmetic and traffic that time grew like; nil where both grew alike, or time like neither.
  public var bound: Bound? {
    let distance = flops - bytes
    guard abs(distance) >= Self.distinct else { return nil }
    let lean = (time - (flops + bytes) / 2) / (distance / 2)
    return abs(lean) < Self.leastLean ? nil : lean > 0 ? .compute : .memory
  }
}
