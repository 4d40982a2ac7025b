import Reference
import Tensors
import Testing
import Training

/// That the arithmetic is PyTorch's is a law of `ParityTests`.
struct AdamWTests {
  static func gradients(_ weights: ModelWeights, step: Int) -> ParameterLine {
    let line = ParameterLine(for: weights)
    for (_, tensor) in weights.tensors {
      for index in 0..<tensor.count { line.tensor(tensor).base![index] = Float((index * 7 + step * 3) % 11) - 5 }
    }
    return line
  }

  @Test func `a run taken up from its moments and its step count ends in the same bits`() {
    let subject = Subject.all[2]
    let runs = (0..<2).map { _ in subject.weights(true) }
    var optimisers = runs.map { AdamW($0) }
    for step in 0..<6 {
      if step == 3 {
        let resumed = AdamW(runs[1], stepCount: optimisers[1].stepCount)
        resumed.firstMoments.base.update(from: optimisers[1].firstMoments.base, count: resumed.firstMoments.count)
        resumed.secondMoments.base.update(from: optimisers[1].secondMoments.base, count: resumed.secondMoments.count)
        optimisers[1] = resumed
      }
      for (run, optimiser) in zip(runs, optimisers) {
        optimiser.step(Self.gradients(run, step: step), learningRate: 0.01, gradientScale: 0.5)
      }
    }
    for (own, other) in zip(runs[0].tensors, runs[1].tensors) {
      #expect(own.tensor.elements.map(\.bitPattern) == other.tensor.elements.map(\.bitPattern), "\(own.name)")
    }
  }

  /// m/√v of the first step is the sign of the gradient: every weight moves by the learning rate.
  @Test func `the first step moves every weight by the learning rate, against its gradient`() {
    let weights = Subject.all[0].weights(true)
    let before = weights.tensors.map(\.tensor.elements)
    let optimiser = AdamW(weights, settings: .init(weightDecay: 0))
    let gradients = Self.gradients(weights, step: 0)
    optimiser.step(gradients, learningRate: 0.5)
    for ((_, tensor), old) in zip(weights.tensors, before) {
      for (index, value) in tensor.elements.enumerated() {
        let gradient = gradients.tensor(tensor).base![index]
        let expected = gradient == 0 ? old[index] : old[index] - (gradient > 0 ? 0.5 : -0.5)
        // A handful of roundings of numbers below 4.
        #expect(abs(value - expected) <= 16 * 0x1p-24 * 4)
      }
    }
  }

  @Test func `only matrices and tables decay`() {
    let weights = Subject.all[2].weights(true)
    let before = weights.tensors.map(\.tensor.elements)
    AdamW(weights, settings: .init(weightDecay: 0.5)).step(ParameterLine(for: weights), learningRate: 0.5)
    for ((_, tensor), old) in zip(weights.tensors, before) {
      #expect(tensor.elements == (tensor.rows > 1 ? old.map { $0 * 0.75 } : old))
    }
  }

  @Test func `the norm of a line is that of its tensors`() {
    let weights = Subject.all[1].weights(true)
    let line = Self.gradients(weights, step: 1)
    let squares = weights.tensors.flatMap { line.tensor($0.tensor).elements }.reduce(0) { $0 + Double($1 * $1) }
    // Sums of small integers are exact.
    #expect(line.norm == squares.squareRoot())
    line.clear()
    #expect(line.norm == 0)
  }
}
