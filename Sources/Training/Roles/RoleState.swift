import Architectures
import Foundation
import GSL

/// Gates that are learned, and what their training needs to go on.
public struct RoleState: Codable, Hashable {
  /// Steps taken.
  public private(set) var step = 0
  private var numbers: AdamWNumbers
  /// `λ1` and `λ2` of PruLong.
  private var multiplierNumbers = AdamWNumbers([0, 0])

  /// PruLong: logα from N(4, 0.01²). DuoAttention: α = 1.
  init(_ settings: RoleSettings, count: Int) {
    switch settings.method {
    case .pruLong:
      let stream = RandomStream(seed: UInt64(settings.seed), name: "gates")
      numbers = AdamWNumbers((0..<count).map { _ in Float(4 + 0.01 * stream.gaussian()) })
    case .duoAttention: numbers = AdamWNumbers(Array(repeating: 1, count: count))
    }
  }

  /// logα of PruLong, α of DuoAttention, layer by layer.
  public var gates: [Double] { numbers.values.map(Double.init) }
  /// `λ1` and `λ2` of PruLong.
  public var multipliers: [Double] { multiplierNumbers.values.map(Double.init) }

  /// A step of PruLong: down for gates, which decay; up for multipliers, which do not.
  mutating func step(_ settings: RoleSettings, gates: [Double], multipliers: [Double]) {
    step += 1
    let rate = settings.learningRate(step: step)
    numbers.step(gates.map(Float.init), step: step, learningRate: rate, settings: .init(weightDecay: 0.1))
    multiplierNumbers.step(
      multipliers.map { -Float($0) }, step: step, learningRate: rate, settings: .init(weightDecay: 0))
  }

  /// A step of DuoAttention, cut to 0…1.
  mutating func step(_ settings: RoleSettings, gates: [Double]) {
    step += 1
    numbers.step(
      gates.map(Float.init), step: step, learningRate: settings.learningRate(step: step),
      settings: .init(beta2: 0.999, weightDecay: 0))
    numbers.values = numbers.values.map { min(max($0, 0), 1) }
  }
}
