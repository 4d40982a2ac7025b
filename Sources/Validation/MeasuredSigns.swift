import Formulas
import Foundation

/// Four measurements that each may say what a phase, or a level of it, waits for.
///
/// Two grow the work: the time follows whichever of arithmetic and traffic has the nearer elasticity. Two leave out one of
/// them. For a time t ≤ arithmetic + traffic and t ≥ the longer of both:
///
/// - arithmetic alone (`cached`) of at most t/2 leaves at least t/2 to traffic, which is the longer one then;
///   of nearly t it is the longer one itself;
/// - traffic alone (`reading`) says the opposite in the same way.
public struct MeasuredSigns: Hashable, Sendable {
  /// One of the four.
  public enum Sign: String, CaseIterable, Sendable { case batch, context, cached, reading }

  /// What one part is of the whole where it proves the other to be longer.
  private static let half = 0.5
  /// What one part is of the whole where it is nearly all of it. Chosen: times differ by some percent.
  private static let nearlyAll = 0.93

  /// Of the whole operations, timed in the same way as what is left out.
  /// - Unit: s
  public var time: Double
  /// On data that stays in a cache, and with arithmetic removed.
  /// - Unit: s
  public var cached, reading: Double
  /// At twice the batch and at twice the prompt; nil where there is none.
  public var batch, context: Elasticities?

  /// Times are in s.
  public init(time: Double, cached: Double, reading: Double, batch: Elasticities?, context: Elasticities?) {
    (self.time, self.cached, self.reading, self.batch, self.context) = (time, cached, reading, batch, context)
  }

  /// What one sign says; nil where it says nothing.
  public subscript(sign: Sign) -> Bound? {
    switch sign {
    case .batch: batch.flatMap(\.bound)
    case .context: context.flatMap(\.bound)
    case .cached: part(cached, ofItself: .compute)
    case .reading: part(reading, ofItself: .memory)
    }
  }

  private func part(_ part: Double, ofItself bound: Bound) -> Bound? {
    let share = part / time
    if share <= Self.half { return bound == .compute ? .memory : .compute }
    return share >= Self.nearlyAll ? bound : nil
  }

  /// What the signs say together; nil where none speaks. The bound of signs that disagree is that of most of them, and of
  /// as many on both sides the one whose part alone takes longer.
  public var regime: MeasuredRegime? {
    let said = Sign.allCases.compactMap { self[$0] }
    guard !said.isEmpty, time > 0, reading > 0 else { return nil }
    let compute = said.count { $0 == .compute }
    let bound: Bound =
      2 * compute == said.count
      ? (cached > reading ? .compute : .memory) : 2 * compute > said.count ? .compute : .memory
    let agree = compute == 0 || compute == said.count
    return MeasuredRegime(
      bound: bound, margin: cached / reading, confidence: agree && said.count >= 2 ? .high : .low,
      dispute: agree ? nil : text)
  }

  /// What each sign says, for people: `batch memory, context –, cached memory, reading memory`.
  public var text: String {
    Sign.allCases.map { "\($0.rawValue) \(self[$0]?.rawValue ?? "–")" }.joined(separator: ", ")
  }
}

/// What a doubling of batch or context does: d log y / d log x, as log₂ of the ratio.
public func elasticity(of value: Double, doubled: Double) -> Double { log2(doubled / value) }
