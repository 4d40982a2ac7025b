import Quantities

/// Peak rates of dense matrix products by element type; a type that the machine does not multiply has none.
public struct PeakRates: Hashable, Sendable {
  private var perSecond: [Double?]

  /// Rates of the named types; the others have none.
  public init(_ rates: [(ElementType, Rate<Flop>)] = []) {
    perSecond = Array(repeating: nil, count: ElementType.allCases.count)
    for (type, rate) in rates { self[type] = rate }
  }

  /// The peak of one element type; nil where the machine does not multiply it.
  public subscript(type: ElementType) -> Rate<Flop>? {
    get { perSecond[type.ordinal].map { Rate($0) } }
    set { perSecond[type.ordinal] = newValue?.perSecond }
  }

  /// The types that have a peak, in declaration order.
  public var types: [ElementType] { ElementType.allCases.filter { self[$0] != nil } }
}

extension ElementType {
  /// Position among all cases.
  var ordinal: Int {
    switch self {
    case .fp32: 0
    case .bf16: 1
    case .fp16: 2
    case .fp8: 3
    case .int8: 4
    case .int4: 5
    }
  }
}

/// A cache between processor and memory: of data that is streamed again and again it keeps `bytes`.
@frozen
public struct CacheLevel: Hashable, Sendable {
  /// Working set that is served from this level and the levels above it; a calibration may find a share of the size.
  /// - Unit: byte
  public var bytes: Double
  /// Rate at which this level serves what the levels above it do not hold.
  public var bandwidth: Rate<Byte>

  /// The bandwidth is that at which this level serves what the levels above it do not hold.
  @inlinable
  public init(bytes: Double, bandwidth: Rate<Byte>) {
    self.bytes = bytes
    self.bandwidth = bandwidth
  }
}

/// What a machine can do, from a data sheet or from a calibration.
public struct HardwareProfile: Hashable, Sendable {
  /// The name that a scenario lists, letters, digits, `-` and `.`.
  public var name: String
  public var description: String
  /// Where the figures come from: a data sheet, or the calibration that measured them.
  public var source: String
  /// When the machine came out; nil where nobody says.
  public var year: Int?
  /// Matrix products, dense.
  public var peaks: PeakRates
  /// Every scalar operation outside matrix products.
  public var elementwise: Rate<Flop>
  /// Main memory, read and written together.
  public var memoryBandwidth: Rate<Byte>
  /// Caches in ascending size; empty where only main memory counts.
  public var caches: [CacheLevel]
  /// What other programs and other machines bring into the caches that they share with this one. It pushes ours out: data
  /// that rest for a while are not found there again, however few they are.
  public var displacement: Rate<Byte>
  /// Main memory of one device, as its driver reports it.
  /// - Unit: byte
  public var memoryBytes: Int
  /// Share of the memory that stays free for everything that is not counted; a twentieth unless a profile says
  /// otherwise, which is chosen.
  public var reserve: Double
  /// The most rows that a product may have and still be a few-row product; 16 unless a profile says otherwise, which
  /// is chosen.
  public var fewRows: Int
  /// What keeps each class of operations from the peaks.
  public var efficiency: PerOperationClass<Efficiency>
  /// Shares that products of some element types reach of what `efficiency` says of their class; 1 where it says nothing.
  /// Kernels for narrow types reach less of their peak.
  public var typeShares: [ElementType: Double] = [:]
  /// Time that each step costs besides its operations: a prefill is one step, and so is each dispatch of the head.
  public var stepOverhead: Seconds
  /// Time that each emitted token of a sequence costs besides its operations: sampling, scheduling.
  public var sequenceOverhead: Seconds
  /// What a serving engine adds; nil where no serving rows were fitted.
  public var serving: ServingBehaviour?
  /// How well the figures reproduce the measurements they were fitted to; nil for a data sheet.
  public var calibration: CalibrationSummary?
  /// - Unit: US dollar per hour
  public var pricePerHour: Double?
  /// - Unit: watt
  public var boardPower: Double?
  /// To the host, in one direction.
  public var hostLink: Rate<Byte>?
  /// What each transfer to or from the host takes before its first byte.
  public var hostLinkLatency = Seconds.zero
  /// Memory of the host for each device; nil where none is known, and then it is taken to be enough.
  /// - Unit: byte
  public var hostMemoryBytes: Int?
  /// What one device sends to all others together while it receives as much; nil where none is known.
  public var deviceLink: Rate<Byte>?
  /// The largest cache on the chip. It is for readers: only `caches`, whose bandwidths are known, are priced.
  public var lastLevelCacheBytes: Int?
  /// What the engine that runs on the machine takes of its memory; nil where `reserve` stands for all of that.
  public var engine: EngineMemory?
  /// How many of these machines share a model by tensor parallelism; every other figure is that of one.
  public var devices = 1

  /// A data sheet unless told otherwise: ideal efficiencies, no overheads, one device.
  public init(
    name: String, description: String = "", source: String = "", year: Int? = nil, peaks: PeakRates,
    elementwise: Rate<Flop>, memoryBandwidth: Rate<Byte>, caches: [CacheLevel] = [],
    displacement: Rate<Byte> = Rate(0), memoryBytes: Int, reserve: Double = 0.05, fewRows: Int = 16,
    efficiency: PerOperationClass<Efficiency> = .init(repeating: .ideal), stepOverhead: Seconds = .zero,
    sequenceOverhead: Seconds = .zero, serving: ServingBehaviour? = nil, calibration: CalibrationSummary? = nil,
    pricePerHour: Double? = nil, boardPower: Double? = nil, hostLink: Rate<Byte>? = nil,
    deviceLink: Rate<Byte>? = nil, lastLevelCacheBytes: Int? = nil
  ) {
    self.name = name
    self.description = description
    self.source = source
    self.year = year
    self.peaks = peaks
    self.elementwise = elementwise
    self.memoryBandwidth = memoryBandwidth
    self.caches = caches
    self.displacement = displacement
    self.memoryBytes = memoryBytes
    self.reserve = reserve
    self.fewRows = fewRows
    self.efficiency = efficiency
    self.stepOverhead = stepOverhead
    self.sequenceOverhead = sequenceOverhead
    self.serving = serving
    self.calibration = calibration
    self.pricePerHour = pricePerHour
    self.boardPower = boardPower
    self.hostLink = hostLink
    self.deviceLink = deviceLink
    self.lastLevelCacheBytes = lastLevelCacheBytes
  }

  /// Whether every operation runs at a peak, as on a data sheet.
  public var isIdeal: Bool {
    efficiency == .init(repeating: .ideal) && typeShares.isEmpty && stepOverhead == .zero && sequenceOverhead == .zero
  }

  /// The same machine, used as well as another profile says that its own is: with that one's shares of peaks, overheads,
  /// habits of its engine, and errors.
  public func reaching(_ other: HardwareProfile) -> HardwareProfile {
    var profile = self
    profile.efficiency = other.efficiency
    profile.typeShares = other.typeShares
    profile.fewRows = other.fewRows
    profile.stepOverhead = other.stepOverhead
    profile.sequenceOverhead = other.sequenceOverhead
    profile.serving = other.serving
    profile.calibration = other.calibration
    return profile
  }

  /// The same machine, so many of which share a model.
  /// - Parameters:
  ///   - devices: how many.
  ///   - engine: what runs on each of them; nil for none in particular.
  public func sharing(_ devices: Int, engine: EngineMemory? = nil) -> HardwareProfile {
    var profile = self
    (profile.devices, profile.engine) = (devices, engine)
    return profile
  }

  /// Memory that weights, caches and activations may fill.
  /// - Unit: byte
  public var usableBytes: Double {
    engine?.usableBytes(of: memoryBytes) ?? Double(memoryBytes) * (1 - reserve)
  }

  /// The class of a product of a weight matrix with `rows` rows.
  public func productClass(rows: Double) -> OperationClass {
    rows > Double(fewRows) ? .matrixProduct : rows > 1 ? .fewRowProduct : .oneRowProduct
  }

  /// The rate at which a working set is streamed when it is streamed again and again.
  ///
  /// Each cache level keeps as many bytes as it is larger than the level above it and serves them at its own rate; main
  /// memory serves the rest. So the time of one pass over W bytes is Σ (bytes kept by a level) / (its rate), which is
  /// continuous in W, exact inside the smallest level, and approaches main memory's rate for a large W. A strict
  /// least-recently-used cache would lose all its hits as soon as W exceeds it; measured curves fall gradually.
  /// - Parameter workingSet: bytes touched between two uses of the same byte.
  public func bandwidth(workingSet: Double) -> Rate<Byte> {
    let seconds = streaming(workingSet: workingSet)
    return Rate(1 / (seconds.caches + seconds.memory))
  }

  /// Share of a working set that the caches keep from one use to the next.
  /// - Parameter workingSet: bytes touched between two uses of the same byte.
  public func cachedShare(workingSet: Double) -> Double {
    workingSet.isFinite ? min(1, (caches.last?.bytes ?? 0) / workingSet) : 0
  }

  /// What one byte of such a pass takes, the part that caches serve and the part that main memory serves.
  /// - Unit: s
  func streaming(workingSet: Double) -> (caches: Double, memory: Double) {
    let memory = numbered(1 / memoryBandwidth.perSecond)
    guard let fastest = caches.first, workingSet.isFinite else { return (0, memory) }
    guard workingSet > fastest.bytes else { return (1 / fastest.bandwidth.perSecond, 0) }
    var seconds = 0.0
    var served = 0.0
    for level in caches where workingSet > served {
      let kept = min(level.bytes, workingSet) - served
      seconds += kept / level.bandwidth.perSecond
      served += kept
    }
    return (seconds / workingSet, (workingSet - served) / workingSet * memory)
  }
}

/// A machine that lacks what a scenario needs.
public enum HardwareError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No peak rate for a product's element type; `types` are those that have one.
  case noPeak(profile: String, type: ElementType, types: [ElementType])
  /// Several devices, and nothing says how fast they reach each other.
  case noDeviceLink(profile: String, devices: Int)
  /// Entries in the memory of the host, and nothing says how fast they come from there.
  case noHostLink(profile: String)

  public var description: String {
    switch self {
    case .noPeak(let profile, let type, let types):
      let known = types.map(\.rawValue).joined(separator: ", ")
      return "hardware profile \(profile) has no matrix-product rate for \(type.rawValue); it has \(known)"
    case .noDeviceLink(let profile, let devices):
      return "hardware profile \(profile) has no device_link_bytes_per_s, which \(devices) devices need"
    case .noHostLink(let profile):
      return "hardware profile \(profile) has no host_link_bytes_per_s, which a cache with placement: host needs"
    }
  }
}

extension HardwareProfile {
  /// The element type in which a product of two operands runs: the wider of both, because a narrower operand is widened
  /// before it is multiplied (weight-only quantisation); the second where both are equally wide.
  public static func productType(_ left: ElementType, _ right: ElementType) -> ElementType {
    left.bits > right.bits ? left : right
  }

  /// Whether models of a precision can be priced on the machine.
  /// - Throws: `HardwareError` with what the profile lacks.
  public func check(_ precision: Precision) throws(HardwareError) {
    _ = try peak(precision.weights, precision.activations)
    _ = try peak(precision.head, precision.activations)
    _ = try peak(precision.cache, precision.activations)
    guard devices == 1 || deviceLink != nil else { throw .noDeviceLink(profile: name, devices: devices) }
  }

  /// Whether models whose entries lie in the memory of the host can be priced on the machine.
  /// - Throws: `HardwareError.noHostLink`
  public func checkHost() throws(HardwareError) {
    guard hostLink != nil else { throw .noHostLink(profile: name) }
  }

  /// The peak rate of a product of two operands.
  /// - Throws: `HardwareError.noPeak`, never a fallback to another type.
  public func peak(_ left: ElementType, _ right: ElementType) throws(HardwareError) -> Rate<Flop> {
    let type = Self.productType(left, right)
    guard let rate = peaks[type] else { throw .noPeak(profile: name, type: type, types: peaks.types) }
    return rate
  }

  /// What of that peak operations of full efficiency reach.
  public func typeShare(_ left: ElementType, _ right: ElementType) -> Double {
    typeShares[Self.productType(left, right)] ?? 1
  }
}
