import Architectures
import Formulas
import Hardware
import Quantities
import TestModels
import Testing

private func machine(price: Double?, power: Double?) -> HardwareProfile {
  HardwareProfile(
    name: "machine", peaks: PeakRates([(.bf16, Rate(1e12))]), elementwise: Rate(1e12), memoryBandwidth: Rate(1e12),
    memoryBytes: 1 << 30, pricePerHour: price, boardPower: power)
}

@Suite struct TokenCostTests {
  /// 1000 token/s take 1000 s for a million: 1000/3600 h at 3.6 $/h is one dollar, and 700 W are 700 kJ.
  @Test func `a million tokens cost the hours and the watts that they take`() {
    let cost = TokenCost(machine(price: 3.6, power: 700), at: Rate<Token>(1000))
    #expect(cost.dollars == 1)
    #expect(cost.joules == 700_000)
  }

  @Test func `without a price, a power or a token there is nothing to say`() {
    #expect(TokenCost(machine(price: nil, power: 700), at: Rate<Token>(1000)).dollars == nil)
    #expect(TokenCost(machine(price: 3.6, power: nil), at: Rate<Token>(1000)).joules == nil)
    #expect(TokenCost(machine(price: 3.6, power: 700), at: Rate<Token>(0)) == TokenCost())
  }

  @Test func `a point carries the cost of its own throughput and of the largest batch's`() throws {
    let profile = machine(price: 2, power: 300)
    let point = try TimedPoint(
      Question(small(chunks: [2, 3], conditions: [1, 2]), Workload(promptLength: 30, generatedLength: 12)), on: profile)
    #expect(point.cost == TokenCost(profile, at: point.figures.throughput))
    let largest = try #require(point.atLargestBatch)
    #expect(point.costAtLargestBatch == TokenCost(profile, at: largest.throughput))
    let (alone, together) = try (#require(point.cost.dollars), #require(point.costAtLargestBatch.dollars))
    #expect(together < alone)
  }
}
