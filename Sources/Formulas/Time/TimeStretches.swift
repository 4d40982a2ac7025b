import Architectures
import Quantities

/// Neighbouring integers at which a difference keeps its sign; zero counts as negative.
public struct Stretch: Hashable, Sendable {
  /// Both ends included.
  public var range: ClosedRange<Int>
  /// Whether the difference is above 0 there.
  public var isPositive: Bool

  public init(range: ClosedRange<Int>, isPositive: Bool) {
    self.range = range
    self.isPositive = isPositive
  }
}

/// How far batches, prompts and continuations are searched for a change.
public enum SearchLimit {
  /// Prompts that run together.
  public static let batch = 65_536
  /// Tokens of a prompt.
  public static let prompt = 16_777_216
  /// Continuations of a prompt.
  public static let continuations = 65_536
}

/// The stretches of a range in ascending order; of changes within one doubling all but one are missed.
public func stretches(in range: ClosedRange<Int>, of difference: (Int) -> Double) -> [Stretch] {
  var found: [Stretch] = []
  var start = range.lowerBound
  var isPositive = difference(start) > 0
  for crossing in crossings(in: range, of: difference) {
    found.append(Stretch(range: start...(crossing.integer - 1), isPositive: isPositive))
    (start, isPositive) = (crossing.integer, crossing.rises)
  }
  found.append(Stretch(range: start...range.upperBound, isPositive: isPositive))
  return found
}

/// The stretches of prompts that leave the same remainder in their meta-context as one of them.
///
/// A prompt that ends inside a chunk runs decoders in prefill which a whole number of meta-contexts leaves to the first
/// token, so its neighbours would flip a bound back and forth.
public func stretches(
  like prompt: Int, metaContext step: Int, of difference: (Int) -> Double
) -> [Stretch] {
  let rest = prompt % step
  let units = stretches(in: 1...max(1, SearchLimit.prompt / step)) { difference($0 * step + rest) }
  return units.map { unit in
    Stretch(
      range: (unit.range.lowerBound * step + rest)...(unit.range.upperBound * step + rest),
      isPositive: unit.isPositive)
  }
}

/// The batches and the prompts at which a phase is bound by compute (`isPositive`) or by memory.
public struct BoundStretches: Hashable, Sendable {
  /// With the prompt of the workload.
  public var overBatch: [Stretch]
  /// Of prompts that leave the same remainder in their meta-context.
  public var overPrompt: [Stretch]

  /// Searches up to `SearchLimit`, from the question as it is.
  public init(_ phase: Phase, _ question: Question, _ roofline: Roofline) {
    func lead(_ question: Question) -> Double {
      let figure = TimedPhases(question, roofline)[phase].total
      return figure.compute.value - figure.memory.value
    }
    overBatch = stretches(in: 1...SearchLimit.batch) { lead(question.with(batchSize: $0)) }
    overPrompt = stretches(like: question.workload.promptLength, metaContext: question.model.metaContextLength) {
      lead(question.with(promptLength: $0))
    }
  }
}
