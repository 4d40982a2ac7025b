import Quantities

/// A place where the difference of two closed forms changes its sign.
public struct Crossing: Hashable, Sendable {
  /// The first integer on the far side; `integer - 1` is still on the near side.
  public var integer: Int
  /// Where the straight line through the two integers meets zero.
  public var root: Double
  /// Whether the difference is positive from `integer` on.
  public var rises: Bool

  public init(integer: Int, root: Double, rises: Bool) {
    self.integer = integer
    self.root = root
    self.rises = rises
  }
}

/// The crossings of zero of a function of integers (batch, context, continuations), at most one for each doubling.
///
/// The range is cut at its lower bound times 1, 2, 4, …; where the sign at both ends of a piece differs, bisection keeps
/// a sign change between its ends until they are neighbours. Counts contain floors, so the function exists at integers
/// only; bisection over integers ends at an exact answer after at most log₂ evaluations, where a real-valued solver would
/// have to interpolate first and check its neighbours afterwards. Zero counts as negative.
/// - Precondition: the range starts at 1 or above.
public func crossings(in range: ClosedRange<Int>, of difference: (Int) -> Double) -> [Crossing] {
  precondition(range.lowerBound >= 1, "a range of doublings starts at 1 or above")
  var found: [Crossing] = []
  var low = range.lowerBound
  var atLow = difference(low)
  while low < range.upperBound {
    let high = low > range.upperBound / 2 ? range.upperBound : 2 * low
    let atHigh = difference(high)
    if (atLow > 0) != (atHigh > 0) {
      found.append(bisect((low, atLow), (high, atHigh), difference))
    }
    (low, atLow) = (high, atHigh)
  }
  return found
}

private func bisect(_ start: (Int, Double), _ end: (Int, Double), _ difference: (Int) -> Double) -> Crossing {
  var (low, atLow) = start
  var (high, atHigh) = end
  while high - low > 1 {
    let middle = low + (high - low) / 2
    let atMiddle = difference(middle)
    if (atMiddle > 0) == (atLow > 0) {
      (low, atLow) = (middle, atMiddle)
    } else {
      (high, atHigh) = (middle, atMiddle)
    }
  }
  return Crossing(integer: high, root: Double(low) + atLow / (atLow - atHigh), rises: atHigh > 0)
}

/// Where a phase changes its bound; empty when it never does in the range. `rises` means from memory to compute.
public func boundFlips(in range: ClosedRange<Int>, of figure: (Int) -> TimeFigure) -> [Crossing] {
  crossings(in: range) { value in
    let figure = figure(value)
    return figure.compute.value - figure.memory.value
  }
}

/// The smallest value (a context, a number of continuations) at which `first` takes less time than `second`; nil where it
/// never does in the range.
///
/// With the decode time per token of two models over the context it says where one overtakes the other; with
/// prefill + K · decode over K it says how many continuations repay a dearer prefill.
public func overtakes(
  in range: ClosedRange<Int>, _ first: (Int) -> Seconds, _ second: (Int) -> Seconds
) -> Int? {
  func lead(_ value: Int) -> Double { second(value).value - first(value).value }
  if lead(range.lowerBound) > 0 { return range.lowerBound }
  return crossings(in: range, of: lead).first(where: \.rises)?.integer
}
