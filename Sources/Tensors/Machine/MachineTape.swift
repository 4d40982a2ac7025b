import Architectures

extension Machine {
  /// Writes a dispatch to the trace, and with its operands to the tape, where there are any.
  ///
  /// Inlined, so that a run without a tape prepares no operands.
  @inline(__always)
  func record(
    _ operation: Operation, at node: Node, layer: Int = 0, input: Tensor? = nil, residual: Tensor? = nil,
    norm: Tensor? = nil, matrix: Tensor? = nil, bias: Tensor? = nil, hidden: Tensor? = nil, tokens: [Int32] = [],
    window: (cache: KeyValueCache, queries: Int)? = nil, output: Tensor
  ) {
    trace?.record(operation, at: node, layer: layer)
    guard let tape else { return }
    tape.append(
      Tape.Step(
        operation: operation, node: node, layer: layer, input: input, residual: residual, norm: norm, matrix: matrix,
        bias: bias, hidden: hidden, tokens: tokens,
        window: window.map {
          Tape.Window(
            cache: tape.index(of: $0.cache), firstEntry: $0.cache.ownHeld, firstPosition: $0.cache.nextPosition,
            queries: $0.queries)
        }, output: output))
  }

  /// Rows copied from wherever they are; zeros where `source` says `nil`.
  public func assemble(rows: Int, columns: Int, source: (Int) -> (tensor: Tensor, row: Int)?) -> Tensor {
    let result = arena.tensor(rows: rows, columns: columns)
    var origins: [Place?] = []
    for row in 0..<rows {
      let from = source(row)
      if let from {
        precondition(from.tensor.columns == columns, "rows of unequal width")
        result.setRow(row, to: from.tensor, row: from.row)
      } else if let base = result.base {
        (base + row * columns).update(repeating: 0, count: columns)
      }
      if tape != nil { origins.append(from.map { $0.tensor.place.moved(by: $0.row * columns) }) }
    }
    tape?.append(Tape.Move(output: result, origins: origins))
    return result
  }

  /// Walks back through the tape and takes it off the machine.
  ///
  /// The rows that the tape names must still be held in the arena.
  /// - Parameters:
  ///   - parameters: the gradients of the whole line of parameters, which are added to; `nil` for shapes.
  ///   - pool: memory for gradients on the way; without numbers for shapes.
  ///   - isFrozen: whether gates alone are asked for, and the gradients of all other parameters are left out.
  ///   - trace: where the work of the gradients is recorded.
  ///   - watch: is told of every operation whose gradients are not finite, first the one that was met first.
  ///   - seed: adds the gradients of results to the memory it gets for a tensor; for shapes nobody may write there.
  public func runBackward(
    into parameters: UnsafeMutablePointer<Float>?, pool: GradientPool<Float>, isFrozen: Bool = false,
    trace: Trace? = nil, watch: ((String) -> Void)? = nil,
    seed: (@escaping (Tensor) -> UnsafeMutablePointer<Float>) -> Void
  ) {
    guard let tape else { preconditionFailure("gradients need a tape") }
    precondition(pool.holdsNumbers == holdsNumbers, "numbers on one side and shapes on the other")
    func run<Kernels: GradientKernels<Float>>(_: Kernels.Type) {
      let backward = Backward<Kernels, MachineNumbers>(
        tape: tape, numbers: MachineNumbers(machine: self, tape: tape), parameters: parameters ?? .unreadable,
        pool: pool, isFrozen: isFrozen)
      if let watch {
        backward.afterStep = { [unowned backward] step in
          let isFinite = step.operands.allSatisfy { operand in
            Tensor(rows: operand.rows, columns: operand.columns, base: backward.gradient(operand)).isFinite
          }
          if !isFinite { watch("\(step.place): the gradient of \(step.operation)") }
        }
      }
      seed(backward.seed)
      backward.run(trace: trace)
    }
    switch backend {
    case .shapes: run(NoGradients.self)
    case .plain: run(PlainKernels<Float>.self)
    case .fast: run(FastGradients.self)
    }
    self.tape = nil
  }
}

/// The numbers of a tape where the machine left them.
struct MachineNumbers: TapeNumbers {
  let machine: Machine
  let tape: Tape

  func numbers(_ tensor: Tensor) -> UnsafeMutablePointer<Float> { tensor.base ?? .unreadable }
  func entries(_ cache: Int, layer: Int) -> Entries<Float> {
    let cache = tape.caches[cache]
    return cache.entries(layer) ?? Entries(cache.layout, layer: 0, keys: .unreadable, values: .unreadable)
  }
  func angles(headWidth: Int, positions count: Int) -> Angles<Float> {
    let angles = machine.rotaryAngles(headWidth: headWidth, positions: count)
    return Angles(
      cosine: UnsafePointer(angles.cosine), sine: UnsafePointer(angles.sine),
      negatedSine: UnsafePointer(angles.negatedSine))
  }
}
