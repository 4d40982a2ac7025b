import Architectures
import Hardware
import Quantities

/// What a second of predicted time is spent on.
public enum TimeCause: String, CaseIterable, Codable, Sendable {
  /// Operations that arithmetic bounds.
  case arithmetic
  /// Reading weights, where traffic bounds.
  case weights
  /// Keys and values: appended, read, copied.
  case cache
  /// What operations hand each other, attention scores included where they are stored.
  case intermediates
  /// Launches, steps, and what devices send each other.
  case overhead
}

/// A time as the sum of its causes.
public struct TimeByCause: Hashable, Sendable {
  private var seconds = [Double](repeating: 0, count: TimeCause.allCases.count)

  public init() {}

  public subscript(cause: TimeCause) -> Seconds {
    get { Seconds(seconds[TimeCause.allCases.firstIndex(of: cause)!]) }
    set { seconds[TimeCause.allCases.firstIndex(of: cause)!] = newValue.value }
  }

  public var total: Seconds { Seconds(seconds.reduce(0, +)) }

  static func += (left: inout Self, right: Self) {
    for cause in TimeCause.allCases { left[cause] = left[cause] + right[cause] }
  }
}

extension Roofline {
  /// The time of a phase by cause; adds up to `estimate(_:)`.
  public func causes(_ phase: DispatchedPhase) -> TimeByCause {
    var sum = TimeByCause()
    for group in phase.groups where group.dispatches > 0 { sum += causes(group) }
    sum[.overhead] = sum[.overhead] + phase.steps * profile.stepOverhead
    return sum
  }

  /// The longer of arithmetic and traffic causes the time of a dispatch; the traffic's part is shared out by bytes. What
  /// does not overlap belongs to itself.
  private func causes(_ dispatched: DispatchGroup) -> TimeByCause {
    let figure = figure(dispatched)
    let group = engine.applied(to: dispatched)
    let (operation, peak) = ceiling(of: group)
    let rates = profile.rates(operation, peak: peak, workingSet: group.workingSet)
    let compute =
      rates.perMatmulFlop * (group.work.matmulFlops + Affine(rates.halfSize * group.unitFlops))
      + rates.perElementwiseFlop * group.work.elementwiseFlops
    let longer = partsOfMax(compute, rates.perByte * group.work.bytes, count: group.indices)
    let times = group.dispatchesPerIndex
    let hidden = 1 - rates.overlap
    let arithmetic = times * rates.overlap * longer.left + hidden * figure.compute.value
    let traffic = times * rates.overlap * longer.right + hidden * figure.memory.value

    var causes = TimeByCause()
    causes[.arithmetic] = Seconds(arithmetic)
    causes[.overhead] = Seconds(figure.time.value - arithmetic - traffic)
    let bytes = group.work.bytes.sum(from: 0, to: group.indices)
    guard bytes > 0 else { return causes }
    causes[.weights] = Seconds(traffic * group.indices * group.work.weightBytes / bytes)
    causes[.cache] = Seconds(traffic * group.work.entryBytes.sum(from: 0, to: group.indices) / bytes)
    causes[.intermediates] = Seconds(traffic) - causes[.weights] - causes[.cache]
    return causes
  }
}

/// `sumOfMax` with what each function contributes where it is the larger one.
func partsOfMax(_ left: Affine, _ right: Affine, count: Double) -> (left: Double, right: Double) {
  let crossing = (right.first - left.first) / (left.slope - right.slope)
  guard crossing > 0, crossing < count - 1 else {
    let sums = (left.sum(from: 0, to: count), right.sum(from: 0, to: count))
    return sums.0 > sums.1 ? (sums.0, 0) : (0, sums.1)
  }
  let split = crossing.rounded(.down) + 1
  return left.slope > right.slope
    ? (left.sum(from: split, to: count), right.sum(from: 0, to: split))
    : (left.sum(from: 0, to: split), right.sum(from: split, to: count))
}
