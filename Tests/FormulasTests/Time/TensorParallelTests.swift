import Architectures
import Hardware
import Quantities
import TestModels
import Testing

@testable import Formulas

/// Every width, head count, hidden width and vocabulary divides by 4.
private func divisible(_ reading: DecoderInput = .cascade, _ mode: Generation = .hierarchical) -> Model {
  let levels = [ChunkerKind.concatenation, .linear].enumerated().map { index, chunker in
    LevelShape(
      chunkLength: 2 + 2 * index, conditionLength: 1 + index,
      layer: LayerShape(width: 64 + 32 * index, heads: 8, keyValueHeads: 4, feedForward: 96),
      encoderLayers: 2, decoderLayers: 3, chunker: chunker)
  }
  return Model.photon(
    vocabulary: 64, layer: LayerShape(width: 48, heads: 8, feedForward: 64), levels: levels,
    decoderInput: reading, generation: mode)
}

private func machine(link: Double? = 1e9, devices: Int = 1, memory: Int = 1 << 30) -> HardwareProfile {
  HardwareProfile(
    name: "machine", peaks: PeakRates([(.bf16, Rate(1e12))]), elementwise: Rate(1e11), memoryBandwidth: Rate(1e11),
    memoryBytes: memory, pricePerHour: 2, boardPower: 100, deviceLink: link.map { Rate($0) }
  ).sharing(devices)
}

private func sum(_ phase: DispatchedPhase, _ value: (DispatchWork) -> Affine) -> Double {
  phase.groups.reduce(0) { $0 + $1.dispatchesPerIndex * value($1.work).sum(from: 0, to: $1.indices) }
}

private func linkBytes(_ phase: DispatchedPhase) -> Double {
  phase.groups.reduce(0) { $0 + $1.dispatches * $1.linkBytes }
}

private let workload = Workload(promptLength: 37, generatedLength: 21, batchSize: 2, continuations: 2)

@Suite struct TensorParallelTests {
  @Test func `devices that divide everything share the matrix work exactly`() {
    for (reading, mode) in variants(levels: 2) {
      let model = divisible(reading, mode)
      let whole = DispatchedWorkload(Question(model, workload, Precision()))
      for devices in [2, 4] {
        let share = DispatchedWorkload(Question(model, workload, Precision()), devices: devices)
        for (part, all) in [(share.prefill, whole.prefill), (share.decode, whole.decode)] {
          #expect(Double(devices) * sum(part, \.matmulFlops) == sum(all, \.matmulFlops))
          // Norms, residuals and the vectors between products are on every device.
          #expect(sum(part, \.bytes) < sum(all, \.bytes))
          #expect(Double(devices) * sum(part, \.bytes) > sum(all, \.bytes))
          #expect(part.groups.count == all.groups.count)
        }
      }
    }
  }

  /// Two sums of rows × D for each layer, each sent 2(n−1)/n times; the embedding's rows are summed too, and the V logits
  /// of a token put together.
  @Test func `a vanilla model exchanges two sums a layer`() {
    let model = Model.vanilla(
      vocabulary: 64, layer: LayerShape(width: 48, heads: 8, feedForward: 64), layers: 5)
    for devices in [2, 4, 8] {
      let n = Double(devices)
      let phases = DispatchedWorkload(
        Question(model, Workload(promptLength: 7, generatedLength: 3, batchSize: 2), Precision()), devices: devices)
      // Bytes of bf16 that are summed for a token: 2·5 layers and the embedding.
      let summed: Double = 2 * 48 * (2 * 5 + 1)
      let logits: Double = 2 * 64
      let share = (n - 1) / n
      #expect(linkBytes(phases.prefill) == share * (2 * 14 * summed))
      #expect(linkBytes(phases.decode) == share * (2 * 6 * summed + 6 * logits))
    }
  }

  @Test func `what is exchanged takes its time on the link and none on one device`() throws {
    for (reading, mode) in variants(levels: 2) {
      let model = divisible(reading, mode)
      let alone = TimedPhases(Question(model, workload, Precision()), try Roofline(machine(), Precision()))
      #expect(alone.decode.total.communication == .zero)
      let slow = TimedPhases(Question(model, workload, Precision()), try Roofline(machine(devices: 4), Precision()))
      let fast = TimedPhases(
        Question(model, workload, Precision()), try Roofline(machine(link: 1e30, devices: 4), Precision()))
      let bytes = linkBytes(DispatchedWorkload(Question(model, workload, Precision()), devices: 4).decode)
      let exchange = slow.decode.total.communication.value
      #expect(abs(exchange - bytes / 1e9) <= 1e-12 * exchange)
      let difference = (slow.decode.total.time - fast.decode.total.time).value
      #expect(abs(difference - exchange) <= 1e-9 * exchange)
      // Free links: faster than one device, never more than four times.
      #expect(fast.decode.total.time < alone.decode.total.time)
      #expect(4 * fast.decode.total.time.value >= alone.decode.total.time.value * (1 - 1e-12))
    }
  }

  @Test func `one device is the machine alone`() throws {
    let model = divisible()
    #expect(
      DispatchedWorkload(Question(model, workload, Precision()), devices: 1)
        == DispatchedWorkload(Question(model, workload, Precision())))
    #expect(model.share(of: 1) == model)
    let link = try TimedPoint(Question(model, workload, Precision()), on: machine())
    let none = try TimedPoint(Question(model, workload, Precision()), on: machine(link: nil))
    #expect(link.figures == none.figures)
  }

  @Test func `several devices need a link`() throws {
    #expect(throws: HardwareError.noDeviceLink(profile: "machine", devices: 2)) {
      try Roofline(machine(link: nil, devices: 2), Precision())
    }
  }

  @Test func `a device holds its share, so more prompts fit, and the sample stays what it is`() throws {
    let model = divisible()
    let whole = try MemoryDemand(Question(model, workload, Precision()))
    let share = try MemoryDemand(Question(model, workload, Precision()), devices: 4)
    #expect(4 * share.bytesPerSequence == whole.bytesPerSequence)
    #expect(share.weightBytes > whole.weightBytes / 4)
    #expect(share.weightBytes < whole.weightBytes / 3)
    let alone = try TimedPoint(Question(model, workload, Precision()), on: machine(memory: 2_000_000))
    let together = try TimedPoint(Question(model, workload, Precision()), on: machine(devices: 4, memory: 2_000_000))
    #expect(try #require(together.largestBatch) > 4 * #require(alone.largestBatch))
    #expect(together.memory == alone.memory)
    #expect(together.cost.dollars == TokenCost(machine(), at: together.figures.throughput).dollars.map { 4 * $0 })
  }

  @Test func `the bound of whole phases is that of all devices and below the sum of operations`() throws {
    let model = divisible()
    let exact = try price(Question(model, workload, Precision())).totals
    let (one, four) = (try Roofline(machine(), Precision()), try Roofline(machine(devices: 4), Precision()))
    let phases = TimedPhases(Question(model, workload, Precision()), four)
    for phase in Phase.allCases {
      let bound = four.plain(exact[phase]).time
      #expect(abs(4 * bound.value - one.plain(exact[phase]).time.value) <= 1e-12 * bound.value)
      #expect(bound <= phases[phase].total.time)
    }
  }

  @Test func `fewer key–value heads than devices are held by several`() {
    let shape = LayerShape(width: 64, heads: 8, keyValueHeads: 2, feedForward: 30)
    let share = shape.share(of: 4)
    #expect(share == LayerShape(width: 64, heads: 2, keyValueHeads: 1, headWidth: 8, feedForward: 8))
  }
}
