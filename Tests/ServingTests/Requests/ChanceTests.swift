import GSL
import Testing

@testable import Serving

/// The checks of docs/simulation.md, §3: seed 1, replication 0.
@Suite struct ChanceTests {
  private static func source(_ load: Load, _ lengths: Lengths, prefixes: SharedPrefixes? = nil) -> RequestSource {
    RequestSource(load, RequestShape(lengths, prefixes: prefixes), seed: 1, replication: 0)
  }

  private static func four(
    _ arrivals: Arrivals = .regular(gap: 1), _ lengths: Lengths = .apart(prompt: .fixed(8), output: .fixed(2))
  ) throws -> [Request] {
    var source = source(.open(count: 4, arrivals), lengths)
    return try (0..<4).map { _ in try #require(try source.next()) }
  }

  @Test func `streams have the seeds that their names give`() {
    let seeds = ["arrivals", "prompt", "output"].map {
      SampleStream.generatorSeed(seed: 1, replication: 0, name: $0)
    }
    #expect(seeds == [2_329_149_414, 1_563_987_664, 3_603_516_536])
  }

  @Test func `arrivals are GSL's`() throws {
    #expect(try Self.four(.poisson(rate: 10)).map(\.arrival) == [182_741_783, 206_050_504, 258_933_928, 450_937_565])
    #expect(
      try Self.four(.gamma(rate: 10, variation: 2)).map(\.arrival) == [
        115_115_200, 231_870_475, 260_605_357, 260_639_257,
      ])
    #expect(try Self.four(.regular(gap: 7)).map(\.arrival) == [0, 7, 14, 21])
  }

  @Test func `lengths are GSL's`() throws {
    let output = Length.logNormal(mean: 5, deviation: 1, range: 1...100_000)
    let drawn = try Self.four(
      .regular(gap: 1), .apart(prompt: .ratio(1024, share: 800_000), output: output))
    #expect(drawn.map(\.prompt) == [923, 964, 933, 1005])
    #expect(drawn.map(\.output) == [140, 382, 80, 341])
  }

  @Test func `lengths stay in their ranges, and pairs stay together`() throws {
    let drawn = try Self.four(
      .regular(gap: 1),
      .apart(prompt: .ratio(5, share: 1_000_000), output: .logNormal(mean: 100, deviation: 9, range: 3...9)))
    #expect(drawn.map(\.prompt) == [5, 5, 5, 5] && drawn.allSatisfy { $0.output == 9 })
    let pairs = [Lengths.Pair(prompt: 1, output: 2), .init(prompt: 3, output: 4)]
    let seen = try Self.four(.regular(gap: 1), .empirical(pairs))
    #expect(seen.allSatisfy { $0.output == $0.prompt + 1 && [1, 3].contains($0.prompt) })
  }

  @Test func `a use draws from its own stream`() throws {
    let alone = try Self.four(.poisson(rate: 10))
    let beside = try Self.four(
      .poisson(rate: 10), .apart(prompt: .ratio(1024, share: 1), output: .ratio(9, share: 1)))
    #expect(alone.map(\.arrival) == beside.map(\.arrival))
  }

  @Test func `spans are equal where their tokens are`() {
    var keys = SpanKeys(span: 4)
    func request(_ prompt: Int, _ own: Request.Keys) -> Request {
      Request(arrival: 0, prompt: prompt, output: 1, keys: own)
    }
    let first = keys.numbers(of: request(13, .prefix(id: 7, tokens: 9)), id: 0)
    let second = keys.numbers(of: request(12, .prefix(id: 7, tokens: 12)), id: 1)
    #expect(first.count == 3 && first[..<2] == second[..<2] && first[2] < 0 && second[2] >= 0)
    #expect(keys.numbers(of: request(8, .own), id: 2) != keys.numbers(of: request(8, .own), id: 3))
    // Halves of a block of a trace have keys of their own, and spans over two blocks those of both.
    let halves = keys.numbers(of: request(8, .hashes([5], tokensPerHash: 8)), id: 4)
    #expect(Set(halves).count == 2)
    var wide = SpanKeys(span: 8)
    let pairs = [[1, 2], [1, 3], [1, 2]].map {
      wide.numbers(of: request(8, .hashes($0, tokensPerHash: 4)), id: 0)
    }
    #expect(pairs[0] == pairs[2] && pairs[0] != pairs[1])
  }
}
