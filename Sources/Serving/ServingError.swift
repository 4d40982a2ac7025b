/// Why a simulation ends without a result.
public enum ServingError: Error, Hashable, CustomStringConvertible {
  /// A time, a length or a price leaves its integers.
  case overflow(String)
  /// A setting that no run can have, or two that do not go together.
  case settings(String)

  public var description: String {
    switch self {
    case .overflow(let what): "\(what) leaves the range of its integers"
    case .settings(let problem): problem
    }
  }
}

/// A later moment.
/// - Unit: ns
func later(_ time: Int, by duration: Int) throws(ServingError) -> Int {
  let (sum, overflow) = time.addingReportingOverflow(duration)
  if overflow { throw .overflow("the clock") }
  return sum
}

/// A real number of nanoseconds or tokens as an integer, rounded half to even.
func rounded(_ value: Double, _ what: String) throws(ServingError) -> Int {
  guard let integer = Int(exactly: value.rounded(.toNearestOrEven)) else { throw .overflow(what) }
  return integer
}

extension Int {
  /// ⌈self / divisor⌉ of numbers that are not negative.
  func dividedUp(by divisor: Int) -> Int { self / divisor + (self % divisor == 0 ? 0 : 1) }
}

/// ⌈bytes · 10⁹ / bandwidth⌉ + latency.
/// - Unit: ns; bytes per second, ns
func linkTime(bytes: Int, bandwidth: Int, latency: Int) throws(ServingError) -> Int {
  let scaled = Int128(bytes) * 1_000_000_000
  let time = (scaled + Int128(bandwidth) - 1) / Int128(bandwidth) + Int128(latency)
  guard let time = Int(exactly: time) else { throw .overflow("the time of a transfer") }
  return time
}
