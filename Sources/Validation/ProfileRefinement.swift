import Architectures
import Formulas
import Foundation
import GSL
import Hardware
import Measurement
import Quantities

/// A factor by which measured phases change a coefficient of a calibrated profile.
public struct ProfileCorrection: Hashable, Sendable {
  /// In words: `bandwidth of memory`.
  public var name: String
  /// By which the calibrated coefficient is multiplied.
  public var factor: Double
  /// Of the factor.
  public var standardError: Double
}

/// A calibrated profile that is corrected by whole phases.
///
/// Operations that were timed one by one know nothing of what lies between them in a model: rows that are gathered, lines
/// that another operation evicted, threads that wake up. A few factors on the profile's rates and overheads take that up;
/// a weak pull to 1 (worth the usual error of one phase for each 15 % of a rate, 50 % of anything else) leaves a factor
/// that no phase determines.
public struct ProfileRefinement: Sendable {
  /// The calibrated profile with every correction.
  public var profile: HardwareProfile
  /// One per coefficient, those that no phase determines near 1.
  public var corrections: [ProfileCorrection]

  /// The relative error of a phase that is worth one spread of a factor. Chosen.
  private static let noise = 0.03
  /// Steps of the search. Chosen: above the usual 200, because it may zigzag about the kinks of a roofline.
  private static let iterations = 300
  /// Of a relative step. Chosen: far below any factor's standard error; kinks put the usual 1e-12 out of reach.
  private static let tolerance = 1e-7

  /// - Throws: `HardwareError` where the profile lacks a rate for fp32, `GSLError` where the phases determine nothing.
  public init(_ calibrated: HardwareProfile, _ results: [TimedPhaseResult]) throws {
    let phases = results.map { result in
      let dispatched = DispatchedWorkload(Question(result.point.model, result.point.workload, .float32))
      return (
        phase: result.phase == .prefill ? dispatched.prefill : dispatched.decode,
        measured: result.measured.median,
        group: Group(family: result.point.model.family, phase: result.phase)
      )
    }
    // What is asked of a prediction is asked of each family: many points of one do not outvote the few of another.
    let counts = phases.reduce(into: [Group: Double]()) { $0[$1.group, default: 0] += 1 }
    let share = Double(phases.count) / Double(counts.count)
    let weights = phases.map { (share / counts[$0.group]!).squareRoot() / Self.noise }
    let coefficients = Coefficient.allCases
    func changed(_ positions: [Double]) -> HardwareProfile {
      var profile = calibrated
      for (coefficient, position) in zip(coefficients, positions) {
        coefficient.multiply(&profile, by: exp(coefficient.spread * position))
      }
      return profile
    }
    func residuals(_ positions: [Double]) throws -> [Double] {
      let roofline = try Roofline(changed(positions), .float32)
      return zip(weights, phases).map { $0 * log($1.measured / roofline.time($1.phase).value) } + positions
    }
    let fit = try nonlinearFit(
      start: [Double](repeating: 0, count: coefficients.count), iterations: Self.iterations, tolerance: Self.tolerance,
      mustConverge: false, residuals: residuals)
    profile = changed(fit.parameters)
    corrections = zip(coefficients, zip(fit.parameters, fit.standardErrors)).map { coefficient, found in
      let factor = exp(coefficient.spread * found.0)
      return ProfileCorrection(
        name: coefficient.rawValue, factor: factor, standardError: factor * coefficient.spread * found.1)
    }
  }

  /// Points that count together as much as any other such set.
  private struct Group: Hashable {
    var family: Family
    var phase: Phase
  }

  /// What whole phases may correct.
  private enum Coefficient: String, CaseIterable {
    case manyRowProducts = "rate of products of many rows"
    case fewRowProducts = "rate of products of few rows"
    case promptAttention = "rate of a prompt's attention"
    case positionAttention = "rate of a new position's attention"
    case elementwise = "rate of element-wise work"
    case memory = "bandwidth of memory"
    case caches = "bandwidth of caches"
    case cacheSize = "size of caches"
    case displacement = "what others bring into caches"
    case entries = "bandwidth of keys and values"
    case manyRowOverhead = "overhead of products of many rows"
    case fewRowOverhead = "overhead of products of few rows"
    case attentionOverhead = "overhead of attention"
    case fetchedRows = "starts of reading from memory in attention"
    case fewRowExposure = "exposed share of products of few rows"

    /// The spread of a rate: it was timed operation by operation. Chosen.
    private static let spreadOfRates = 0.15
    /// That of overheads and of what caches keep, which depend more on what runs around them. Chosen.
    private static let spreadOfSurroundings = 0.5

    /// How far the logarithm of a factor usually lies from 0.
    var spread: Double {
      switch self {
      case .manyRowOverhead, .fewRowOverhead, .attentionOverhead, .fetchedRows, .fewRowExposure, .cacheSize,
        .displacement:
        Self.spreadOfSurroundings
      case .manyRowProducts, .fewRowProducts, .promptAttention, .positionAttention, .elementwise, .memory, .caches,
        .entries:
        Self.spreadOfRates
      }
    }

    /// No operation exceeds a peak.
    private static func multiply(_ share: inout Double, by factor: Double) { share = min(1, factor * share) }

    /// Products that stream their weights.
    private static let fewRows: [OperationClass] = [.fewRowProduct, .oneRowProduct]

    func multiply(_ profile: inout HardwareProfile, by factor: Double) {
      switch self {
      case .manyRowProducts: Self.multiply(&profile.efficiency[.matrixProduct].compute.limit, by: factor)
      case .fewRowProducts:
        for operation in Self.fewRows { Self.multiply(&profile.efficiency[operation].compute.limit, by: factor) }
      case .promptAttention: Self.multiply(&profile.efficiency[.attentionPrefill].compute.limit, by: factor)
      case .positionAttention: Self.multiply(&profile.efficiency[.attentionDecode].compute.limit, by: factor)
      case .elementwise: profile.elementwise = factor * profile.elementwise
      case .memory: profile.memoryBandwidth = factor * profile.memoryBandwidth
      case .caches:
        profile.caches = profile.caches.map { CacheLevel(bytes: $0.bytes, bandwidth: factor * $0.bandwidth) }
      case .cacheSize:
        // Others on the machine share them.
        profile.caches = profile.caches.map { CacheLevel(bytes: factor * $0.bytes, bandwidth: $0.bandwidth) }
      case .displacement: profile.displacement = factor * profile.displacement
      case .entries: Self.multiply(&profile.efficiency[.attentionDecode].bandwidth, by: factor)
      case .manyRowOverhead:
        profile.efficiency[.matrixProduct].overhead = factor * profile.efficiency[.matrixProduct].overhead
      case .fewRowOverhead:
        for operation in Self.fewRows {
          profile.efficiency[operation].overhead = factor * profile.efficiency[operation].overhead
        }
      case .fewRowExposure:
        for operation in Self.fewRows {
          func exposed(_ overlap: Double) -> Double { 1 - min(1, factor * (1 - overlap)) }
          profile.efficiency[operation].memoryOverlap = profile.efficiency[operation].memoryOverlap.map(exposed)
          profile.efficiency[operation].overlap = exposed(profile.efficiency[operation].overlap)
        }
      case .fetchedRows:
        profile.efficiency[.attentionDecode].memoryRowOverhead =
          factor * profile.efficiency[.attentionDecode].memoryRowOverhead
      case .attentionOverhead:
        for operation in [OperationClass.attentionPrefill, .attentionDecode] {
          profile.efficiency[operation].overhead = factor * profile.efficiency[operation].overhead
        }
      }
    }
  }
}
