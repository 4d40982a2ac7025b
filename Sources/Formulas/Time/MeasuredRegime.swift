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

  /// The margin is compute over memory time.
  public init(bound: Bound, margin: Double, confidence: Confidence) {
    (self.bound, self.margin, self.confidence) = (bound, margin, confidence)
  }
}
