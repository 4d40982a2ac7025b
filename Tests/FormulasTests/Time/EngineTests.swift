import Architectures
import Hardware
import Quantities
import TestModels
import Testing

@testable import Formulas

private let machine = HardwareProfile(
  name: "round", peaks: PeakRates([(.bf16, Rate(1e15))]), elementwise: Rate(5e13), memoryBandwidth: Rate(4e12),
  memoryBytes: 100_000_000_000)

private let engines = [
  Engine.ideal, .eager,
  Engine(name: "odd", launchOverhead: Seconds(3e-5), cacheTraffic: 7.5, scoreTraffic: 11, heldCaches: 1.5),
]

private var models: [Model] {
  let size = PublishedSize.all[0]
  return [size.vanilla, size.block]
    + variants(levels: 2).map { size.photon($0.0, $0.1) }
    + [small(chunks: [2, 3], conditions: [1, 3]), small(chunks: [4], conditions: [2])]
}

private let workloads = [
  Workload(promptLength: 128, generatedLength: 96), Workload(promptLength: 101, generatedLength: 59, batchSize: 300),
  Workload(promptLength: 2048, generatedLength: 16, batchSize: 3, continuations: 2),
]

private func close(_ left: Double, _ right: Double, _ tolerance: Double = 1e-11) -> Bool {
  (left - right).magnitude <= tolerance * max(left.magnitude, right.magnitude)
}

@Suite struct EngineTests {
  @Test func `weights and entries of all dispatches are those of the counts`() throws {
    let precision = Precision(weights: .fp8, activations: .bf16, cache: .fp32)
    for model in models {
      for workload in workloads {
        let totals = try price(Question(model, workload, precision)).totals
        let dispatched = DispatchedWorkload(Question(model, workload, precision))
        for (phase, work) in [(dispatched.prefill, totals.prefill), (dispatched.decode, totals.decode)] {
          let weights = phase.groups.reduce(0) { $0 + $1.dispatches * $1.work.weightBytes }
          let entries = phase.groups.filter { $0.kind == .attentionDecode || $0.kind == .attentionPrefill }.reduce(0) {
            $0 + $1.dispatchesPerIndex * $1.work.entryBytes.sum(from: 0, to: $1.indices)
          }
          #expect(weights * 8 == Double(work.weightBits))
          #expect(entries * 8 == Double(work.cacheReadBits + work.localReadBits))
        }
      }
    }
  }

  @Test func `stored scores of a vanilla prompt fill the square of every head and layer`() {
    let model = PublishedSize.all[0].vanilla
    let phase = DispatchedWorkload(
      Question(model, Workload(promptLength: 100, generatedLength: 3, batchSize: 7), Precision()))
    func scores(_ phase: DispatchedPhase) -> Double {
      phase.groups.reduce(0) { $0 + $1.dispatchesPerIndex * $1.work.scores.sum(from: 0, to: $1.indices) }
    }
    #expect(scores(phase.prefill) == Double(7 * 16 * 32 * 100 * 100))
    #expect(scores(phase.decode) == Double(7 * 16 * 32 * (101 + 102 + 103)))
  }

  @Test func `an engine adds its copies and scores to attention and nothing to anything else`() {
    let model = PublishedSize.all[0].photon()
    let engine = engines[2]
    let decode = DispatchedWorkload(Question(model, workloads[0], Precision())).decode
    for group in decode.groups {
      let added = engine.work(of: group).bytes.first - group.work.bytes.first
      let expected =
        group.kind == .attentionDecode ? 6.5 * group.work.entryBytes.first + 11 * group.work.scores.first : 0
      #expect(close(added, expected, 1e-9))
      #expect(Engine.ideal.work(of: group) == group.work)
    }
  }

  @Test func `a launch costs its overhead for every dispatched operation`() throws {
    let plain = try Roofline(machine, Precision())
    let launching = try Roofline(machine, Precision(), Engine(name: "launches", launchOverhead: Seconds(1e-5)))
    let decode = DispatchedWorkload(Question(PublishedSize.all[0].block, workloads[0], Precision())).decode
    let count = decode.groups.reduce(0) { $0 + $1.dispatches }
    let times = [plain, launching].map { $0.estimate(decode, levelCount: 1).total.time.value }
    #expect(close(times[1] - times[0], 1e-5 * count, 1e-9))
  }

  @Test func `the causes of a time add up to it`() throws {
    var rough = machine
    rough.stepOverhead = Seconds(1e-4)
    rough.sequenceOverhead = Seconds(3e-6)
    rough.efficiency[.attentionDecode] = Efficiency(bandwidth: 0.7, overlap: 0.4, overhead: Seconds(2e-6))
    rough.efficiency[.fewRowProduct] = Efficiency(compute: .init(limit: 0.8, halfSize: 5), overlap: 0.6)
    for profile in [machine, rough] {
      for engine in engines {
        let roofline = try Roofline(profile, Precision(), engine)
        for model in models {
          for workload in workloads {
            let dispatched = DispatchedWorkload(Question(model, workload, Precision()))
            for phase in [dispatched.prefill, dispatched.decode] {
              let causes = roofline.causes(phase)
              let time = roofline.estimate(phase, levelCount: model.levelCount).total.time.value
              #expect(close(causes.total.value, time), "\(model.family) \(workload) \(engine.name)")
              #expect(TimeCause.allCases.allSatisfy { causes[$0].value >= -1e-12 * time })
            }
          }
        }
      }
    }
  }

  @Test func `held caches multiply and logits of a prompt are held by vanilla alone`() throws {
    let workload = Workload(promptLength: 64, generatedLength: 8)
    let engine = Engine(name: "holding", heldCaches: 3, heldScores: 4, holdsPromptLogits: true)
    let size = PublishedSize.all[0]
    for (model, extra) in [(size.vanilla, 4 * 32 * 64 * 64 + 64 * 32000 * 2), (size.block, 4 * 32 * 16 * 16)] {
      let plain = try MemoryDemand(Question(model, workload, Precision())).bytesPerSequence
      let held = try MemoryDemand(Question(model, workload, Precision()), engine: engine).bytesPerSequence
      #expect(held == 3 * plain + Int128(extra))
    }
  }
}
