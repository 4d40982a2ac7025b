import Architectures

/// `y = z·a + (1 − z)·b` with a gate z for each key–value head and the query heads that share it.
struct HeadMixture<Scalar: KernelScalar> {
  let rows: Int
  let layer: LayerShape
  /// One for each key–value head.
  let gates: UnsafePointer<Scalar>
  /// `a` and `b`, rows × D_q.
  let full, streaming: UnsafePointer<Scalar>

  private var headColumns: Int { layer.queryWidth / layer.keyValueHeads }

  /// The elements of a row that belong to one key–value head.
  private func elements(_ row: Int, _ head: Int) -> Range<Int> {
    let first = row * layer.queryWidth + head * headColumns
    return first..<first + headColumns
  }

  func write(to y: UnsafeMutablePointer<Scalar>, head: Int) {
    Scalar.account(as: .elementwise)
    let (gate, rest) = (gates[head], Scalar(1) - gates[head])
    for row in 0..<rows {
      for at in elements(row, head) { y[at] = gate * full[at] + rest * streaming[at] }
    }
  }

  /// `da += z·dy`, `db += (1 − z)·dy`, `dz += Σ dy·(a − b)`, rows in ascending order.
  func addGradient(_ gradient: HeadMixtureGradient<Scalar>, head: Int) {
    Scalar.account(as: .elementwise)
    let (gate, rest) = (gates[head], Scalar(1) - gates[head])
    var sum = gradient.gates[head]
    for row in 0..<rows {
      for at in elements(row, head) {
        let slope = gradient.result[at]
        gradient.full[at] = gradient.full[at] + gate * slope
        gradient.streaming[at] = gradient.streaming[at] + rest * slope
        sum = sum + slope * (full[at] - streaming[at])
      }
    }
    gradient.gates[head] = sum
  }
}

/// The gradient of a mixture's result, and those of its operands, each of the shape of what it is the gradient of.
struct HeadMixtureGradient<Scalar> {
  let result: UnsafePointer<Scalar>
  /// Added to.
  let full, streaming, gates: UnsafeMutablePointer<Scalar>
}

extension PlainKernels {
  static func mixHeads(_ mixture: HeadMixture<Scalar>, into y: Output) {
    for head in 0..<mixture.layer.keyValueHeads { mixture.write(to: y, head: head) }
  }

  static func mixHeadsGradient(_ mixture: HeadMixture<Scalar>, _ gradient: HeadMixtureGradient<Scalar>) {
    for head in 0..<mixture.layer.keyValueHeads { mixture.addGradient(gradient, head: head) }
  }
}

/// The same loops on the kernels' threads: a key–value head belongs to one of them, so that no sum depends on their
/// number.
extension FastGradients {
  private struct Mix {
    let mixture: HeadMixture<Float>
    let result: Output
  }

  static func mixHeads(_ mixture: HeadMixture<Float>, into y: Output) {
    Cut.run(Mix(mixture: mixture, result: y), count: mixture.layer.keyValueHeads, grain: 1) { part, context in
      let (mix, heads) = Cut<Mix>.part(part, of: context)
      for head in heads { mix.mixture.write(to: mix.result, head: head) }
    }
  }

  private struct MixGradient {
    let mixture: HeadMixture<Float>
    let gradient: HeadMixtureGradient<Float>
  }

  static func mixHeadsGradient(_ mixture: HeadMixture<Float>, _ gradient: HeadMixtureGradient<Float>) {
    let job = MixGradient(mixture: mixture, gradient: gradient)
    Cut.run(job, count: mixture.layer.keyValueHeads, grain: 1) { part, context in
      let (job, heads) = Cut<MixGradient>.part(part, of: context)
      for head in heads { job.mixture.addGradient(job.gradient, head: head) }
    }
  }
}
