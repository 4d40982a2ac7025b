/// What a user accepts; a request without a time between tokens keeps that limit.
public struct ServiceLimits: Hashable, Sendable {
  /// Of the time to the first token.
  /// - Unit: ns
  public var timeToFirstToken: Int?
  /// Of the time per output token.
  /// - Unit: ns
  public var timePerOutputToken: Int?
  /// Of the whole request.
  /// - Unit: ns
  public var endToEnd: Int?

  /// Nothing is asked for unless told otherwise.
  public init(timeToFirstToken: Int? = nil, timePerOutputToken: Int? = nil, endToEnd: Int? = nil) {
    self.timeToFirstToken = timeToFirstToken
    self.timePerOutputToken = timePerOutputToken
    self.endToEnd = endToEnd
  }

  /// Whether anything is asked for.
  public var isEmpty: Bool { timeToFirstToken == nil && timePerOutputToken == nil && endToEnd == nil }

  func areKept(by request: ServedRequest) -> Bool {
    guard let first = request.first, let last = request.last else { return false }
    if let limit = timeToFirstToken, first - request.request.arrival > limit { return false }
    if let limit = endToEnd, last - request.request.arrival > limit { return false }
    if let limit = timePerOutputToken, let time = request.timePerOutputToken, time > Double(limit) { return false }
    return true
  }
}

extension ServedRequest {
  /// Nil for a single token.
  /// - Unit: ns
  public var timePerOutputToken: Double? {
    guard let first, let last, request.output > 1 else { return nil }
    return Double(last - first) / Double(request.output - 1)
  }
}

/// Figures of a run (docs/simulation.md, §9).
public struct ServingSummary: Hashable, Sendable {
  /// Measured requests that got everything.
  public var finished = 0
  /// Measured requests that got nothing, for each reason.
  public var rejected: [Rejection: Int] = [:]
  /// Tokens of all continuations of measured requests.
  public var tokens = 0
  /// Of the first token, after the arrival.
  public var timeToFirstToken: Distribution
  /// From the arrival to the first pass.
  public var queueing: Distribution
  /// Between two tokens of a request, its mean.
  public var timePerOutputToken: Distribution
  /// From the arrival to the last token, for each token.
  public var inclusiveTimePerOutputToken: Distribution
  /// Between two tokens, of all requests together.
  public var interToken: Distribution
  /// From the arrival to the last token.
  public var endToEnd: Distribution
  /// From the first arrival to the last token.
  /// - Unit: ns
  public var span: Int?
  /// Requests that keep every limit; nil without limits.
  public var good: Int?
  /// Hit tokens and prompt tokens of finished requests.
  public var hitTokens = 0, promptTokens = 0
  /// Whether the queue grows without end; nil where that cannot be told.
  public var isUnstable: Bool?

  /// A number of things for each second of the span.
  public func perSecond(_ count: Int) -> Double? {
    span.flatMap { $0 > 0 ? Double(count) * 1e9 / Double($0) : nil }
  }

  /// Good ones of all that were answered.
  public var attainment: Double? {
    let answered = finished + rejected.values.reduce(0, +)
    return good.flatMap { answered > 0 ? Double($0) / Double(answered) : nil }
  }
}

extension Simulation {
  /// The figures of a run that has ended; times between tokens need `Recording.gaps`.
  /// - Parameters:
  ///   - limits: what users accept.
  ///   - interpolation: of percentiles.
  public func summary(
    limits: ServiceLimits = ServiceLimits(), interpolation: Distribution.Interpolation = .nearest
  ) -> ServingSummary {
    let all = served
    let measured = all.filter { trim.keeps($0.id, of: source.total, arrival: $0.request.arrival) }
    let finished = measured.filter { $0.state == .finished }
    func times(_ time: (ServedRequest) -> Int?) -> Distribution {
      Distribution(finished.compactMap { request in time(request).map { $0 - request.request.arrival } }, interpolation)
    }
    var summary = ServingSummary(
      timeToFirstToken: times(\.first), queueing: times(\.scheduled),
      timePerOutputToken: Distribution(ratios: finished.compactMap(\.timePerOutputToken), interpolation),
      inclusiveTimePerOutputToken: Distribution(
        ratios: finished.compactMap { request in
          request.last.map { Double($0 - request.request.arrival) / Double(request.request.output) }
        }, interpolation), interToken: Distribution(gaps.sorted, interpolation), endToEnd: times(\.last))
    summary.finished = finished.count
    for request in measured { if let reason = request.rejection { summary.rejected[reason, default: 0] += 1 } }
    summary.tokens = finished.reduce(0) { $0 + $1.request.output * $1.request.continuations }
    if let start = finished.map(\.request.arrival).min(), let end = finished.compactMap(\.last).max() {
      summary.span = end - start
    }
    if !limits.isEmpty { summary.good = finished.count(where: limits.areKept) }
    for request in all where request.state == .finished {
      summary.hitTokens += request.hit
      summary.promptTokens += request.request.prompt
    }
    if source.isOpen { summary.isUnstable = isUnstable(all) }
    return summary
  }
}

/// Whether twice as many requests are inside in the last quarter of the arrivals as in the second one, and at least
/// eight more; nil of fewer than 100 requests.
func isUnstable(_ requests: [ServedRequest]) -> Bool? {
  guard requests.count >= 100, let first = requests.map(\.request.arrival).min(),
    let last = requests.map(\.request.arrival).max()
  else { return nil }
  let width = (last - first) / 4
  func inside(quarter: Int) -> Int128 {
    let (from, to) = (first + (quarter - 1) * width, first + quarter * width)
    return requests.reduce(0) { sum, request in
      guard request.state == .finished, let end = request.last else { return sum }
      return sum + Int128(max(0, min(end, to) - max(request.request.arrival, from)))
    }
  }
  let (second, fourth) = (inside(quarter: 2), inside(quarter: 4))
  return fourth >= 2 * second && fourth - second >= 8 * Int128(width)
}
