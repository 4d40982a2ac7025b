/// PruLong's objective on one sample of its gates: `loss(z) + λ1·(s − t) + λ2·(s − t)²`, which gates bring down and
/// multipliers up.
public struct PruLongObjective {
  /// `z`, one for each gate.
  public let samples: [Double]
  /// `s`, the share of heads that stream.
  public let sparsity: Double
  /// `s − t`
  public let excess: Double
  /// `λ1` and `λ2`
  public let multipliers: [Double]
  /// `dz/dlogα` and `ds/dlogα` of each gate.
  private let sampleSlopes, sparsitySlopes: [Double]

  /// - Parameters:
  ///   - gates: logα of every head.
  ///   - noise: u of every head.
  ///   - expected: what s is.
  ///   - target: t.
  ///   - multipliers: λ1 and λ2.
  public init(
    _ gates: [Double], noise: [Double], expected: RoleSettings.Sparsity, target: Double, multipliers: [Double]
  ) {
    let count = Double(gates.count)
    samples = zip(gates, noise).map { HardConcrete.sample($0, noise: $1) }
    sampleSlopes = zip(gates, noise).map { HardConcrete.slope($0, noise: $1) }
    switch expected {
    case .sampled:
      sparsity = 1 - samples.reduce(0, +) / count
      sparsitySlopes = sampleSlopes.map { -$0 / count }
    case .closedForm:
      sparsity = HardConcrete.expectedSparsity(gates)
      sparsitySlopes = gates.map(HardConcrete.keepProbability).map { -$0 * (1 - $0) / count }
    }
    excess = sparsity - target
    self.multipliers = multipliers
  }

  /// `λ1·(s − t) + λ2·(s − t)²`
  public var penalty: Double { (multipliers[0] + multipliers[1] * excess) * excess }
  /// The slope by λ1 and λ2: both go up along it.
  public var multiplierSlopes: [Double] { [excess, excess * excess] }

  /// The slope by each gate.
  /// - Parameter loss: the slope of the loss by each sample.
  public func slopes(ofLoss loss: [Double]) -> [Double] {
    let bySparsity = multipliers[0] + 2 * multipliers[1] * excess
    return loss.indices.map { loss[$0] * sampleSlopes[$0] + bySparsity * sparsitySlopes[$0] }
  }
}
