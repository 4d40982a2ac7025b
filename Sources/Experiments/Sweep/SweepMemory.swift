import Architectures
import Formulas
import Scenarios

/// What the points of a sweep need of a device's memory. Points mostly differ in their workloads, so what a model needs
/// of a prompt however many sequences there are is looked up.
struct SweepMemory {
  private struct Key: Hashable { var modelIndex, promptLength: Int }

  /// How many are kept: those of a million points are a few megabytes.
  private static let limit = 65_536

  private var fixed: [Key: FixedDemand] = [:]

  /// Forgets what holds for another precision.
  mutating func forget() { fixed.removeAll(keepingCapacity: true) }

  /// The demand of each device.
  /// - Parameters:
  ///   - point: whose batch does not matter.
  ///   - devices: how many share the model.
  ///   - pricer: which has priced the point.
  /// - Throws: `CountOverflow`
  mutating func demand(
    of point: ScenarioPoint, devices: Int, _ pricer: inout Pricer
  ) throws(CountOverflow) -> MemoryDemand {
    guard devices == 1 else { return try MemoryDemand(point.question, devices: devices) }
    let key = Key(modelIndex: point.modelIndex, promptLength: point.question.workload.promptLength)
    let bytes = pricer.cacheBytesPerPrompt(batchSize: point.question.workload.batchSize)
    let host = pricer.hostBytesPerPrompt(batchSize: point.question.workload.batchSize)
    if let known = fixed[key] {
      return MemoryDemand(fixed: known, bytesPerSequence: bytes, hostBytesPerSequence: host)
    }
    if fixed.count >= Self.limit { forget() }
    let demand = try FixedDemand(point.question, devices: 1)
    fixed[key] = demand
    return MemoryDemand(fixed: demand, bytesPerSequence: bytes, hostBytesPerSequence: host)
  }
}
