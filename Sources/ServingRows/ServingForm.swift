import Foundation
import Hardware
import Quantities

/// One fitted number of a profile.
public enum ServingCoefficient: String, CaseIterable, Sendable {
  /// Share of the bandwidth at which weights are streamed.
  case weightBandwidth = "weight_bandwidth"
  /// Share of the bandwidth at which keys and values are read.
  case cacheBandwidth = "cache_bandwidth"
  /// One share for both.
  case bandwidth
  /// Share of the peak of every product.
  case arithmetic
  /// Share of the shorter of a product's arithmetic and traffic that hides behind the longer.
  case overlap
  /// Time of each dispatched operation besides its work.
  case launch = "launch_s"
  /// Time of each emitted token of a sequence besides its operations.
  case sequence = "sequence_s"
  /// Time of each step besides its operations.
  case step = "step_s"
  /// Share that products in fp8 and int8 reach of what `arithmetic` says.
  case narrow

  func set(_ value: Double, in profile: inout HardwareProfile) {
    let products: [OperationClass] = [.matrixProduct, .fewRowProduct, .oneRowProduct]
    switch self {
    case .weightBandwidth:
      for operation in products + [.attentionPrefill, .elementwise] { profile.efficiency[operation].bandwidth = value }
    case .cacheBandwidth: profile.efficiency[.attentionDecode].bandwidth = value
    case .bandwidth: for operation in OperationClass.allCases { profile.efficiency[operation].bandwidth = value }
    case .arithmetic:
      for operation in products + [.attentionPrefill, .attentionDecode] {
        profile.efficiency[operation].compute = SaturatingEfficiency(limit: value)
      }
    case .overlap: for operation in products { profile.efficiency[operation].overlap = value }
    case .launch:
      for operation in OperationClass.allCases { profile.efficiency[operation].overhead = Seconds(value) }
    case .sequence: profile.sequenceOverhead = Seconds(value)
    case .step: profile.stepOverhead = Seconds(value)
    case .narrow: profile.typeShares = [.fp8: value, .int8: value]
    }
  }
}

/// Which coefficients of a profile are fitted: never more than four.
///
/// Compared on 18 rows of a dense 70B model on one GPU and engine by mean error, leaving out one concurrency / prompt /
/// output length at a time:
///
/// - `overlap`: 1.2 / 2.0 / 2.1 %. Every coefficient is a share of a figure on the data sheet.
/// - weights and caches at one bandwidth: 2.3 / 6.0 / 3.5 %, with a constant per step besides 1.3 / 3.2 / 2.4 %. Weight
///   products and cache reads are different kernels that do not reach the same share.
/// - arithmetic that hides behind traffic completely: 2.6 / 6.6 / 5.8 %, not at all: 3.3 / 7.1 / 7.2 %. A batch of 64
///   costs a product visibly more than one of 4 though its weights still take longer than its arithmetic.
/// - a p-norm of both instead of a share that hides: 1.7 / 4.7 / 2.6 %.
/// - a time for every sequence instead of overlap (`sequence`): 1.2 / 3.7 / 3.0 %. It is the better form where a small
///   model's step waits for the host, but does not say what the time is for another model.
///
/// So `overlap` is kept unless `sequence` or `launch` predicts rows that it did not see clearly better, decided on the
/// rows to be fitted alone.
public struct ServingForm: Hashable, Sendable {
  /// As tables and messages write it.
  public var name: String
  /// Those that are searched for; the others stay at their ideal.
  public var coefficients: [ServingCoefficient]

  /// Shares of the data sheet alone.
  public static let overlap = ServingForm(
    name: "overlap", coefficients: [.weightBandwidth, .cacheBandwidth, .arithmetic, .overlap])
  /// One bandwidth, and a time for each dispatched operation.
  public static let launch = ServingForm(
    name: "launch", coefficients: [.bandwidth, .arithmetic, .overlap, .launch])
  /// A time for each emitted token of a sequence in place of the overlap.
  public static let sequence = ServingForm(
    name: "sequence", coefficients: [.weightBandwidth, .cacheBandwidth, .arithmetic, .sequence])

  /// One bandwidth, and times for each dispatched operation and each step: what tells cards and models of all sizes apart.
  public static let stack = ServingForm(
    name: "stack", coefficients: [.bandwidth, .arithmetic, .launch, .step])
  /// Shares of the data sheet where rows of narrow element types stand beside others.
  public static let types = ServingForm(
    name: "types", coefficients: [.weightBandwidth, .cacheBandwidth, .arithmetic, .narrow])

  /// Query rows that the fused attention kernels of engines work on together.
  /// - Source: FlashAttention-2, arXiv:2307.08691, section 3.3: blocks of 64 or 128
  private static let fusedTile = 64.0

  /// The first is kept unless another is clearly better.
  public static let candidates = [overlap, launch, sequence]

  /// Those that are compared where rows of several machines or element types are fitted together.
  public static let pooledCandidates = candidates + [stack, types]

  func profile(at positions: [Double], _ pull: ServingPull, base: HardwareProfile) -> HardwareProfile {
    var profile = base
    profile.efficiency = .init(repeating: .ideal)
    profile.efficiency.attentionDecode.tile = Self.fusedTile
    profile.typeShares = [:]
    profile.stepOverhead = .zero
    profile.sequenceOverhead = .zero
    profile.calibration = nil
    for (coefficient, position) in zip(coefficients, positions) {
      coefficient.set(pull.value(of: coefficient, at: position), in: &profile)
    }
    return profile
  }
}
