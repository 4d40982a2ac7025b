import Architectures
import Reference
import Tensors

/// Reads the losses off a pass, and adds their gradients to its results.
///
/// Written once for any scalar: the machine's float32, and the doubles and dual numbers of a replayed tape that judge it.
public struct Evaluation<Scalar: KernelScalar, Number: KernelScalar> {
  let objective: Objective
  let pass: TrainingPass
  /// The numbers of a tensor.
  let numbers: (Tensor) -> UnsafeMutablePointer<Scalar>
  /// Memory for the gradient of a tensor; `nil` where only losses are asked for.
  let seed: ((Tensor) -> UnsafeMutablePointer<Scalar>)?
  /// By which gradients are multiplied: one over the batches that are accumulated.
  let scale: Double
  /// In which losses are added up.
  let widen: (Scalar) -> Number

  /// - Parameters:
  ///   - objective: which losses, and what each weighs.
  ///   - pass: whose results are read.
  ///   - numbers: the numbers of a tensor.
  ///   - seed: memory for the gradient of a tensor; `nil` where only losses are asked for.
  ///   - scale: by which gradients are multiplied.
  ///   - widen: to the number in which losses are added up.
  public init(
    _ objective: Objective, _ pass: TrainingPass, numbers: @escaping (Tensor) -> UnsafeMutablePointer<Scalar>,
    seed: ((Tensor) -> UnsafeMutablePointer<Scalar>)? = nil, scale: Double = 1,
    widen: @escaping (Scalar) -> Number
  ) {
    self.objective = objective
    self.pass = pass
    self.numbers = numbers
    self.seed = seed
    self.scale = scale
    self.widen = widen
  }

  /// - Parameter tokenLoss: in place of the plain cross-entropy.
  public func losses(tokenLoss: (() -> Number)? = nil) -> Losses<Number> {
    let token = tokenLoss?() ?? plainTokenLoss()
    let levels = 1..<pass.model.levelCount + 1
    let reconstruction = levels.map { objective.reconstruction($0, of: pass).map(mean) }
    let context = levels.map { objective.context($0, of: pass).map(mean) }
    var total = token
    for case let part? in reconstruction { total = total + Number(objective.reconstructionWeight) * part }
    for case let part? in context { total = total + Number(objective.contextWeight) * part }
    return Losses(
      token: token, tokenCount: pass.scoredCount, reconstruction: reconstruction, context: context, total: total)
  }

  private func plainTokenLoss() -> Number {
    let (logits, vocabulary) = (numbers(pass.logits), pass.logits.columns)
    let (gradient, count) = (seed?(pass.logits), Double(pass.scoredCount))
    var sum = Number(0)
    for (row, target) in pass.targets.enumerated() where target >= 0 {
      let loss = LossKernels.crossEntropy(
        vocabulary: vocabulary, logits + row * vocabulary, target: Int(target), scale: Scalar(scale / count),
        gradient: gradient.map { $0 + row * vocabulary })
      sum = sum + widen(loss)
    }
    return sum / Number(count)
  }

  /// Mean dissimilarity over pairs of rows. Gradients are asked for only where they weigh anything.
  private func mean(_ comparison: Comparison) -> Number {
    let (prediction, target, weight) = (comparison.prediction, comparison.target, comparison.weight)
    precondition(prediction.columns == target.columns, "a dissimilarity of vectors of unequal width")
    let (width, count) = (prediction.columns, Double(comparison.pairs.count))
    let (from, to) = (numbers(prediction), numbers(target))
    let gradient = weight == 0 ? nil : seed?(prediction)
    let targetGradient = weight == 0 || objective.stopsTargetGradients ? nil : seed?(target)
    var sum = Number(0)
    for pair in comparison.pairs {
      let (row, other) = (pair.prediction * width, pair.target * width)
      let loss = LossKernels.dissimilarity(
        objective.dissimilarity, width: width, from + row, target: to + other, scale: Scalar(scale * weight / count),
        gradient: gradient.map { $0 + row }, targetGradient: targetGradient.map { $0 + other })
      sum = sum + widen(loss)
    }
    return sum / Number(count)
  }
}

extension Objective {
  /// The losses of a pass that a machine with numbers has run.
  public func losses(_ pass: TrainingPass, machine: Machine) -> Losses<Double> {
    losses(pass, machine: machine, scale: 1, seed: nil)
  }

  /// Runs a batch forward and backward.
  /// - Parameters:
  ///   - weights: of the model.
  ///   - tokens: sequences of one length T ≥ 1, each token below V.
  ///   - firstScored: tokens before this position are read and not scored.
  ///   - mixing: heads of a vanilla model that are partly full and partly streaming: only their gates have gradients
  ///     then. nil: all of them are full, and all parameters have gradients.
  ///   - machine: with the fast or the plain backend.
  ///   - gradients: of the whole line of parameters; those of the batch, times `scale`, are added.
  ///   - pool: where the gradients of results come from and return to.
  ///   - scale: one over the batches whose gradients are accumulated.
  ///   - trace: where the work of the gradients is recorded; the machine's own trace has the forward pass.
  ///   - watch: is told of operations whose gradients are not finite.
  public func differentiate(
    _ weights: ModelWeights, tokens: [[Int32]], firstScored: Int = 0, mixing: MixedHeads? = nil, machine: Machine,
    into gradients: ParameterLine, pool: GradientPool<Float>, scale: Double = 1, trace: Trace? = nil,
    watch: ((String) -> Void)? = nil
  ) -> Losses<Double> {
    let mark = machine.arena.mark
    defer { machine.arena.release(to: mark) }
    machine.tape = Tape()
    let pass = TrainingPass(weights, tokens: tokens, firstScored: firstScored, mixing: mixing, machine: machine)
    var result: Losses<Double>?
    machine.runBackward(
      into: gradients.base, pool: pool, isFrozen: mixing != nil, trace: trace, watch: watch
    ) { seed in
      result = losses(pass, machine: machine, scale: scale, seed: seed)
    }
    return result!
  }

  /// The same step on shapes: what it computes is recorded and what it takes is counted, at no cost.
  public func traceStep(
    _ weights: ModelWeights, tokens: [[Int32]], machine: Machine, pool: GradientPool<Float>, trace: Trace?
  ) {
    precondition(!machine.holdsNumbers, "a machine with numbers has losses to return")
    let mark = machine.arena.mark
    defer { machine.arena.release(to: mark) }
    machine.tape = Tape()
    let pass = TrainingPass(weights, tokens: tokens, machine: machine)
    machine.runBackward(into: nil, pool: pool, trace: trace) { seed in
      for result in seeded(of: pass) { _ = seed(result) }
    }
  }

  private func losses(
    _ pass: TrainingPass, machine: Machine, scale: Double, seed: ((Tensor) -> UnsafeMutablePointer<Float>)?
  ) -> Losses<Double> {
    let evaluation = Evaluation(self, pass, numbers: { $0.base! }, seed: seed, scale: scale, widen: Double.init)
    guard machine.backend == .fast else { return evaluation.losses() }
    return evaluation.losses {
      let count = Double(pass.scoredCount)
      return FastCrossEntropy.run(
        rows: pass.logits.rows, vocabulary: pass.logits.columns, pass.logits.base!, targets: pass.targets,
        scale: Float(scale / count), gradient: seed?(pass.logits)) / count
    }
  }
}
