import Architectures
import Hardware
import Quantities
import Testing

@testable import Formulas

/// 100 FLOP/s of matrix work, 50 FLOP/s of other work and 10 byte/s: small enough to calculate by hand.
private func toy(
  efficiency: Efficiency = .ideal, stepOverhead: Double = 0, caches: [CacheLevel] = []
) -> HardwareProfile {
  HardwareProfile(
    name: "toy", peaks: PeakRates([(.bf16, Rate(100)), (.fp8, Rate(200))]), elementwise: Rate(50),
    memoryBandwidth: Rate(10), caches: caches, memoryBytes: 1000, efficiency: .init(repeating: efficiency),
    stepOverhead: Seconds(stepOverhead))
}

private let attention = Node(0, .decoder, .attention)
private let head = Node(0, .decoder, .head)

/// Compute 1 + k s and memory 4 s: the bound changes at k = 3.
private func growing(indices: Double, times: Double = 2) -> DispatchGroup {
  DispatchGroup(
    node: attention, kind: .attentionDecode, rows: 1, indices: indices, dispatchesPerIndex: times,
    work: DispatchWork(matmulFlops: Affine(100, slope: 100), bytes: Affine(40)))
}

@Suite struct TimeEstimateTests {
  @Test func `a group whose bound changes is summed across the change`() throws {
    let figure = try Roofline(toy(), Precision()).figure(growing(indices: 6))
    // max(1…6, 4) = 4 + 4 + 4 + 4 + 5 + 6, twice
    #expect(figure.time.value == 54)
    #expect(figure.compute.value == 42)
    #expect(figure.memory.value == 48)
    #expect(figure.flops == 4200)
    #expect(figure.bytes == 480)
    #expect(figure.bound == .memory)
    #expect(figure.margin == Double(48) / 42)
  }

  @Test func `every dispatch and every step costs its overhead`() throws {
    let profile = toy(efficiency: Efficiency(overhead: Seconds(0.5)), stepOverhead: 3)
    let phase = DispatchedPhase(groups: [growing(indices: 6)], steps: 4)
    let estimate = try Roofline(profile, Precision()).estimate(phase, levelCount: 0)
    // 54 s of work, 12 dispatches of 0.5 s, 4 steps of 3 s.
    #expect(estimate.total.time.value == 72)
    #expect(estimate.total.overhead.value == 18)
    #expect(estimate[attention].time.value == 60)
  }

  @Test func `efficiencies slow arithmetic by size and memory by a constant`() throws {
    let efficiency = Efficiency(compute: SaturatingEfficiency(limit: 0.5, halfSize: 3), bandwidth: 0.8)
    let group = DispatchGroup(
      node: head, kind: .product, rows: 1, dispatchesPerIndex: 1,
      work: DispatchWork(matmulFlops: Affine(100), elementwiseFlops: Affine(50), bytes: Affine(40)), unitFlops: 100)
    let figure = try Roofline(toy(efficiency: efficiency), Precision()).figure(group)
    // One row of 1 + 3 reaches a quarter of a half: 1 s · 8; element-wise work a half: 1 s · 2.
    #expect(figure.compute.value == 10)
    #expect(figure.memory.value == 5)
    #expect(figure.time.value == 10)
  }

  @Test func `what does not hide behind the longer part is added to it`() throws {
    let profile = toy(efficiency: Efficiency(overlap: 0.75))
    let figure = try Roofline(profile, Precision()).figure(growing(indices: 6))
    // 54 s of the longer ones of 42 s and 48 s: a quarter of the other 36 s is not hidden.
    #expect(figure.time.value == 54 + 0.25 * 36)
  }

  @Test func `what memory serves hides by its own share`() throws {
    var profile = toy(efficiency: Efficiency(overlap: 1, memoryOverlap: 0.75))
    // Nothing is reused: all of it comes from memory.
    #expect(try Roofline(profile, Precision()).figure(growing(indices: 6)).time.value == 54 + 0.25 * 36)
    // Of 40 bytes a cache of the same rate keeps 20: half of the time of traffic is memory's.
    profile.caches = [CacheLevel(bytes: 20, bandwidth: profile.memoryBandwidth)]
    var group = growing(indices: 6)
    group.workingSet = 40
    #expect(try Roofline(profile, Precision()).figure(group).time.value == 54 + 0.125 * 36)
  }

  /// A tile of n queries computes n(n − 1)/2 scores above the diagonal: (n − 1)/2 keys for each query.
  @Test(arguments: [(tile: 1.0, sharing: 1.0, masked: 0.0), (2, 1, 0.5), (8, 1, 1.5), (8, 4, 0.5), (2, 4, 0)])
  func `a tile computes scores that the causal mask takes away`(tile: Double, sharing: Double, masked: Double) throws {
    let group = DispatchGroup(
      node: attention, kind: .attentionPrefill, rows: 4, dispatchesPerIndex: 1,
      work: DispatchWork(matmulFlops: Affine(1000), elementwiseFlops: Affine(500)), unitFlops: 400,
      unitElementwiseFlops: 200, queries: 4, queryRows: 12, sharing: sharing)
    let efficiency = Efficiency(tile: tile, rowOverhead: Seconds(0.5))
    let figure = try Roofline(toy(efficiency: efficiency), Precision()).figure(group)
    // At 100 and 50 FLOP/s: 10 + 10 s of what is attended, 4 + 4 s of one more key for each query, 12 starts of 0.5 s.
    #expect(figure.compute.value == 20 + masked * 8 + 6)
  }

  /// Four queries of one sequence: a tile of n rows, shared heads among them, fetches an entry once for n / sharing of them.
  @Test(arguments: [(tile: 1.0, sharing: 1.0, reads: 1.0), (2, 1, 0.5), (64, 1, 0.25), (8, 4, 0.5), (2, 4, 1)])
  func `a tile fetches an entry once for its queries`(tile: Double, sharing: Double, reads: Double) throws {
    let group = DispatchGroup(
      node: attention, kind: .attentionDecode, rows: 4, dispatchesPerIndex: 1,
      work: DispatchWork(bytes: Affine(140), entryBytes: Affine(100)), queries: 4, sharing: sharing)
    let figure = try Roofline(toy(efficiency: Efficiency(tile: tile)), Precision()).figure(group)
    // At 10 byte/s: 4 s of queries and results, and 10 s of entries that are fetched for every query.
    #expect(figure.memory.value == 4 + 10 * reads)
  }

  @Test func `nodes and step overhead add up to the total`() throws {
    let product = DispatchGroup(
      node: head, kind: .product, rows: 64, dispatchesPerIndex: 3,
      work: DispatchWork(matmulFlops: Affine(1024), bytes: Affine(64)))
    let phase = DispatchedPhase(groups: [growing(indices: 8), product, growing(indices: 2)], steps: 2)
    let estimate = try Roofline(toy(stepOverhead: 1), Precision()).estimate(phase, levelCount: 0)
    #expect(estimate.nodes.map(\.node) == [attention, head])
    let operations = estimate.nodes.reduce(0.0) { $0 + $1.figure.time.value }
    #expect(operations + 2 == estimate.total.time.value)
    #expect(estimate.nodes.reduce(0) { $0 + $1.figure.flops } == estimate.total.flops)
  }

  @Test func `the plain roofline takes the larger of compute and memory time of the totals`() throws {
    let roofline = try Roofline(toy(stepOverhead: 9), Precision())
    let work = Work<Int>(matmulFlops: 300, elementwiseFlops: 100, weightBits: 80, activationBits: 40, cacheReadBits: 8)
    let figure = roofline.plain(work)
    #expect(figure.compute.value == 5)
    #expect(figure.memory.value == 1.6)
    #expect(figure.time.value == 5)
    #expect(figure.bound == .compute)
    #expect(roofline.plain(Work<Int128>(work)) == figure)
  }

  @Test func `the plain roofline of the totals never exceeds the sum over operations`() throws {
    let roofline = try Roofline(toy(), Precision())
    var generator = SplitMix(state: 3)
    for _ in 0..<200 {
      let groups = (0..<5).map { _ in
        DispatchGroup(
          node: head, kind: .product, rows: 1, indices: 1 + (9 * generator.unit()).rounded(), dispatchesPerIndex: 2,
          work: DispatchWork(
            matmulFlops: Affine(100 * generator.unit(), slope: generator.unit()), bytes: Affine(10 * generator.unit())))
      }
      let total = roofline.estimate(DispatchedPhase(groups: groups, steps: 0), levelCount: 0).total
      let floor = max(total.compute, total.memory).value
      #expect(total.time.value >= floor * (1 - 64 * Double.ulpOfOne))
    }
  }

  @Test func `no work takes no time and has no bound to speak of`() throws {
    let roofline = try Roofline(toy(stepOverhead: 1), Precision())
    let estimate = roofline.estimate(DispatchedPhase(groups: [growing(indices: 0)], steps: 0), levelCount: 0)
    #expect(estimate.total == TimeFigure())
    #expect(estimate.total.margin == 1)
    #expect(estimate.total.intensity == 0)
    #expect(estimate.nodes.isEmpty)
    #expect(roofline.plain(Work<Int>.zero) == TimeFigure())
  }

  @Test func `products run at the rate of the wider operand`() throws {
    let weightOnly = try Roofline(toy(), Precision(weights: .int4, activations: .bf16, cache: .fp8))
    #expect(weightOnly.product == Rate(100))
    #expect(weightOnly.attention == Rate(100))
    let fp8 = try Roofline(toy(), Precision(weights: .fp8, activations: .fp8, cache: .bf16))
    #expect(fp8.product == Rate(200))
    #expect(fp8.attention == Rate(100))
  }

  @Test func `a type without a rate is an error that names the types which have one`() {
    let error = #expect(throws: HardwareError.self) {
      try Roofline(toy(), Precision(weights: .int4, activations: .int4, cache: .int4))
    }
    #expect(
      error?.description
        == "hardware profile toy has no matrix-product rate for int4; it has bf16, fp8")
  }

  @Test func `a working set is streamed from the caches that hold it and memory for the rest`() {
    let caches = [CacheLevel(bytes: 100, bandwidth: Rate(40)), CacheLevel(bytes: 300, bandwidth: Rate(20))]
    let profile = toy(caches: caches)
    #expect(profile.bandwidth(workingSet: 60) == Rate(40))
    #expect(profile.bandwidth(workingSet: 100) == Rate(40))
    // 100/40 + 100/20 = 7.5 s for 200 bytes; 100/40 + 200/20 + 300/10 = 42.5 s for 600 bytes.
    #expect(profile.bandwidth(workingSet: 200) == Rate(200 / 7.5))
    #expect(profile.bandwidth(workingSet: 600) == Rate(600 / 42.5))
    #expect(profile.bandwidth(workingSet: .infinity) == Rate(10))
    #expect(toy().bandwidth(workingSet: 5) == Rate(10))
  }

  /// Half of a working set of 100 is kept where others bring in 100 more between two uses.
  @Test func `what others bring into a cache counts as touched`() throws {
    var profile = toy(caches: [CacheLevel(bytes: 100, bandwidth: Rate(40))])
    func phase(uses: Double) -> DispatchedPhase {
      let work = DispatchWork(bytes: Affine(100))
      let group = DispatchGroup(
        node: Node(0, .decoder, .head), kind: .product, rows: 1, dispatchesPerIndex: uses, work: work, workingSet: 100,
        uses: uses)
      return DispatchedPhase(groups: [group], steps: 0)
    }
    func time(uses: Double) throws -> Double { try Roofline(profile, Precision()).time(phase(uses: uses)).value / uses }
    #expect(try time(uses: 1) == 2.5)
    profile.displacement = Rate(40)
    // Twice: 2.5 s displace 100 bytes, so half comes from memory at 10 byte/s: 50/40 + 50/10 = 6.25 s, which displace 250.
    #expect(abs(try time(uses: 1) / (100.0 / 350 * 2.5 + 250.0 / 350 * 10) - 1) < 1e-12)
    // However often in a phase: the time between two uses is what counts.
    #expect(abs(try time(uses: 8) / time(uses: 1) - 1) < 1e-12)
    let phase = phase(uses: 8), roofline = try Roofline(profile, Precision())
    #expect(abs(roofline.estimate(phase, levelCount: 0).total.time.value / roofline.time(phase).value - 1) < 1e-12)
    #expect(abs(roofline.causes(phase).total.value / roofline.time(phase).value - 1) < 1e-12)
  }

  @Test func `the larger the working set the lower its bandwidth`() {
    let caches = [
      CacheLevel(bytes: 1 * 0x1p20, bandwidth: Rate(42e9)), CacheLevel(bytes: 36 * 0x1p20, bandwidth: Rate(26e9)),
    ]
    let profile = toy(caches: caches)
    let rates = (10..<34).map { profile.bandwidth(workingSet: Double(1 << $0)) }
    #expect(zip(rates, rates.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(rates.allSatisfy { $0.perSecond >= 10 })
  }
}
