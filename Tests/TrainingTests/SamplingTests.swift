import Architectures
import Foundation
import GSL
import Reference
import Tensors
import Testing
import Training

/// What sampling owes to greedy choice, to its settings and to its seed.
struct SamplingTests {
  static func logits(_ seed: UInt64, count: Int = 17) -> [Float] {
    let stream = RandomStream(seed: seed, name: "logits")
    return (0..<count).map { _ in Float(2 * stream.gaussian()) }
  }

  /// The tokens drawn from the same logits over and over.
  static func draws(_ settings: SamplingSettings, _ logits: [Float], count: Int) -> [Int] {
    let sampler = Sampler(settings, vocabulary: logits.count, promptLength: 5, generatedLength: count)
    return logits.withUnsafeBufferPointer { numbers in
      (5..<5 + count).map { Int(sampler.choose(numbers, 0, $0)) }
    }
  }

  static func greedyChoice(_ logits: [Float]) -> Int {
    logits.withUnsafeBufferPointer { Int(greedy($0, 0, 0)) }
  }

  /// p by definition, in the order of the vocabulary.
  static func distribution(_ logits: [Float], temperature: Double) -> [Double] {
    let weights = logits.map { exp(Double($0) / temperature) }
    return weights.map { $0 / weights.reduce(0, +) }
  }

  @Test func `temperature 0, a temperature near 0, one rank and a vanishing mass are greedy`() {
    for seed in 0..<20 as Range<UInt64> {
      let logits = Self.logits(seed)
      for settings in [
        .greedy, SamplingSettings(temperature: 1e-6, seed: seed), SamplingSettings(topK: 1, seed: seed),
        SamplingSettings(topP: 1e-12, seed: seed), SamplingSettings(temperature: 0, topK: 3, topP: 0.5),
      ] {
        #expect(Self.draws(settings, logits, count: 20).allSatisfy { $0 == Self.greedyChoice(logits) })
      }
    }
  }

  @Test func `equal logits are ranked by their index`() {
    let logits: [Float] = [0, 3, 1, 3, 3]
    #expect(Set(Self.draws(SamplingSettings(topK: 1), logits, count: 50)) == [1])
    #expect(Set(Self.draws(SamplingSettings(topK: 2), logits, count: 200)) == [1, 3])
  }

  @Test func `the k largest can be drawn and nothing else`() {
    for seed in 0..<5 as Range<UInt64> {
      let logits = Self.logits(seed, count: 9)
      let ranked = logits.indices.sorted { logits[$0] > logits[$1] }
      for k in 1...9 {
        // At temperature 20 every token that stays has at least 1 of 30 chances: all come up in 2000 draws.
        let drawn = Set(Self.draws(SamplingSettings(temperature: 20, topK: k, seed: seed), logits, count: 2000))
        #expect(drawn == Set(ranked.prefix(k)))
      }
    }
  }

  @Test func `the smallest set whose mass reaches p can be drawn and nothing else`() {
    for seed in 0..<5 as Range<UInt64> {
      let logits = Self.logits(seed, count: 9)
      let p = Self.distribution(logits, temperature: 8)
      let ranked = p.indices.sorted { p[$0] > p[$1] }
      for share in [0.1, 0.3, 0.5, 0.7, 0.9, 0.99] {
        let size = (1...9).first { ranked.prefix($0).reduce(0) { $0 + p[$1] } >= share }!
        let drawn = Set(
          Self.draws(SamplingSettings(temperature: 8, topP: share, seed: seed), logits, count: 2000))
        #expect(drawn == Set(ranked.prefix(size)), "seed \(seed), p = \(share)")
      }
    }
  }

  @Test func `top-p counts the mass of what top-k left`() {
    // Masses of 8, 4, 2 and 1 fifteenths; of the first two alone ⅔ and ⅓.
    let logits = [8, 4, 2, 1].map { Float(log(Double($0))) }
    let both = SamplingSettings(topK: 2, topP: 0.6)
    #expect(Set(Self.draws(both, logits, count: 200)) == [0])
    #expect(Set(Self.draws(SamplingSettings(topP: 0.6), logits, count: 200)) == [0, 1])
  }

  @Test func `settings that keep everything draw the same tokens`() {
    for seed in 0..<5 as Range<UInt64> {
      let logits = Self.logits(seed)
      let plain = Self.draws(SamplingSettings(seed: seed), logits, count: 300)
      for topK in [17, 18, 1000] {
        #expect(Self.draws(SamplingSettings(topK: topK, seed: seed), logits, count: 300) == plain)
      }
    }
  }

  @Test(arguments: [0.5, 1, 2.5])
  func `frequencies are those of the distribution`(temperature: Double) {
    let (logits, count) = (Self.logits(4), 40_000)
    let drawn = Self.draws(SamplingSettings(temperature: temperature), logits, count: count)
    let p = Self.distribution(logits, temperature: temperature)
    for token in logits.indices {
      let frequency = Double(drawn.count { $0 == token }) / Double(count)
      // Bernstein's bound of a mean of count variables in [0, 1], at 10⁻⁹ for either side of each of 17 tokens.
      let exponent = log(Double(1e9))
      let variance = p[token] * (1 - p[token]) / Double(count)
      let bound = (2 * variance * exponent).squareRoot() + 2 * exponent / (3 * Double(count))
      #expect(abs(frequency - p[token]) <= bound)
    }
  }

  @Test func `a seed gives the same tokens, and another one gives others`() {
    let logits = Self.logits(9)
    let first = Self.draws(SamplingSettings(seed: 3), logits, count: 100)
    #expect(first == Self.draws(SamplingSettings(seed: 3), logits, count: 100))
    #expect(first != Self.draws(SamplingSettings(seed: 4), logits, count: 100))
  }

  @Test func `a token depends neither on the order of choosing nor on the batch around it`() {
    let logits = Self.logits(2)
    func sampler(_ sequences: Int) -> Sampler {
      Sampler(
        SamplingSettings(seed: 6), vocabulary: 17, sequences: sequences, promptLength: 0, generatedLength: 40)
    }
    let (alone, batch) = (sampler(1), sampler(3))
    logits.withUnsafeBufferPointer { numbers in
      let forward = (0..<40).map { alone.choose(numbers, 0, $0) }
      let backward = (0..<40).reversed().map { position in
        for sequence in [2, 1] { _ = batch.choose(numbers, sequence, position) }
        return batch.choose(numbers, 0, position)
      }
      #expect(forward == backward.reversed())
      #expect(forward != (0..<40).map { batch.choose(numbers, 1, $0) })
    }
  }

  @Test func `logits that are no numbers are noted where they first come`() {
    for settings in [SamplingSettings.greedy, SamplingSettings()] {
      let sampler = Sampler(settings, vocabulary: 3, promptLength: 10, generatedLength: 5)
      for (position, last) in [(10, 1), (11, Float.nan), (12, .nan)] as [(Int, Float)] {
        [0, 1, last].withUnsafeBufferPointer { _ = sampler.choose($0, 0, position) }
        #expect(sampler.undefined?.position == (position == 10 ? nil : 11))
      }
      let infinite = Sampler(SamplingSettings(), vocabulary: 2, promptLength: 0, generatedLength: 1)
      [Float.infinity, 1].withUnsafeBufferPointer { _ = infinite.choose($0, 0, 0) }
      #expect(infinite.undefined?.position == 0)
    }
  }

  /// One token is drawn per emitted position whatever the order in which a session decodes its chunks.
  @Test(arguments: DecoderInput.allCases)
  func `sampled sessions repeat by their seed, and one rank is greedy`(reading: DecoderInput) {
    for generation in Generation.allCases {
      var model = Subject.photon(
        [(2, 2, Subject.grouped, .concatenation), (2, 1, Subject.grouped, .linear)], reading)
      model.generation = generation
      let weights = ModelWeights(model, seed: 8, holdsNumbers: true)
      func tokens(_ settings: SamplingSettings?) -> [[Int32]] {
        let workload = Workload(promptLength: 3, generatedLength: 21, batchSize: 1, continuations: 2)
        let session = makeSession(weights, workload: workload, machine: Machine(backend: .plain))
        session.prefill([[1, 4, 2]])
        guard let settings else { return session.generate() }
        let sampler = Sampler(settings, vocabulary: 11, sequences: 2, promptLength: 3, generatedLength: 21)
        return session.generate(choosing: sampler.choose)
      }
      let sampled = tokens(SamplingSettings(seed: 5))
      #expect(sampled == tokens(SamplingSettings(seed: 5)) && sampled[0] != sampled[1])
      #expect(tokens(SamplingSettings(topK: 1)) == tokens(nil) && sampled != tokens(nil))
    }
  }
}
