import Architectures

/// Where the numbers of a tape's tensors and caches lie.
protocol TapeNumbers<Scalar> {
  associatedtype Scalar: KernelScalar
  func numbers(_ tensor: Tensor) -> UnsafeMutablePointer<Scalar>
  func entries(_ cache: Int, layer: Int) -> Entries<Scalar>
  /// Cosines, sines and negated sines of the positions below `count`.
  func angles(headWidth: Int, positions count: Int) -> Angles<Scalar>
}

struct Angles<Scalar> {
  let cosine, sine, negatedSine: UnsafePointer<Scalar>
}

/// One walk back through a tape: from the gradients of some results to those of all parameters.
///
/// `seed` the results, then `run` once. What no seed reaches is skipped, and costs and records nothing. On shapes the
/// same walk takes no memory and computes nothing, and records and counts all the same.
final class Backward<Kernels: GradientKernels, Numbers: TapeNumbers> where Kernels.Scalar == Numbers.Scalar {
  typealias Scalar = Kernels.Scalar

  private let tape: Tape
  private let numbers: Numbers
  /// Gradients of the whole line of parameters, added to.
  private let parameters: UnsafeMutablePointer<Scalar>
  private let pool: GradientPool<Scalar>
  /// Whether gates alone are asked for: gradients of weights, norms, biases and tables are left out.
  private let isFrozen: Bool
  /// The results on the tape in the order of their places, and the gradients of those that were reached.
  private let results: [Tensor]
  private var reached: [Bool]
  private var gradients: [UnsafeMutablePointer<Scalar>?]
  /// One layer of a cache, and the gradients of its keys and values.
  private struct CacheLayer: Hashable {
    let cache: Int
    let layer: Int
  }
  private var entryGradients: [CacheLayer: Entries<Scalar>] = [:]

  /// Called behind each operation, when the gradients of its operands have what it adds.
  var afterStep: ((Tape.Step) -> Void)?

  init(
    tape: Tape, numbers: Numbers, parameters: UnsafeMutablePointer<Scalar>, pool: GradientPool<Scalar>,
    isFrozen: Bool = false
  ) {
    self.isFrozen = isFrozen
    self.tape = tape
    self.numbers = numbers
    self.parameters = parameters
    self.pool = pool
    results = tape.entries.map(\.output).filter { $0.count > 0 }.sorted { $0.place.offset < $1.place.offset }
    reached = Array(repeating: false, count: results.count)
    gradients = Array(repeating: nil, count: results.count)
  }

  /// Memory to which the gradient of a result, or of a part of one, is added.
  func seed(_ tensor: Tensor) -> UnsafeMutablePointer<Scalar> {
    reach(tensor.place)
    return gradient(tensor)
  }

  /// Walks from the last operation to the first.
  func run(trace: Trace?) {
    for entry in tape.entries.reversed() where isReached(entry) {
      switch entry {
      case .move(let move):
        for case let origin? in move.origins { reach(origin) }
        run(move)
      case .step(let step):
        trace?.recordGradient(of: step.operation, isFrozen: isFrozen, at: step.node)
        for case let operand? in [step.input, step.residual, step.output] { reach(operand.place) }
        if case .attention = step.operation { reachEntries(of: step) }
        run(step)
        afterStep?(step)
        if case .queryKeyValue = step.operation, step.window!.firstEntry == 0 { releaseEntries(of: step) }
      }
      release(entry.output)
    }
  }

  // MARK: What has a gradient

  /// The result in which an activation stands.
  private func owner(of offset: Int) -> Int {
    var (low, high) = (0, results.count)
    while low < high {
      let middle = (low + high) / 2
      if results[middle].place.offset <= offset { low = middle + 1 } else { high = middle }
    }
    precondition(low > 0, "a gradient of what is not on the tape")
    return low - 1
  }

  private func reach(_ place: Place) {
    guard place.line == .activations else {
      return precondition(place.line == .parameters, "a gradient of what is not on the tape")
    }
    let owner = owner(of: place.offset)
    guard !reached[owner] else { return }
    reached[owner] = true
    gradients[owner] = pool.take(results[owner].count)
  }

  private func gradient(_ place: Place) -> UnsafeMutablePointer<Scalar> {
    if place.line == .parameters { return parameters + place.offset }
    let owner = owner(of: place.offset)
    return gradients[owner]! + (place.offset - results[owner].place.offset)
  }

  func gradient(_ tensor: Tensor) -> UnsafeMutablePointer<Scalar> { gradient(tensor.place) }

  /// Where the gradient of a weight goes; `nil` where nobody asks for it.
  private func weightGradient(_ weight: Tensor) -> UnsafeMutablePointer<Scalar>? {
    isFrozen ? nil : gradient(weight)
  }

  private func isReached(_ entry: Tape.Entry) -> Bool {
    guard entry.output.count > 0 else { return false }
    if reached[owner(of: entry.output.place.offset)] { return true }
    // Keys and values may matter where the queries beside them do not.
    guard case .step(let step) = entry, case .queryKeyValue = step.operation else { return false }
    return entryGradients[cacheLayer(of: step)] != nil
  }

  private func cacheLayer(of step: Tape.Step) -> CacheLayer {
    CacheLayer(cache: step.window!.cache, layer: step.layer)
  }

  private func reachEntries(of step: Tape.Step) {
    let (cacheLayer, layout) = (cacheLayer(of: step), tape.caches[step.window!.cache].layout)
    guard entryGradients[cacheLayer] == nil else { return }
    entryGradients[cacheLayer] = Entries(
      layout, layer: 0, keys: pool.take(layout.layerStride), values: pool.take(layout.layerStride))
  }

  /// The first entries of a layer were its first on the tape: nothing before them has seen the layer.
  private func releaseEntries(of step: Tape.Step) {
    guard let gradients = entryGradients.removeValue(forKey: cacheLayer(of: step)) else { return }
    pool.give(gradients.keys, gradients.layout.layerStride)
    pool.give(gradients.values, gradients.layout.layerStride)
  }

  private func release(_ result: Tensor) {
    let owner = owner(of: result.place.offset)
    if let buffer = gradients[owner] { pool.give(buffer, results[owner].count) }
    gradients[owner] = nil
  }

  private func withScratch(_ count: Int, zeroed: Bool = false, _ body: (UnsafeMutablePointer<Scalar>) -> Void) {
    let scratch = pool.take(count, zeroed: zeroed)
    body(scratch)
    pool.give(scratch, count)
  }

  // MARK: One gradient per operation

  private func run(_ move: Tape.Move) {
    let (rows, width) = (gradient(move.output), move.output.columns)
    for (row, origin) in move.origins.enumerated() {
      guard let origin, !isFrozen || origin.line == .activations else { continue }
      Kernels.accumulate(width, rows + row * width, into: gradient(origin))
    }
  }

  private func run(_ step: Tape.Step) {
    let resultGradient = gradient(step.output)
    switch step.operation {
    case .embedding(_, let width, _):
      guard let table = weightGradient(step.matrix!) else { return }
      for (row, token) in step.tokens.enumerated() {
        Kernels.accumulate(width, resultGradient + row * width, into: table + Int(token) * width)
      }
    case .queryKeyValue(let rows, let layer, _, _):
      let columns = step.matrix!.rows
      withScratch(rows * columns) { joint in
        gatherJoint(step, layer, queryGradient: resultGradient, into: joint)
        product(step, resultGradient: joint)
      }
    case .attention(let shape):
      let (window, input) = (step.window!, step.input!)
      Kernels.attentionGradient(
        AttentionGradient(
          shape: shape, query: numbers.numbers(input), resultGradient: resultGradient,
          entries: numbers.entries(window.cache, layer: step.layer), queryGradient: gradient(input),
          entryGradients: entryGradients[cacheLayer(of: step)]!))
    case .mixHeads(let rows, let layer):
      let (full, streaming, gates) = (step.input!, step.residual!, step.matrix!)
      Kernels.mixHeadsGradient(
        HeadMixture(
          rows: rows, layer: layer, gates: numbers.numbers(gates), full: numbers.numbers(full),
          streaming: numbers.numbers(streaming)),
        HeadMixtureGradient(
          result: resultGradient, full: gradient(full), streaming: gradient(streaming), gates: gradient(gates)))
    case .gateUp(let rows, let layer):
      let hidden = step.hidden!
      withScratch(hidden.count) { hiddenGradient in
        Kernels.activationGradient(
          layer.feedForwardKind, rows: rows, width: layer.feedForward, hidden: numbers.numbers(hidden),
          resultGradient: resultGradient, into: hiddenGradient)
        product(step, resultGradient: hiddenGradient)
      }
    case .norm(let rows, let width):
      Kernels.normGradient(
        rows: rows, width: width, numbers.numbers(step.input!), weight: numbers.numbers(step.norm!),
        resultGradient: resultGradient, into: gradient(step.input!), weightGradient: weightGradient(step.norm!))
    case .output, .down, .chunker, .converter, .head:
      product(step, resultGradient: resultGradient)
    case .moveEntries, .scoreEntries, .scanKeys, .rotateEntries, .transferEntries, .quantiseEntries:
      preconditionFailure("\(step.operation) on a tape")
    }
  }

  /// Of `y = norm(x) · wᵀ + bias + residual`, each part if it is there.
  private func product(_ step: Tape.Step, resultGradient: UnsafePointer<Scalar>) {
    let (input, matrix) = (step.input!, step.matrix!)
    let (rows, outputs, inputs) = (input.rows, matrix.rows, matrix.columns)
    if let residual = step.residual { Kernels.accumulate(rows * outputs, resultGradient, into: gradient(residual)) }
    if let bias = step.bias.flatMap(weightGradient) {
      Kernels.accumulateRows(rows: rows, width: outputs, resultGradient, into: bias)
    }
    let x = numbers.numbers(input)
    func linear(_ x: UnsafePointer<Scalar>, into inputGradient: UnsafeMutablePointer<Scalar>) {
      Kernels.linearGradient(
        rows: rows, outputs: outputs, inputs: inputs, x, weight: numbers.numbers(matrix),
        resultGradient: resultGradient, into: inputGradient, weightGradient: weightGradient(matrix))
    }
    guard let norm = step.norm else { return linear(x, into: gradient(input)) }
    withScratch(rows * inputs) { normalised in
      Kernels.norm(rows: rows, width: inputs, x, weight: numbers.numbers(norm), into: normalised)
      withScratch(rows * inputs, zeroed: true) { normalisedGradient in
        linear(normalised, into: normalisedGradient)
        Kernels.normGradient(
          rows: rows, width: inputs, x, weight: numbers.numbers(norm), resultGradient: normalisedGradient,
          into: gradient(input), weightGradient: weightGradient(norm))
      }
    }
  }

  /// Gradients of queries, keys and values side by side, rotated back.
  private func gatherJoint(
    _ step: Tape.Step, _ layer: LayerShape, queryGradient: UnsafePointer<Scalar>,
    into joint: UnsafeMutablePointer<Scalar>
  ) {
    guard pool.holdsNumbers else { return }
    let (window, rows, columns) = (step.window!, step.input!.rows, step.matrix!.rows)
    let gradients = entryGradients[cacheLayer(of: step)]
    for row in 0..<rows {
      let to = joint + row * columns
      to.update(from: queryGradient + row * layer.queryWidth, count: layer.queryWidth)
      if let gradients {
        gradients.load(
          group: row / window.queries, entry: window.firstEntry + row % window.queries, into: to + layer.queryWidth)
      } else {
        (to + layer.queryWidth).update(repeating: Scalar(0), count: 2 * layer.keyValueWidth)
      }
    }
    let angles = numbers.angles(
      headWidth: layer.headWidth, positions: window.firstPosition + window.queries)
    Kernels.rotate(
      rows: rows, columns: columns, heads: layer.heads + layer.keyValueHeads, headWidth: layer.headWidth, joint,
      cosine: angles.cosine, sine: angles.negatedSine, first: window.firstPosition, period: window.queries)
  }
}
