import Architectures
import Formulas
import Hardware
import Measurement
import Quantities
import Rendering
import Scenarios
import Validation

/// What this machine can run side by side: the models that are held in memory, and what was refused for want of memory or
/// time.
struct MeasuringRoom {
  /// The share of memory that may be used: the rest is for buffers, and for others.
  private static let share = 0.6

  /// What one point may take, all repetitions together.
  /// - Unit: s
  let pointLimit: Double
  private let memoryBytes: Int
  private let roofline: Roofline
  private let settings: MeasurementSettings
  private var models: [Model] = []
  private var heldBytes: Int128 = 0
  /// Points that were not run: what they would have needed.
  private var tooLarge: [Int128] = []
  private var tooLong: [Double] = []

  /// - Parameters:
  ///   - profile: predicts how long points take.
  ///   - settings: how often they run.
  ///   - pointLimit: seconds that one point may take, all repetitions together.
  /// - Throws: `HardwareError` where the profile lacks a rate for fp32.
  init(_ profile: HardwareProfile, _ settings: MeasurementSettings, pointLimit: Double) throws {
    roofline = try Roofline(profile, .float32)
    memoryBytes = min(profile.memoryBytes, SystemDescription.memoryLimit)
    self.settings = settings
    self.pointLimit = pointLimit
  }

  /// What all repetitions of a point take by prediction: each runs it, and unless that is left out once more node by
  /// node, without one of arithmetic and traffic, at twice its batch and at twice its prompt.
  /// - Unit: s
  func seconds(_ point: TimedWorkload) -> Double {
    let phases = TimedPhases(point.question, roofline)
    let runs = (settings.takesSigns ? 9 : 1) * settings.repetitions
    return Double(runs) * (phases.prefill.total.time + phases.decode.total.time).value
  }

  /// Whether a point's memory fits beside the models that are held.
  /// - Throws: `CountOverflow`
  func hasMemory(for point: TimedWorkload) throws -> Bool { isInMemory(try needs(of: point).bytes) }

  /// Holds a point's model, or notes why it cannot run.
  /// - Throws: `CountOverflow`
  mutating func admit(_ point: TimedWorkload) throws -> Bool {
    let (needed, weights) = try needs(of: point)
    let seconds = seconds(point)
    guard isInMemory(needed) else {
      tooLarge.append(needed)
      return false
    }
    guard seconds <= pointLimit else {
      tooLong.append(seconds)
      return false
    }
    if weights > 0 { (models, heldBytes) = (models + [point.model], heldBytes + weights) }
    return true
  }

  /// Lets go of every model.
  mutating func clear() { (models, heldBytes) = ([], 0) }

  private func isInMemory(_ bytes: Int128) -> Bool { Double(bytes) <= Self.share * Double(memoryBytes) }

  /// What is in memory while a point runs, and how much of it are weights that were not there before.
  private func needs(of point: TimedWorkload) throws -> (bytes: Int128, weights: Int128) {
    let factor = settings.takesSigns ? 2 : 1
    let doubled = point.question.with(batchSize: factor * point.workload.batchSize)
      .with(promptLength: factor * point.workload.promptLength)
    let demand = try MemoryDemand(doubled)
    let isHeld = models.contains(point.model)
    let own = demand.occupiedBytes(batchSize: Int128(doubled.workload.batchSize))
    return (heldBytes + own - (isHeld ? demand.weightBytes : 0), isHeld ? 0 : demand.weightBytes)
  }

  /// Sentences about the points that were not run.
  var leftOut: [String] {
    var sentences: [String] = []
    if let least = tooLarge.min() {
      let bytes = NumberFormat.binaryBytes
      sentences.append(
        "\(points(tooLarge.count)) not run: float32 needs \(bytes.text(least)) or more, and six tenths of this machine's "
          + "\(bytes.text(Int128(memoryBytes))) may be used.")
    }
    if let quickest = tooLong.min() {
      let seconds = NumberFormat.si(unit: "s")
      sentences.append(
        "\(points(tooLong.count)) not run: all repetitions would take \(seconds.text(quickest)) or more in float32 on this "
          + "machine, and a point may take \(seconds.text(pointLimit)) (--point-limit).")
    }
    return sentences
  }

  private func points(_ count: Int) -> String { count == 1 ? "1 point was" : "\(count) points were" }
}
