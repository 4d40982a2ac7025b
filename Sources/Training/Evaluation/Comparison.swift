import Architectures
import Reference
import Tensors

/// Vectors that a part of the objective holds against one another, row by row.
struct Comparison {
  let prediction: Tensor
  let target: Tensor
  let pairs: [(prediction: Int, target: Int)]
  /// α or β.
  let weight: Double
}

extension Objective {
  /// X̂^(l−1) against X^(l−1); at level 1 against an embedding table, if any.
  func reconstruction(_ level: Int, of pass: TrainingPass) -> Comparison? {
    guard let hierarchy = pass.hierarchy else { return nil }
    let prediction = hierarchy.reconstructions[level]
    let padded = prediction.rows / pass.tokens.count
    func compare(_ target: Tensor, units: Int, row: (Int) -> Int) -> Comparison {
      Comparison(
        prediction: prediction, target: target,
        pairs: (0..<units * pass.tokens.count).map { ($0 / units * padded + $0 % units, row($0)) },
        weight: reconstructionWeight)
    }
    if level > 1 {
      return hierarchy.latents[level - 1].map { compare($0, units: $0.rows / pass.tokens.count) { $0 } }
    }
    let tokens = pass.tokens.flatMap(\.self)
    return tokenTable(of: pass).map { compare($0, units: pass.tokens[0].count) { Int(tokens[$0]) } }
  }

  private func tokenTable(of pass: TrainingPass) -> Tensor? {
    switch tokenTarget {
    case .none: nil
    case .encoderEmbedding: pass.encoderTable
    case .decoderEmbedding: pass.decoderTable
    }
  }

  /// X^(l) of a unit against A^(l) of the next one.
  func context(_ level: Int, of pass: TrainingPass) -> Comparison? {
    guard let prediction = pass.hierarchy?.latents[level], let target = pass.hierarchy?.chunks[level] else {
      return nil
    }
    let units = target.rows / pass.tokens.count
    guard units > 1 else { return nil }
    return Comparison(
      prediction: prediction, target: target,
      pairs: (0..<target.rows).filter { $0 % units > 0 }.map { ($0 - 1, $0) }, weight: contextWeight)
  }

  /// The results of a pass to which the objective gives gradients.
  func seeded(of pass: TrainingPass) -> [Tensor] {
    let levels = 1..<pass.model.levelCount + 1
    let comparisons = levels.map { reconstruction($0, of: pass) } + levels.map { context($0, of: pass) }
    return comparisons.compactMap(\.self).filter { $0.weight != 0 }
      .reduce(into: [pass.logits]) { $0 += stopsTargetGradients ? [$1.prediction] : [$1.prediction, $1.target] }
  }
}
