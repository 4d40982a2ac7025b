import Architectures

/// A tape run again through the plain kernels, on any scalar: on doubles, whose gradients judge the fast ones, or on
/// dual numbers, which judge those.
public final class Replay<Scalar: KernelScalar>: TapeNumbers {
  /// The dispatches that are run again.
  public let tape: Tape
  private let activations: UnsafeMutablePointer<Scalar>
  private let parameters: UnsafeMutablePointer<Scalar>
  private let parameterCount: Int
  private let caches: [(keys: UnsafeMutablePointer<Scalar>, values: UnsafeMutablePointer<Scalar>)]
  private let rotations: [Int: Angles<Scalar>]

  /// - Parameters:
  ///   - tape: of a run of any backend, shapes included.
  ///   - parameters: the whole line of parameters.
  public init(_ tape: Tape, parameters: [Scalar]) {
    self.tape = tape
    parameterCount = parameters.count
    self.parameters = Self.allocate(parameters.count)
    self.parameters.update(from: parameters, count: parameters.count)
    activations = Self.allocate(tape.activationCount)
    caches = tape.caches.map { (Self.allocate($0.layout.elements), Self.allocate($0.layout.elements)) }
    var rotations: [Int: Angles<Scalar>] = [:]
    for width in Set(tape.caches.map(\.layout.headWidth)) {
      let angles = RotaryAngles(headWidth: width, positionCount: tape.caches.map(\.positionRoom).max() ?? 0)
      func copy(_ source: UnsafeMutablePointer<Float>) -> UnsafePointer<Scalar> {
        let result = Self.allocate(angles.count)
        for index in 0..<angles.count { result[index] = Scalar(Double(source[index])) }
        return UnsafePointer(result)
      }
      rotations[width] = Angles(
        cosine: copy(angles.cosine), sine: copy(angles.sine), negatedSine: copy(angles.negatedSine))
    }
    self.rotations = rotations
    for entry in tape.entries {
      switch entry {
      case .move(let move): run(move)
      case .step(let step): run(step)
      }
    }
  }

  deinit {
    activations.deallocate()
    parameters.deallocate()
    for cache in caches {
      cache.keys.deallocate()
      cache.values.deallocate()
    }
    for (_, angles) in rotations {
      for table in [angles.cosine, angles.sine, angles.negatedSine] { table.deallocate() }
    }
  }

  /// Gradients of the whole line of parameters.
  /// - Parameters:
  ///   - isFrozen: whether gates alone are asked for.
  ///   - seed: adds the gradients of results to the memory that it asks for.
  public func gradients(
    isFrozen: Bool = false, seed: (@escaping (Tensor) -> UnsafeMutablePointer<Scalar>) -> Void
  ) -> [Scalar] {
    var result = [Scalar](repeating: Scalar(0), count: parameterCount)
    result.withUnsafeMutableBufferPointer {
      let backward = Backward<PlainKernels<Scalar>, Replay<Scalar>>(
        tape: tape, numbers: self, parameters: $0.baseAddress!, pool: GradientPool(), isFrozen: isFrozen)
      seed(backward.seed)
      backward.run(trace: nil)
    }
    return result
  }

  /// The numbers of a tensor that the tape knows.
  public func numbers(_ tensor: Tensor) -> UnsafeMutablePointer<Scalar> { pointer(tensor.place) }
  func entries(_ cache: Int, layer: Int) -> Entries<Scalar> {
    Entries(tape.caches[cache].layout, layer: layer, keys: caches[cache].keys, values: caches[cache].values)
  }
  func angles(headWidth: Int, positions count: Int) -> Angles<Scalar> { rotations[headWidth]! }

  private static func allocate(_ count: Int) -> UnsafeMutablePointer<Scalar> {
    let result = UnsafeMutablePointer<Scalar>.allocate(capacity: max(count, 1))
    result.initialize(repeating: Scalar(0), count: max(count, 1))
    return result
  }

  private func pointer(_ place: Place) -> UnsafeMutablePointer<Scalar> {
    precondition(place.line != .elsewhere, "numbers of what is not on the tape")
    return (place.line == .parameters ? parameters : activations) + place.offset
  }

  private func run(_ move: Tape.Move) {
    let (output, width) = (numbers(move.output), move.output.columns)
    for (row, origin) in move.origins.enumerated() {
      if let origin { (output + row * width).update(from: pointer(origin), count: width) }
    }
  }

  private func run(_ step: Tape.Step) {
    let output = numbers(step.output)
    switch step.operation {
    case .embedding(_, let width, _):
      for (row, token) in step.tokens.enumerated() {
        (output + row * width).update(from: numbers(step.matrix!) + Int(token) * width, count: width)
      }
    case .queryKeyValue(_, let layer, _, _): withProduct(step) { append(step, layer, joint: $0) }
    case .attention(let shape): attend(step, shape)
    case .mixHeads(let rows, let layer):
      PlainKernels.mixHeads(
        HeadMixture(
          rows: rows, layer: layer, gates: numbers(step.matrix!), full: numbers(step.input!),
          streaming: numbers(step.residual!)), into: output)
    case .gateUp(let rows, let layer):
      withProduct(step) { hidden in
        numbers(step.hidden!).update(from: hidden, count: step.hidden!.count)
        for row in 0..<rows {
          let to = output + row * layer.feedForward
          switch layer.feedForwardKind {
          case .gated:
            let gate = hidden + row * 2 * layer.feedForward
            PlainKernels.gate(layer.feedForward, gate: gate, up: gate + layer.feedForward, into: to)
          case .twoMatrix: PlainKernels.gelu(layer.feedForward, hidden + row * layer.feedForward, into: to)
          }
        }
      }
    case .norm(let rows, let width):
      PlainKernels.norm(
        rows: rows, width: width, numbers(step.input!), weight: numbers(step.norm!), into: output)
    case .output, .down, .chunker, .converter, .head:
      withProduct(step) { output.update(from: $0, count: step.output.count) }
    case .moveEntries, .scoreEntries, .scanKeys, .rotateEntries, .transferEntries, .quantiseEntries:
      preconditionFailure("\(step.operation) on a tape")
    }
  }

  /// `norm(x) · wᵀ + bias + residual`, each part if it is there.
  private func withProduct(_ step: Tape.Step, _ body: (UnsafeMutablePointer<Scalar>) -> Void) {
    let (input, matrix) = (step.input!, step.matrix!)
    let (result, normalised) = (Self.allocate(input.rows * matrix.rows), Self.allocate(input.count))
    defer {
      result.deallocate()
      normalised.deallocate()
    }
    if let norm = step.norm {
      PlainKernels.norm(
        rows: input.rows, width: input.columns, numbers(input), weight: numbers(norm), into: normalised)
    }
    PlainKernels.linear(
      rows: input.rows, outputs: matrix.rows, inputs: matrix.columns, step.norm == nil ? numbers(input) : normalised,
      weight: numbers(matrix), bias: step.bias.map { UnsafePointer(numbers($0)) },
      residual: step.residual.map { UnsafePointer(numbers($0)) }, into: result)
    body(result)
  }

  private func append(_ step: Tape.Step, _ layer: LayerShape, joint: UnsafeMutablePointer<Scalar>) {
    let (window, columns) = (step.window!, step.matrix!.rows)
    let (angles, entries) = (rotations[layer.headWidth]!, entries(window.cache, layer: step.layer))
    PlainKernels.rotate(
      rows: step.input!.rows, columns: columns, heads: layer.heads + layer.keyValueHeads, headWidth: layer.headWidth,
      joint, cosine: angles.cosine, sine: angles.sine, first: window.firstPosition, period: window.queries)
    for row in 0..<step.input!.rows {
      let from = joint + row * columns
      (numbers(step.output) + row * layer.queryWidth).update(from: from, count: layer.queryWidth)
      entries.store(
        from + layer.queryWidth, of: 0..<layer.keyValueHeads, group: row / window.queries,
        entry: window.firstEntry + row % window.queries)
    }
  }

  /// A tape knows no shared prompt, so that the own entries are all there are.
  private func attend(_ step: Tape.Step, _ shape: AttentionShape) {
    let window = step.window!
    let weights = Self.allocate(shape.keysBefore + shape.queries)
    defer { weights.deallocate() }
    let own = Segment(
      entries: entries(window.cache, layer: step.layer), firstHead: 0, firstEntry: 0,
      count: window.entries.upperBound, share: 1)
    withUnsafePointer(to: own) {
      PlainKernels.attend(
        shape, query: numbers(step.input!), columns: shape.layer.queryWidth,
        segments: UnsafeBufferPointer(start: $0, count: 1), weights: weights,
        into: numbers(step.output))
    }
  }
}
