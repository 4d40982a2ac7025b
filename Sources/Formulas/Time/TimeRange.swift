import Architectures
import Hardware
import Quantities

/// How far a phase's predicted time may be off, what takes most of it, and how sure its bound is.
public struct TimeRange: Hashable, Sendable {
  /// Every operation at the profile's peaks on an ideal engine, without efficiencies and overheads.
  public var floor: Seconds
  /// Where nine tenths of measured times would lie: by the calibration's residuals around the estimate, never below the
  /// floor, and with the estimate inside; nil where none are known.
  public var low: Seconds?
  /// The other end of the nine tenths.
  public var high: Seconds?
  /// The probability that traffic takes longer than arithmetic; nil where the phase has no work or neither is a number.
  public var memoryProbability: Double?
  /// Nil where the phase has no work, or takes longer than a number can hold.
  public var bottleneck: Bottleneck?
}

/// What takes most of a phase.
public struct Bottleneck: Hashable, Sendable {
  /// What it is spent on.
  public var cause: TimeCause
  /// Of the phase's time.
  public var causeShare: Double
  /// The node with most of the time.
  public var node: Node
  /// Of the phase's time.
  public var nodeShare: Double
}

/// Turns the estimates of a roofline into ranges.
///
/// Arithmetic and traffic are each taken to be off by a factor of their own, drawn from the same distribution: the residuals
/// of the rows that a profile is calibrated to, which for a data sheet are public rows of other machines.
public struct TimeRanges: Sendable {
  private let roofline: Roofline
  private let peaks: Roofline
  /// Equally likely measured ÷ predicted, ascending.
  private let computeFactors: [Double]
  private let memoryFactors: [Double]
  private let calibration: CalibrationSummary?

  private static let count = 32

  /// - Throws: `HardwareError` where the profile lacks a rate for the precision.
  public init(_ roofline: Roofline, _ precision: Precision) throws(HardwareError) {
    self.roofline = roofline
    peaks = try Roofline(roofline.profile.atPeaks, precision)
    calibration = roofline.profile.calibration.flatMap { $0.residuals.isEmpty ? nil : $0 }
    let middles = (0..<Self.count).map { (Double($0) + 0.5) / Double(Self.count) }
    if let calibration {
      computeFactors = middles.map { 1 + (calibration.residual(probability: $0) ?? 0) }
      memoryFactors = computeFactors
    } else {
      // Without residuals: somebody's word, taken as it is.
      computeFactors = [1]
      memoryFactors = [1]
    }
  }

  /// - Parameters:
  ///   - phase: what is dispatched in it.
  ///   - estimate: of the same phase by the roofline that these ranges were made for.
  public func range(_ phase: DispatchedPhase, _ estimate: PhaseEstimate) -> TimeRange {
    let total = estimate.total
    let floor = peaks.time(phase)
    return TimeRange(
      floor: floor, low: likely(total, 0.05).map { min(max($0, floor), total.time) },
      high: likely(total, 0.95).map { max($0, total.time) },
      memoryProbability: total.isBound ? memoryProbability(total) : nil, bottleneck: bottleneck(phase, estimate))
  }

  /// The time that a share of measurements would not exceed.
  private func likely(_ figure: TimeFigure, _ probability: Double) -> Seconds? {
    calibration?.residual(probability: probability).map { Seconds(reached(((1 + $0) * figure.time).value)) }
  }

  /// The share of all pairs of factors with which traffic takes longer; both lists ascend, so one pass counts them.
  private func memoryProbability(_ figure: TimeFigure) -> Double {
    var shorter = 0
    var pairs = 0
    for factor in memoryFactors {
      let memory = factor * figure.memory.value
      while shorter < computeFactors.count, computeFactors[shorter] * figure.compute.value <= memory { shorter += 1 }
      pairs += shorter
    }
    return Double(pairs) / Double(memoryFactors.count * computeFactors.count)
  }

  private func bottleneck(_ phase: DispatchedPhase, _ estimate: PhaseEstimate) -> Bottleneck? {
    let time = estimate.total.time.value
    guard time > 0, time.isFinite, let node = estimate.nodes.max(by: { $0.figure.time < $1.figure.time }) else {
      return nil
    }
    let causes = roofline.causes(phase)
    let cause = TimeCause.allCases.max { causes[$0] < causes[$1] }!
    return Bottleneck(
      cause: cause, causeShare: causes[cause].value / time, node: node.node, nodeShare: node.figure.time.value / time)
  }
}

extension HardwareProfile {
  /// The same peaks and bandwidths, all of them reached.
  public var atPeaks: HardwareProfile {
    var profile = self
    profile.efficiency = .init(repeating: .ideal)
    // What a kernel fetches is its algorithm, and no peak.
    profile.efficiency.attentionDecode.tile = efficiency.attentionDecode.tile
    profile.typeShares = [:]
    profile.hostLinkLatency = .zero
    profile.stepOverhead = .zero
    profile.sequenceOverhead = .zero
    return profile
  }
}

/// The properties of a workload that lie outside what a calibration was fitted to, in the order of its ranges; empty for
/// a profile without ranges.
public func extrapolated(_ calibration: CalibrationSummary?, _ question: Question, _ phases: DispatchedWorkload)
  -> [String]
{
  guard let calibration else { return [] }
  let groups = (phases.prefill.groups + phases.decode.groups).filter { $0.dispatches > 0 }
  let rows = groups.map(\.rows)
  let sets = groups.map(\.workingSet).filter(\.isFinite)
  func values(_ property: CalibratedProperty) -> [Double] {
    switch property {
    case .prompt: [Double(question.workload.promptLength)]
    case .generated: [Double(question.workload.generatedLength)]
    case .concurrency: [Double(question.workload.batchSize) * Double(question.workload.continuations)]
    case .context:
      [
        Double(question.workload.promptLength),
        Double(question.workload.promptLength + question.workload.generatedLength),
      ]
    case .parameters: [Double(parameters(of: question.model).total)]
    case .rows: [rows.min(), rows.max()].compactMap { $0 }
    case .workingSet: [sets.min(), sets.max()].compactMap { $0 }
    }
  }
  return calibration.ranges.filter { range in values(range.property).contains { !range.contains($0) } }
    .map(\.property.rawValue)
}
