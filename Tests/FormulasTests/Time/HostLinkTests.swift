import Architectures
import Hardware
import Quantities
import TestModels
import Testing

@testable import Formulas

/// The link between host and device: what crosses it, and what that takes.
struct HostLinkTests {
  /// NVIDIA GeForce RTX 4090: 1.008 TB/s, 165.2 TFLOP/s; PCIe 4.0 × 16.
  static func card(link: Double? = 32e9, latency: Double = 0, host: Int? = nil) -> HardwareProfile {
    var card = HardwareProfile(
      name: "card", peaks: PeakRates([(.bf16, Rate(165.2e12))]), elementwise: Rate(82.6e12),
      memoryBandwidth: Rate(1.008e12), memoryBytes: 25_757_220_864, hostLink: link.map { Rate($0) })
    (card.hostLinkLatency, card.hostMemoryBytes) = (Seconds(latency), host)
    return card
  }

  /// Llama 3.1 8B: 32 layers of 8 key–value heads of 128, 131 072 bytes of entries for a token.
  static func llama(_ host: HostMemory?, chunk: Int? = 32_768) -> Model {
    var model = Model.vanilla(
      vocabulary: 128_256,
      layer: LayerShape(width: 4096, heads: 32, keyValueHeads: 8, headWidth: 128, feedForward: 14336),
      layers: 32)
    model.setCaches { _ in
      StackCache(CachePlan(placement: host.map(Placement.host) ?? .contiguous), prefillChunk: chunk)
    }
    return model
  }

  static func ask(_ model: Model, prompt: Int = 131_072, generated: Int = 1, batch: Int = 1) -> Question {
    Question(model, Workload(promptLength: prompt, generatedLength: generated, batchSize: batch), Precision())
  }

  @Test func `what crosses is what is read there and what is sent there`() throws {
    let (prompt, chunk, token): (Int128, Int128, Int128) = (131_072, 32_768, 131_072)
    for newest in [Int128(0), 1024] {
      let totals = try price(Self.ask(Self.llama(HostMemory(onDevice: Int(newest))))).totals
      // Chunks find 0, 32K, 64K and 96K entries, and send all but the newest.
      let read = (0..<prompt / chunk).reduce(0) { $0 + max($1 * chunk - newest, 0) }
      #expect(totals.prefill.hostBits == 8 * token * (read + prompt - newest))
      #expect(totals.decode.hostBits == 8 * token * (prompt - newest + 1))
      #expect(totals.cache.hostBytesAtEnd == token * (prompt + 1 - newest))
      #expect(totals.cache.bytesAtEnd == token * newest)
      // A chunk beside what stays.
      #expect(totals.cache.peakBytes == token * (newest + chunk))
    }
    let whole = try price(Self.ask(Self.llama(nil))).totals
    let host = try price(Self.ask(Self.llama(HostMemory()))).totals
    for phase in Phase.allCases {
      var rest = host[phase]
      rest.hostBits = 0
      #expect(rest == whole[phase], "the device does what it always does")
    }
    #expect(whole.cache.hostPeakBytes == 0 && whole.cache.bytesAtEnd == host.cache.hostBytesAtEnd)
  }

  @Test func `the link's time hides or follows, and binds where it is longest`() throws {
    let latency = 6e-6
    for overlaps in [true, false] {
      let model = Self.llama(HostMemory(overlaps: overlaps))
      let card = Self.card(latency: latency)
      let point = try TimedPoint(Self.ask(model), on: card)
      let device = try TimedPoint(Self.ask(Self.llama(nil)), on: card)
      let total = point.decode.total
      // One pass of 32 layers, each of which reads and sends.
      let link = 64 * latency + 131_072.0 * 131_073 / 32e9
      #expect(abs(total.link.value - link) < 1e-12)
      let alone = device.decode.total.time
      #expect(abs(total.serialTime.value - link - alone.value) < 1e-12)
      #expect(abs(total.overlappedTime.value - max(link, alone.value)) < 1e-12)
      #expect(abs(total.time.value - (overlaps ? total.overlappedTime : total.serialTime).value) < 1e-12)
      #expect(total.bound == .link && device.decode.total.bound == .memory)
      #expect(point.decodeRange.bottleneck?.cause == .link)
      // Nodes and steps add up to the phase.
      let nodes = point.decode.nodes.reduce(0) { $0 + $1.figure.time.value }
      #expect(abs(nodes - total.time.value) < 1e-12 * total.time.value)
      let roofline = try Roofline(card, Precision())
      let phases = TimedPhases(Self.ask(model), roofline)
      #expect(abs(roofline.causes(phases.dispatched.decode).total.value - total.time.value) < 1e-12)
      #expect(abs(roofline.time(phases.dispatched.decode).value - total.time.value) < 1e-12)
      // The plain roofline is a lower bound of both.
      let plain = roofline.plain(try price(Self.ask(model)).totals.decode)
      #expect(plain.bound == .link && plain.time <= total.time && plain.link.value == 131_072 * 131_073 / 32e9)
    }
  }

  @Test func `a profile without a link is refused, and one without entries at the host does not need it`() throws {
    #expect(throws: HardwareError.noHostLink(profile: "card")) {
      try TimedPoint(Self.ask(Self.llama(HostMemory())), on: Self.card(link: nil))
    }
    let (with, without) = (
      try TimedPoint(Self.ask(Self.llama(nil)), on: Self.card()),
      try TimedPoint(Self.ask(Self.llama(nil)), on: Self.card(link: nil))
    )
    #expect(with.figures == without.figures && with.decode.total == without.decode.total)
  }

  @Test func `a million tokens fit where the host has room for them`() throws {
    let question = Self.ask(Self.llama(HostMemory(onDevice: 1024)), prompt: 1 << 20, generated: 100)
    let device = Self.ask(Self.llama(nil), prompt: 1 << 20, generated: 100)
    #expect(try MemoryDemand(device).largestBatch(on: Self.card()) == 0)
    let demand = try MemoryDemand(question)
    #expect(demand.hostBytesPerSequence == 131_072 * (1_048_576 + 100 - 1024))
    // 16 GB of weights and a chunk of 4.4 GB stand beside each other.
    #expect(demand.largestBatch(on: Self.card()) == 1)
    // 131 072 · 1 047 652 = 137 317 842 944 bytes.
    #expect(demand.largestBatch(on: Self.card(host: 137_000_000_000)) == 0)
    #expect(demand.largestBatch(on: Self.card(host: 138_000_000_000)) == 1)
  }
}
