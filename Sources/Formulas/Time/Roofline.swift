import Architectures
import Hardware
import Quantities

/// A hardware profile at one precision: everything that turns counts into time.
///
/// - `plain(_:)` prices a whole phase from its totals: max(compute, memory) at the peaks, without efficiencies or
///   overheads. It is a lower bound of every other estimate of a profile whose attention fetches an entry for every query
///   (`Efficiency.tile` of 1), and costs a few divisions.
/// - `estimate(_:)` prices every dispatched operation: Σ max(compute, memory) + overheads.
public struct Roofline: Sendable {
  /// The machine, with the efficiencies that are assumed of it.
  public let profile: HardwareProfile
  /// How dispatched operations run; counts and `plain(_:)` do not depend on it.
  public var engine: Engine
  /// What products of weights with activations reach where nothing else keeps them from it: the peak, or a share of it.
  public let product: Rate<Flop>
  /// The same of the vocabulary product, whose weights may be stored apart.
  public let head: Rate<Flop>
  /// The same of products of activations with key–value entries.
  public let attention: Rate<Flop>
  let elementwise: Rate<Flop>
  /// What one device sends to the others; only several devices use it.
  let link: Rate<Byte>
  /// To the host, for each device.
  let hostLink: Rate<Byte>
  /// Peaks of all devices together.
  public let together: PlainRoofline

  /// - Throws: `HardwareError.noPeak` where the profile has no rate for a product of this precision,
  ///   `HardwareError.noDeviceLink` where several devices share a model and the profile does not say how.
  public init(
    _ profile: HardwareProfile, _ precision: Precision, _ engine: Engine = .ideal
  ) throws(HardwareError) {
    try profile.check(precision)
    self.profile = profile
    self.engine = engine
    func rate(with operand: ElementType) throws(HardwareError) -> Rate<Flop> {
      let peak = try profile.peak(operand, precision.activations)
      return Rate(profile.typeShare(operand, precision.activations) * peak.perSecond)
    }
    product = try rate(with: precision.weights)
    head = try rate(with: precision.head)
    attention = try rate(with: precision.cache)
    elementwise = profile.elementwise
    link = profile.deviceLink ?? Rate(.infinity)
    hostLink = profile.hostLink ?? Rate(.infinity)
    let count = Double(profile.devices)
    let peak = try profile.peak(precision.weights, precision.activations)
    together = PlainRoofline(
      product: Rate(count * peak.perSecond), elementwise: Rate(count * elementwise.perSecond),
      bandwidth: Rate(count * profile.memoryBandwidth.perSecond), link: Rate(count * hostLink.perSecond))
  }

  /// A phase as one operation at the profile's peaks.
  @inlinable
  public func plain<Integer>(_ work: Work<Integer>) -> TimeFigure { together.plain(work) }

  /// All dispatches of one group on one device, overheads and what it sends to the others included.
  public func figure(_ group: DispatchGroup) -> TimeFigure {
    let (operation, peak) = ceiling(of: group)
    return figure(group, profile.rates(operation, peak: peak, workingSet: group.workingSet))
  }

  private func figure(_ group: DispatchGroup, _ rates: DispatchRates) -> TimeFigure {
    let cost = cost(of: group, rates)
    let (count, times) = (group.indices, group.dispatchesPerIndex)
    let (arithmetic, traffic) = cost.alone(count: count)
    let busy = reached(
      cost.rates.busy(
        longer: sumOfMax(cost.compute, cost.memory, count: count), arithmetic: arithmetic, traffic: traffic))
    let overhead = overhead(of: group, cost.rates)
    let communication = communication(of: group)
    return TimeFigure(
      time: Seconds(times * busy) + overhead + communication, compute: Seconds(times * arithmetic),
      memory: Seconds(times * traffic), overhead: overhead, communication: communication,
      flops: times * (cost.work.matmulFlops + cost.work.elementwiseFlops).sum(from: 0, to: count),
      bytes: times * cost.work.bytes.sum(from: 0, to: count))
  }

  /// One dispatch of a group, as a function of its index.
  struct DispatchCost {
    /// With what the engine adds.
    var work: DispatchWork
    var rates: DispatchRates
    /// - Unit: s
    var compute: Affine
    /// - Unit: s
    var memory: Affine

    /// Compute and memory time of one dispatch at each of so many indices.
    func alone(count: Double) -> (compute: Double, memory: Double) {
      (reached(compute.sum(from: 0, to: count)), reached(memory.sum(from: 0, to: count)))
    }
  }

  func cost(of group: DispatchGroup) -> DispatchCost {
    let (operation, peak) = ceiling(of: group)
    return cost(of: group, profile.rates(operation, peak: peak, workingSet: group.workingSet))
  }

  private func cost(of group: DispatchGroup, _ rates: DispatchRates) -> DispatchCost {
    var work = engine.work(of: group)
    if group.kind == .attentionDecode {
      let spared = (rates.readsPerQuery(queries: group.queries, sharing: group.sharing) - 1) * work.entryBytes
      work.entryBytes = work.entryBytes + spared
      work.bytes = work.bytes + spared
    }
    let more = rates.halfSize + rates.maskedKeys(queries: group.queries, sharing: group.sharing)
    return DispatchCost(
      work: work, rates: rates,
      compute: rates.perMatmulFlop * (work.matmulFlops + Affine(more * group.unitFlops))
        + rates.perElementwiseFlop * (work.elementwiseFlops + Affine(more * group.unitElementwiseFlops))
        + Affine(rates.perQueryRow * group.queryRows),
      memory: rates.perByte * work.bytes + Affine(rates.perFetchedRow * group.queryRows))
  }

  func overhead(of group: DispatchGroup, _ rates: DispatchRates) -> Seconds {
    group.dispatches * (rates.overhead + engine.launchOverhead)
  }

  func communication(of group: DispatchGroup) -> Seconds { group.dispatches * link.time(for: group.linkBytes) }

  /// The efficiencies and the peak that hold for a group.
  func ceiling(of group: DispatchGroup) -> (OperationClass, Rate<Flop>) {
    switch group.kind {
    case .product: (profile.productClass(rows: group.rows), group.node.component == .head ? head : product)
    case .attentionPrefill: (.attentionPrefill, attention)
    case .attentionDecode: (.attentionDecode, attention)
    case .elementwise: (.elementwise, elementwise)
    }
  }

  /// The time of a phase, node by node.
  /// - Parameters:
  ///   - phase: what is dispatched in it, on each device.
  ///   - levelCount: `L` of the model, which sizes the table of nodes.
  public func estimate(_ phase: DispatchedPhase, levelCount: Int) -> PhaseEstimate {
    var figures = [TimeFigure](repeating: TimeFigure(), count: Node.tableSize(levelCount: levelCount))
    var total = TimeFigure()
    for group in settled(phase).groups where group.dispatches > 0 {
      let figure = figure(group)
      figures[group.node.index] += figure
      total += figure
    }
    let stepping = stepping(phase)
    total += TimeFigure(time: stepping, overhead: stepping)
    for transfer in phase.transfers {
      let figure = figure(transfer, phase, device: total.time)
      figures[transfer.node.index] += figure
    }
    total += linkFigure(of: phase, device: total.time)
    return PhaseEstimate(total: total, figures: figures)
  }

  // MARK: The link to the host

  /// What some transfers take, one behind another.
  private func time(_ transfer: LinkTransfers) -> Seconds {
    transfer.count * profile.hostLinkLatency + hostLink.time(for: transfer.bytes)
  }

  /// What all transfers of a phase take.
  func linkTime(_ phase: DispatchedPhase) -> Seconds {
    phase.transfers.reduce(.zero) { $0 + time($1) }
  }

  /// What they add to the time of the device, and what hides.
  private func linkFigure(of phase: DispatchedPhase, device: Seconds) -> TimeFigure {
    let link = linkTime(phase)
    let hidden = phase.overlapsLink ? min(link, device) : .zero
    return TimeFigure(time: link - hidden, link: link, hiddenLink: hidden)
  }

  /// Of some of them their share.
  private func figure(_ transfer: LinkTransfers, _ phase: DispatchedPhase, device: Seconds) -> TimeFigure {
    let (whole, own) = (linkFigure(of: phase, device: device), time(transfer))
    let share = whole.link > .zero ? own.value / whole.link.value : 0
    return TimeFigure(time: share * whole.time, link: own, hiddenLink: share * whole.hiddenLink)
  }

  /// The time of a phase without its parts by node.
  ///
  /// Most groups of a class stream alike, so the rates of the one before hold; fits price the same phases again and again.
  public func time(_ phase: DispatchedPhase) -> Seconds {
    let device = sum(settled(phase))
    return phase.transfers.isEmpty ? device : device + linkFigure(of: phase, device: device).time
  }

  private func sum(_ phase: DispatchedPhase) -> Seconds {
    var known = PerOperationClass<KnownRates?>(repeating: nil)
    return phase.groups.reduce(stepping(phase)) { sum, group in
      let (operation, peak) = ceiling(of: group)
      let workingSet = profile.caches.isEmpty ? .infinity : group.workingSet
      let rates: DispatchRates
      if let last = known[operation], last.workingSet == workingSet, last.peak == peak {
        rates = last.rates
      } else {
        rates = profile.rates(operation, peak: peak, workingSet: workingSet)
        known[operation] = KnownRates(workingSet: workingSet, peak: peak, rates: rates)
      }
      return sum + figure(group, rates).time
    }
  }

  /// Rounds after which a phase's time and what others displace in it agree. Chosen: the second moves a time by less than a
  /// percent.
  private static let displacingRounds = 2

  /// The phase with what others bring into the caches between two uses of the same weights in its working sets. How much
  /// that is depends on the phase's time, which depends on it.
  func settled(_ phase: DispatchedPhase) -> DispatchedPhase {
    guard profile.displacement.perSecond > 0, !profile.caches.isEmpty else { return phase }
    var settled = phase
    for _ in 0..<Self.displacingRounds {
      let displaced = profile.displacement.perSecond * sum(settled).value
      for index in phase.groups.indices {
        settled.groups[index].workingSet = phase.groups[index].workingSet + displaced / phase.groups[index].uses
      }
    }
    return settled
  }

  private struct KnownRates: Hashable {
    var workingSet: Double
    var peak: Rate<Flop>
    var rates: DispatchRates
  }

  /// What steps and emitted tokens cost besides operations; the head has a row for each token.
  func stepping(_ phase: DispatchedPhase) -> Seconds {
    let steps = phase.steps * profile.stepOverhead
    guard profile.sequenceOverhead != .zero else { return steps }
    let tokens = phase.groups.reduce(0) { $0 + ($1.node.component == .head ? $1.rows * $1.dispatches : 0) }
    return steps + tokens * profile.sequenceOverhead
  }
}

/// The peaks of a machine at one precision, all devices together: the little that prices a phase as one operation.
public struct PlainRoofline: Sendable {
  @usableFromInline let product: Rate<Flop>
  @usableFromInline let elementwise: Rate<Flop>
  @usableFromInline let bandwidth: Rate<Byte>
  /// To the host.
  @usableFromInline let link: Rate<Byte>

  /// A phase as one operation.
  ///
  /// All matrix work is taken at the rate of weight products, that of attention and of the head too (they differ only
  /// where a cache or a head is wider than weights and activations), and all traffic at main memory's rate. Several devices are as many times as fast;
  /// what they send each other is not in it. What crosses the link to the host hides behind the rest, or the rest behind it.
  /// - Source: Williams, Waterman, Patterson, "Roofline", CACM 52(4), 2009
  @inlinable
  public func plain<Integer>(_ work: Work<Integer>) -> TimeFigure {
    let matmul = inDouble(work.matmulFlops)
    let other = inDouble(work.elementwiseFlops)
    let bytes = inDouble(work.trafficBits) / 8
    let compute = product.time(for: matmul) + elementwise.time(for: other)
    let memory = bandwidth.time(for: bytes)
    let device = max(compute, memory)
    guard work.hostBits > 0 else {
      return TimeFigure(time: device, compute: compute, memory: memory, flops: matmul + other, bytes: bytes)
    }
    let host = link.time(for: inDouble(work.hostBits) / 8)
    return TimeFigure(
      time: max(device, host), compute: compute, memory: memory, link: host, hiddenLink: min(device, host),
      flops: matmul + other, bytes: bytes)
  }
}

/// A count as a `Double`, correct to one rounding of each half: the standard library's conversion of an `Int128` takes
/// longer than all else in a plain roofline.
@inlinable
func inDouble<Integer: FixedWidthInteger & SignedInteger>(_ count: Integer) -> Double {
  let low = UInt64(truncatingIfNeeded: count)
  if Integer.bitWidth <= 64 { return Double(Int64(bitPattern: low)) }
  return Double(Int64(truncatingIfNeeded: count >> 64)) * 0x1p64 + Double(low)
}
