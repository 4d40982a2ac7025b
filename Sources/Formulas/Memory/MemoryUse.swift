import Architectures
import Hardware
import Quantities

/// How a device's memory is filled at a batch.
public struct MemoryUse: Hashable, Sendable {
  /// All of the device.
  /// - Unit: byte
  public var deviceBytes: Int128
  /// What the profile's reserve or the engine keeps.
  /// - Unit: byte
  public var reservedBytes: Int128
  /// - Unit: byte
  public var weightBytes: Int128
  /// - Unit: byte
  public var activationBytes: Int128
  /// Of the batch, in whole blocks.
  /// - Unit: byte
  public var cacheBytes: Int128
  /// Of the batch, in the memory of the host.
  /// - Unit: byte
  public var hostBytes: Int128
  /// What the host has for it; nil where none is known.
  /// - Unit: byte
  public var hostMemoryBytes: Int?
  /// What is left for more; negative by what is missing.
  /// - Unit: byte
  public var freeBytes: Int128
  /// Tokens of context that fit besides weights and activations; nil where a token does not take the same everywhere.
  public var cacheTokens: Int128?
  /// Whether the batch fits.
  public var fits: Bool
  /// The most prompts that fit: 0 when not even one does, nil when a sequence needs no memory.
  public var largestBatch: Int?

  /// - Parameters:
  ///   - demand: of each device.
  ///   - batchSize: prompts.
  ///   - profile: the device.
  public init(_ demand: MemoryDemand, batchSize: Int, on profile: HardwareProfile) {
    let room = demand.cacheRoom(on: profile)
    deviceBytes = Int128(profile.memoryBytes)
    weightBytes = demand.weightBytes
    activationBytes = demand.activationBytes(on: profile)
    reservedBytes = deviceBytes - weightBytes - activationBytes - room
    cacheBytes = Int128(batchSize) * demand.bytesPerSequence(on: profile)
    hostBytes = Int128(batchSize) * demand.hostBytesPerSequence
    hostMemoryBytes = profile.hostMemoryBytes
    freeBytes = room - cacheBytes
    cacheTokens = demand.cacheTokens(on: profile)
    fits = demand.fits(batchSize: Int128(batchSize), on: profile)
    largestBatch = demand.largestBatch(on: profile)
  }
}

/// The fewest devices that hold a question's whole batch by tensor parallelism; nil where none of up to 1024 do.
/// - Throws: `CountOverflow` where a count could exceed 2^126.
public func devicesNeeded(_ question: Question, on profile: HardwareProfile) throws(CountOverflow) -> Int? {
  let batch = Int128(question.workload.batchSize)
  for devices in 1...1024 where question.model.problems(sharedBy: devices).isEmpty {
    if try MemoryDemand(question, devices: devices).fits(batchSize: batch, on: profile) { return devices }
  }
  return nil
}
