import Architectures
import Foundation
import Tensors
import Testing

@testable import Training

/// Expected numbers without another source are PruLong's closed forms by hand: P(z > 0) = σ(logα + 1.5986),
/// 1.5986 = (2/3)·ln 11.
struct RoleGateTests {
  /// To the digits that are written.
  static func agree(_ value: Double, _ written: Double, digits: Double) -> Bool { abs(value - written) <= digits / 2 }

  @Test func `a head is kept with the probability that its gate says`() {
    #expect(Self.agree(HardConcrete.keepProbability(0.0), 0.8318, digits: 1e-4))
    #expect(Self.agree(HardConcrete.keepProbability(4.0), 0.9963, digits: 1e-4))
    #expect(Self.agree(HardConcrete.keepProbability(-10.0), 2.2e-4, digits: 1e-5))
  }

  @Test func `samples are cut where σ̂ is below 1⁄12 or above 11⁄12, and have no slope there`() {
    // u = ½ says nothing: σ̂ = σ(logα/τ).
    func logAlpha(_ sigma: Double) -> Double { HardConcrete.temperature * log(sigma / (1 - sigma)) }
    // 1.2 · 0.5 − 0.1 rounds twice.
    #expect(abs(HardConcrete.sample(0.0, noise: 0.5) - 0.5) <= 2 * 0x1p-53)
    for sigma in [1e-9, 0.05, 1.0 / 12 - 1e-12] {
      #expect(
        HardConcrete.sample(logAlpha(sigma), noise: 0.5) == 0 && HardConcrete.slope(logAlpha(sigma), noise: 0.5) == 0)
      #expect(HardConcrete.sample(logAlpha(1 - sigma), noise: 0.5) == 1)
      #expect(HardConcrete.slope(logAlpha(1 - sigma), noise: 0.5) == 0)
    }
    for sigma in [1.0 / 12 + 1e-12, 0.3, 11.0 / 12 - 1e-12] {
      let z = HardConcrete.sample(logAlpha(sigma), noise: 0.5)
      #expect(z > 0 && z < 1 && HardConcrete.slope(logAlpha(sigma), noise: 0.5) > 0)
    }
  }

  /// Some ten operations of either way round once each.
  @Test func `the slope of a sample is the one that dual numbers find`() {
    for logAlpha in stride(from: -6.0, through: 6, by: 0.37) {
      for noise in [1e-8, 0.1, 0.4, 0.77, 1 - 1e-8] {
        let dual = HardConcrete.sample(Dual(logAlpha, slope: 1), noise: noise)
        #expect(dual.value == HardConcrete.sample(logAlpha, noise: noise))
        #expect(abs(dual.slope - HardConcrete.slope(logAlpha, noise: noise)) <= 40 * 0x1p-53)
      }
    }
  }

  @Test func `masks without noise have as many zeros as are expected`() {
    // P(z > 0) ≈ 1, 1, 0.83, 0, 0: 2.17 zeros are expected.
    let masks = HardConcrete.masks([12, 11, 0, -12, -11])
    #expect(masks[3] == 0 && masks[4] == 0 && masks[2] == 0.5)
    #expect(Self.agree(masks[0], 1, digits: 1e-5) && masks[0] > masks[1])
  }

  @Test func `so many heads become full as the truncated share says`() {
    func count(_ heads: Int, _ sparsity: Double, _ order: RoleSettings.Order = .gates) -> Int {
      let settings = RoleSettings(.pruLong, sparsity: sparsity, batch: 1, order: order)
      return HeadRoles((0..<heads).map { Double($0 % 7) }, heads: 8, settings).fullCount
    }
    // kv-methods of PruLong: ⌊256 · 0.3⌋ = ⌊76.8⌋.
    #expect(count(256, 0.7) == 76)
    #expect(count(256, 0.7, .masks) == 76)
    #expect(count(256, 0) == 256 && count(256, 1) == 0 && count(16, 0.5) == 8)
  }

  @Test func `heads become full by their gates, or by masks that are mostly alike`() {
    let gates = [5.0, -9, 4, -8, 3, -7, 2, -6]
    func roles(_ order: RoleSettings.Order, _ sparsity: Double, seed: Int = 42) -> [[Bool]] {
      HeadRoles(
        gates, heads: 4, RoleSettings(.pruLong, sparsity: sparsity, batch: 1, seed: seed, order: order)
      ).isFull
    }
    #expect(roles(.gates, 0.5) == [[true, false, true, false], [true, false, true, false]])
    // Where no more heads become full than are not zero both orders agree.
    #expect(roles(.masks, 0.5) == roles(.gates, 0.5))
    // Of six full heads two are drawn among the zeros; by the gates they are the last ones.
    #expect(roles(.gates, 0.25) == [[true, false, true, false], [true, true, true, true]])
    let drawn = Set((0..<20).map { roles(.masks, 0.25, seed: $0) })
    #expect(drawn.count > 1 && drawn.allSatisfy { $0.joined().count { $0 } == 6 && $0[0][0] && $0[1][2] })
    #expect(roles(.masks, 0.25) == roles(.masks, 0.25))
  }

  @Test func `of equal gates the first heads become full`() {
    let settings = RoleSettings(.pruLong, sparsity: 0.5, batch: 1)
    #expect(HeadRoles([1, 1, 1, 1], heads: 2, settings).isFull == [[true, true], [false, false]])
  }

  @Test func `DuoAttention's heads are full from a quantile up, and noise breaks ties`() {
    func roles(_ gates: [Double], _ sparsity: Double, seed: Int = 42) -> HeadRoles {
      HeadRoles(gates, heads: 4, RoleSettings(.duoAttention, sparsity: sparsity, batch: 1, seed: seed))
    }
    let gates = [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4]
    #expect(roles(gates, 0.5).isFull == [[true, false, true, false], [true, false, true, false]])
    #expect(roles(gates, 0).fullCount == 8 && roles(gates, 1).fullCount == 0)
    // The quantile of 0.75 lies a quarter of the way between the sixth and the seventh of eight.
    #expect(roles(gates, 0.75).isFull == [[true, false, true, false], [false, false, false, false]])
    let alike = Set((0..<20).map { roles(Array(repeating: 1, count: 8), 0.5, seed: $0) })
    #expect(alike.count > 1 && alike.allSatisfy { $0.fullCount == 4 })
    #expect(roles(Array(repeating: 1, count: 8), 0.5) == roles(Array(repeating: 1, count: 8), 0.5))
  }

  @Test func `roles are the rows of a cache`() {
    let settings = RoleSettings(.pruLong, sparsity: 0.5, batch: 1)
    #expect(HeadRoles([1, 0, 0, 1], heads: 2, settings).exempt == .roles(["10", "01"]))
  }

  @Test func `targets and learning rates go as the authors' do`() {
    let pruLong = RoleSettings(.pruLong, sparsity: 0.7, batch: 1)
    #expect(pruLong.target(step: 1) == 0 && pruLong.target(step: 401) == 0.35)
    #expect(pruLong.target(step: 801) == 0.7 && pruLong.target(step: 1000) == 0.7)
    #expect(pruLong.learningRate(step: 100) == 1 && pruLong.learningRate(step: 1000) == 0.01)
    let duo = RoleSettings(.duoAttention, batch: 1)
    #expect(duo.learningRate(step: 1) == 0.002 && duo.learningRate(step: 200) == 0.01)
    #expect(duo.learningRate(step: 400) == 0.02 && duo.learningRate(step: 1601) == 0.02)
    #expect(duo.learningRate(step: 1801) == 0.01 && duo.learningRate(step: 2000) == 0.002)
  }

  /// Gates of a loss Σ (z − c)² that wants all heads full: multipliers go up while too few stream, and bring the share of
  /// streaming heads to its target.
  @Test(arguments: RoleSettings.Sparsity.allCases)
  func `the multipliers bring a toy loss to its target`(expected: RoleSettings.Sparsity) {
    let settings = RoleSettings(.pruLong, sparsity: 0.5, steps: 400, batch: 1, learningRate: 0.2)
    var state = RoleState(settings, count: 64)
    var excess: [Double] = []
    for step in 1...settings.steps {
      let noise = state.gates.indices.map {
        (Double($0 * 37 + step * 11).truncatingRemainder(dividingBy: 64) + 0.5) / 64
      }
      let objective = PruLongObjective(
        state.gates, noise: noise, expected: expected, target: settings.target(step: step),
        multipliers: state.multipliers)
      let before = state.multipliers[0]
      // Some heads cost more than others to stream.
      let slopes = objective.samples.enumerated().map { 2 * ($1 - 1) * Double($0 % 8) / 64 }
      state.step(settings, gates: objective.slopes(ofLoss: slopes), multipliers: objective.multiplierSlopes)
      if step == 1 { #expect((state.multipliers[0] - before) * objective.excess > 0) }
      excess.append(objective.excess)
    }
    let last = excess.suffix(20).reduce(0) { $0 + abs($1) } / 20
    #expect(last < 0.05, "\(last)")
  }
}
