import Foundation
import GSL
import Reference

/// How a token is drawn from logits.
public struct SamplingSettings: Hashable, Sendable {
  /// `τ`, by which logits are divided; 0 is greedy.
  public var temperature: Double
  /// `k`: only the k largest logits can be drawn; `nil` keeps all.
  public var topK: Int?
  /// `p`: of these, only the smallest set of likeliest tokens whose mass reaches this share; 1 keeps all.
  public var topP: Double
  /// Of the random streams.
  public var seed: UInt64

  /// The plain distribution unless told otherwise.
  public init(temperature: Double = 1, topK: Int? = nil, topP: Double = 1, seed: UInt64 = 1) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.seed = seed
  }

  /// The likeliest token, always.
  public static let greedy = SamplingSettings(temperature: 0)
}

/// Draws tokens for a session: `session.generate(choosing: sampler.choose)`.
///
/// In this order, in double precision:
/// 1. Tokens are ranked by logit, the largest first, equal ones by index. τ = 0 takes the first.
/// 2. The first k ranks stay.
/// 3. A token weighs `exp((logit − largest) / τ)`.
/// 4. Ranks stay until the weight of those before reaches p times the weight of all that step 2 left; one always stays.
/// 5. A uniform number u of [0, 1) draws, in the order of the vocabulary, the first token that stayed up to which the
///    weights add up to more than u times the weight of all that stayed.
///
/// The i-th number of the random stream `sampling i` of a sequence belongs to the i-th token that it emits: a token does
/// not depend on the batch around it, nor on the order in which chunks that are decoded side by side choose.
public final class Sampler {
  private let settings: SamplingSettings
  private let promptLength: Int
  /// Sequence × emitted position.
  private let uniforms: [[Double]]
  /// By token.
  private var weights: [Double]
  /// A heap of the tokens that have no rank yet; behind it those that have, the first rank last.
  private var heap: [Int32]
  /// The first place, by sequence and position, whose logits were no numbers; what is chosen there means nothing.
  public private(set) var undefined: (sequence: Int, position: Int)?

  /// - Parameters:
  ///   - settings: temperature, cut-offs and seed.
  ///   - vocabulary: V, so that choosing allocates nothing.
  ///   - sequences: batch × continuations.
  ///   - promptLength: the position of the first token to choose.
  ///   - generatedLength: tokens to choose per sequence.
  public init(
    _ settings: SamplingSettings, vocabulary: Int, sequences: Int = 1, promptLength: Int, generatedLength: Int
  ) {
    precondition(
      settings.temperature >= 0 && settings.topK ?? 1 >= 1 && settings.topP > 0 && settings.topP <= 1,
      "τ ≥ 0, k ≥ 1 and 0 < p ≤ 1")
    self.settings = settings
    self.promptLength = promptLength
    let draws = settings.temperature > 0 ? generatedLength : 0
    uniforms = (0..<sequences).map { sequence in
      let stream = RandomStream(seed: settings.seed, name: "sampling \(sequence)")
      return (0..<draws).map { _ in stream.uniform() }
    }
    weights = [Double](repeating: 0, count: vocabulary)
    heap = [Int32](repeating: 0, count: vocabulary)
  }

  /// A `TokenChooser`.
  public func choose(_ logits: UnsafeBufferPointer<Float>, _ sequence: Int, _ position: Int) -> Int32 {
    guard !logits.isEmpty else { return 0 }
    let best = Int(greedy(logits, sequence, position))
    guard settings.temperature > 0 else {
      if logits.contains(where: \.isNaN) { note(sequence, position) }
      return Int32(best)
    }
    let largest = Double(logits[best])
    for token in logits.indices { weights[token] = exp((Double(logits[token]) - largest) / settings.temperature) }
    guard weights.allSatisfy({ $0 <= 1 }) else {
      note(sequence, position)
      return Int32(best)
    }
    let last = lastRanked(logits)
    func stays(_ token: Int) -> Bool { last.map { !Self.stands(logits, $0, before: Int32(token)) } ?? true }
    var mass = 0.0
    for token in weights.indices where stays(token) { mass += weights[token] }
    let target = uniforms[sequence][position - promptLength] * mass
    var sum = 0.0
    for token in weights.indices where stays(token) {
      sum += weights[token]
      if sum > target { return Int32(token) }
    }
    // u < 1 and the sums are the same, so that the last of them exceeds the target unless rounding made them equal.
    return Int32(best)
  }

  private func note(_ sequence: Int, _ position: Int) {
    if undefined == nil { undefined = (sequence, position) }
  }

  /// The token of the last rank that stays; `nil` where all do.
  private func lastRanked(_ logits: UnsafeBufferPointer<Float>) -> Int32? {
    let ranks = min(settings.topK ?? weights.count, weights.count)
    guard ranks < weights.count || settings.topP < 1 else { return nil }
    for token in heap.indices { heap[token] = Int32(token) }
    for parent in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(parent, end: heap.count, logits) }
    var total = 0.0
    var ranked = 0
    if ranks < weights.count {
      while ranked < ranks {
        rankNext(&ranked, logits)
        total += weights[Int(heap[heap.count - ranked])]
      }
    } else {
      total = weights.reduce(0, +)
    }
    var sum = 0.0
    for rank in 1...ranks {
      if rank > ranked { rankNext(&ranked, logits) }
      sum += weights[Int(heap[heap.count - rank])]
      if settings.topP < 1, sum >= settings.topP * total { return heap[heap.count - rank] }
    }
    return heap[heap.count - ranks]
  }

  /// Takes the top of the heap to the place before those that have ranks.
  private func rankNext(_ ranked: inout Int, _ logits: UnsafeBufferPointer<Float>) {
    ranked += 1
    heap.swapAt(0, heap.count - ranked)
    sink(0, end: heap.count - ranked, logits)
  }

  private func sink(_ start: Int, end: Int, _ logits: UnsafeBufferPointer<Float>) {
    var parent = start
    while 2 * parent + 1 < end {
      var child = 2 * parent + 1
      if child + 1 < end, Self.stands(logits, heap[child + 1], before: heap[child]) { child += 1 }
      guard Self.stands(logits, heap[child], before: heap[parent]) else { return }
      heap.swapAt(child, parent)
      parent = child
    }
  }

  private static func stands(_ logits: UnsafeBufferPointer<Float>, _ a: Int32, before b: Int32) -> Bool {
    let (left, right) = (logits[Int(a)], logits[Int(b)])
    return left > right || left == right && a < b
  }
}
