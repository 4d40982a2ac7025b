import Architectures
import Hardware
import Quantities
import TestModels
import Testing

@testable import Formulas

/// Llama 3.1 8B, by its configuration on Hugging Face.
let llama8B = Model.vanilla(
  vocabulary: 128_256, layer: LayerShape(width: 4096, heads: 32, keyValueHeads: 8, feedForward: 14336), layers: 32)

/// Weights as quantised checkpoints store them.
@Suite struct StoredPrecisionTests {
  private func bytes(_ model: Model, _ precision: Precision) -> Int128 {
    Quantities.bytes(parameters(of: model).memoryBits(precision))
  }

  @Test func `an 8B checkpoint in fp8 keeps tables and norms in 16 bits`() throws {
    // Matrices 32 · (4096 · 6144 + 4096² + 3 · 4096 · 14336) bytes, tables 2 · 128256 · 4096 · 2, norms 65 · 4096 · 2.
    #expect(bytes(llama8B, try #require(.named("fp8"))) == 6_979_321_856 + 2_101_346_304 + 532_480)
    // The figure of those who count a byte for each norm too.
    let apart = Precision(weights: .fp8, activations: .fp8, embedding: .bf16, head: .bf16)
    #expect(bytes(llama8B, apart) == 9_080_934_400)
    // A scale of two bytes for each of 43 008 outputs in 32 layers.
    #expect(bytes(llama8B, try #require(.named("fp8-dynamic"))) == 9_081_200_640 + 32 * 43_008 * 2)
  }

  @Test func `a 7B checkpoint in int4 has a scale and a zero point for each 128 inputs`() throws {
    // Every weight of a matrix takes 4 + 16/128 + 4/128 bits: 6 476 005 376 · 4.15625 / 8.
    #expect(bytes(llama, try #require(.named("w4a16"))) == 3_364_487_168 + 524_288_000 + 532_480)
  }

  @Test func `groups that do not divide the inputs have a last one that is shorter`() {
    let precision = Precision(weights: .int4, groups: WeightGroups(size: 128, hasZeroPoints: true))
    #expect(precision.bits(of: .matrix, inputs: 129) == 129 * 4 + 2 * 20)
    #expect(precision.bits(of: .matrix, inputs: 128) == 128 * 4 + 20)
    #expect(precision.bits(of: .vector, inputs: 129) == 129 * 4)
    let wide = Precision(weights: .int4, head: .bf16, groups: WeightGroups(size: nil, hasZeroPoints: false))
    #expect(wide.bits(of: .head, inputs: 7) == 7 * 16 && wide.bits(of: .matrix, inputs: 7) == 7 * 4 + 16)
  }

  @Test(arguments: ["w4a16", "fp8-dynamic", "w8a8-kv8", "kv8"])
  func `a decode step reads the stack and the head as they are stored, and one row of the table`(name: String) throws {
    let precision = try #require(Precision.named(name))
    for model in [llama8B, llama] {
      let question = Question(model, Workload(promptLength: 64, generatedLength: 1), precision)
      let table = Int128(precision.bits(of: .embedding, inputs: model.layer.width))
      let stored = parameters(of: model).memoryBits(precision) - Int128(model.vocabulary) * table
      #expect(try price(question).totals.decode.weightBits == stored + table)
    }
  }

  @Test func `the dispatched operations stream what is counted`() throws {
    for name in ["w4a16", "w8a8-kv8", "bf16"] {
      let precision = try #require(Precision.named(name))
      for model in [llama8B, PublishedSize.all[0].photon()] {
        let question = Question(model, Workload(promptLength: 64, generatedLength: 32), precision)
        let phase = DispatchedWorkload(question).decode
        let streamed = phase.groups.reduce(0) { $0 + $1.dispatches * $1.work.weightBytes }
        let counted = Double(try price(question).totals.decode.weightBits) / 8
        // Sums of doubles that are whole eighths, far below 2^53.
        #expect(streamed == counted, "\(name)")
      }
    }
  }

  @Test func `the head is multiplied in its own type`() throws {
    let profile = HardwareProfile(
      name: "two rates", peaks: PeakRates([(.bf16, Rate(1e12)), (.fp8, Rate(4e12))]), elementwise: Rate(1e15),
      memoryBandwidth: Rate(1e18), memoryBytes: 1 << 40)
    func head(_ precision: Precision) throws -> Double {
      let question = Question(llama8B, Workload(promptLength: 8, generatedLength: 1, batchSize: 64), precision)
      let estimate = TimedPhases(question, try Roofline(profile, precision)).decode
      return estimate.nodes.first { $0.node.component == .head }!.figure.compute.value
    }
    let whole = try head(Precision(weights: .fp8, activations: .fp8))
    let apart = try head(#require(.named("fp8")))
    let flops = Double(2 * 64 * 4096 * 128_256)
    // Both have the same norm besides; a sum of two doubles is exact to 2^-53.
    #expect(abs((apart - whole) / (flops / 1e12 - flops / 4e12) - 1) < 1e-12)
    #expect(throws: HardwareError.self) {
      try profile.check(Precision(weights: .fp8, activations: .fp8, head: .fp16))
    }
  }

  @Test func `a device's share of the maps is whole weights`() {
    // 4-level hierarchies whose converters do not divide by three.
    let model = PublishedSize.all[0].photon()
    for precision in [Precision(), Precision(weights: .int4)] {
      let maps = parameters(of: model).components.filter(\.isMap)
      let whole = parameters(of: model).memoryBits(precision)
      let shared = parameters(of: model).memoryBits(precision, devices: 3)
      let bits = Int128(precision.weights.bits)
      let saved = maps.reduce(0) { $0 + ($1.count - ($1.count + 2) / 3) * bits }
      #expect(whole - shared == saved)
    }
  }

  @Test func `every format has a name, also with a cache of eight bits`() throws {
    for name in PrecisionPreset.names {
      let precision = try #require(Precision.named(name), "\(name)")
      #expect((precision.cache.bits == 8) == (name.hasSuffix("kv8")), "\(name)")
    }
    #expect(Precision.named("fp9") == nil && Precision.named("w4a16-kv4") == nil && Precision.named("-kv8") == nil)
  }
}

extension Precision {
  static func named(_ name: String) -> Precision? { PrecisionPreset.named(name) }
}
