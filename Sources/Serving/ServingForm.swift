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
  /// (Llama 2 7B on A100 and H100); caches are read by kernels of very different quality, and overlap is anybody's guess.
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
    let products: [OperationClass] = [.matrixProduct, .fewRowProduct]
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
/// On the rows of a dense 70B model on one GPU, all of these were compared by leaving out one concurrency, prompt or
/// output length at a time:
///
/// - weights and caches at one bandwidth, without overlap or with a constant per step: 2–5 %. Weight products and cache
///   reads are different kernels and do not reach the same share.
/// - arithmetic that adds to traffic, or hides behind it completely: 3 % and 2–6 %. A batch of 64 costs a fused product
///   visibly more than one of 4 though its weights still take longer than its arithmetic, but less than the whole.
/// - a p-norm of both instead of a share that hides: 2–5 %, and no part of it can be measured by itself.
/// - a time for every sequence of a step instead: 1–4 %; it does not say what it would be for another model.
/// - `overlap`: 1–2 %, every coefficient a share of a figure on the data sheet, so that it holds for another model.
///
/// Where the time of small operations shows, `launch` does better and is chosen by the same comparison on the fitted rows
/// alone.
public struct ServingForm: Hashable, Sendable {
  public var name: String
  public var coefficients: [ServingCoefficient]

  public static let overlap = ServingForm(
    name: "overlap", coefficients: [.weightBandwidth, .cacheBandwidth, .arithmetic, .overlap])
  public static let launch = ServingForm(
    name: "launch", coefficients: [.bandwidth, .arithmetic, .overlap, .launch])
  public static let sequence = ServingForm(
    name: "sequence", coefficients: [.weightBandwidth, .cacheBandwidth, .arithmetic, .sequence])

  /// The first is kept unless another is clearly better.
  public static let candidates = [overlap, launch, sequence]

  func profile(at positions: [Double], base: HardwareProfile) -> HardwareProfile {
    var profile = base
    profile.efficiency = .init(repeating: .ideal)
    profile.stepOverhead = .zero
    profile.sequenceOverhead = .zero
    profile.calibration = nil
    for (coefficient, position) in zip(coefficients, positions) {
      coefficient.set(coefficient.value(at: position), in: &profile)
    }
    return profile
  }
}
