import Foundation
import Hardware
import Quantities

/// One fitted number of a profile. The search runs over an unbounded position; 0 is what machines typically reach.
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

  /// The typical value as a logit (as a logarithm for a time), and how far machines lie from it.
  ///
  /// Measured kernels of other people reach 0.65–0.87 of the bandwidth in decode and 0.66–0.75 of the peak in prefill
  /// (Llama 2 7B on A100 and H100): logits 0.6–1.9 and 0.7–1.1. Caches are read by kernels of very different quality,
  /// and overlap is anybody's guess, so both have wide spreads. A launch is of the order of 5 µs, what the host does for a
  /// token of 20 µs; a spread of 1.5 in the logarithm is a factor of 4.5. Spreads and both times are chosen.
  private var typical: (center: Double, spread: Double) {
    switch self {
    case .weightBandwidth, .bandwidth: (1.2, 0.7)
    case .cacheBandwidth: (1.2, 1.3)
    case .arithmetic: (0.7, 0.8)
    case .overlap: (0, 1.6)
    case .launch: (log(5e-6), 1.5)
    case .sequence: (log(2e-5), 1.5)
    }
  }

  func value(at position: Double) -> Double {
    let (center, spread) = typical
    let u = center + spread * position
    return self == .launch || self == .sequence ? exp(u) : 1 / (1 + exp(-u))
  }

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

  /// Query rows that the fused attention kernels of engines work on together.
  /// - Source: FlashAttention-2, arXiv:2307.08691, section 3.3: blocks of 64 or 128
  private static let fusedTile = 64.0

  /// The first is kept unless another is clearly better.
  public static let candidates = [overlap, launch, sequence]

  func profile(at positions: [Double], base: HardwareProfile) -> HardwareProfile {
    var profile = base
    profile.efficiency = .init(repeating: .ideal)
    profile.efficiency.attentionDecode.tile = Self.fusedTile
    profile.stepOverhead = .zero
    profile.sequenceOverhead = .zero
    profile.calibration = nil
    for (coefficient, position) in zip(coefficients, positions) {
      coefficient.set(coefficient.value(at: position), in: &profile)
    }
    return profile
  }
}
