import Architectures
import Formulas
import Quantities
import Reference
import Tensors

/// One integer on which a formula and an executed run disagree.
public struct Mismatch: Hashable, Sendable, CustomStringConvertible {
  /// What was run.
  public var question: Question
  /// For example `decode level1/encoder/attention` or `cache`.
  public var place: String
  /// A field of `Work` or of a cache's figures.
  public var quantity: String
  /// What the closed form says, in the quantity's own unit.
  public var formula: Int128
  /// What the run's operations or caches add up to.
  public var executed: Int128

  /// The place is, for example, `decode level1/encoder/attention`.
  public init(_ question: Question, place: String, quantity: String, formula: Int128, executed: Int128) {
    self.question = question
    self.place = place
    self.quantity = quantity
    self.formula = formula
    self.executed = executed
  }

  public var description: String { "\(place) \(quantity): formula \(formula), executed \(executed)" }
}

/// What a comparison of integers found.
public struct ExactResult: Sendable {
  /// Integers compared.
  public var checked = 0
  /// Points, that is model and workload, compared.
  public var points = 0
  /// All of them, the first few of which are in `mismatches`.
  public var mismatchCount = 0
  /// The first mismatches, in the order of the points.
  public var mismatches: [Mismatch] = []

  /// Nothing compared.
  public init() {}

  /// The most mismatches that a result keeps.
  public static let kept = 20

  mutating func note(_ mismatch: Mismatch) {
    mismatchCount += 1
    if mismatches.count < Self.kept { mismatches.append(mismatch) }
  }

  /// Adds what another comparison found; mismatches in its order, as many as are kept.
  public static func += (left: inout ExactResult, right: ExactResult) {
    left.checked += right.checked
    left.points += right.points
    left.mismatchCount += right.mismatchCount
    left.mismatches += right.mismatches.prefix(max(kept - left.mismatches.count, 0))
  }
}

/// A model executed, on shapes unless numbers are asked for: what was dispatched, and what the caches held.
struct ExecutedRun {
  let trace: Trace
  let weights: ModelWeights
  let session: any Session

  init(
    _ question: Question, listsOperations: Bool = false,
    backend: Backend = .shapes
  ) {
    trace = Trace(
      levelCount: question.model.levelCount, precision: question.precision, listsOperations: listsOperations)
    weights = ModelWeights(question.model, seed: 0, holdsNumbers: backend != .shapes)
    session = makeSession(weights, workload: question.workload, machine: Machine(backend: backend, trace: trace))
    let prompt = [Int32](repeating: 0, count: question.workload.promptLength)
    session.prefill(Array(repeating: prompt, count: question.workload.batchSize))
    _ = session.generate()
  }
}

/// Runs the model and compares every node, phase and quantity, and every cache figure, with the formulas.
///
/// The executed side knows nothing of the formulas: its integers are sums over the operations that were dispatched, and
/// the positions that its caches fill.
/// - Parameters:
///   - question: a valid model, and a workload that is valid for it.
///   - allocates: runs with numbers in real memory instead of on shapes, and compares the bytes that the persistent
///     caches have allocated at the end as well; in float32, whatever the precision.
/// - Throws: `CountOverflow` from the formulas.
public func validateExactly(_ question: Question, allocates: Bool = false) throws -> ExactResult {
  let question = allocates ? Question(question.model, question.workload, .float32) : question
  let exact = try price(question)
  let run = ExecutedRun(question, backend: allocates ? .fast : .shapes)
  let (trace, weights, session) = (run.trace, run.weights, run.session)

  var result = ExactResult()
  result.points = 1
  func compare(_ place: @autoclosure () -> String, _ quantity: String, _ formula: Int128, _ executed: Int128) {
    result.checked += 1
    guard formula != executed else { return }
    result.note(
      Mismatch(
        question, place: place(), quantity: quantity, formula: formula, executed: executed))
  }

  for phase in Phase.allCases {
    for index in 0..<Node.tableSize(levelCount: question.model.levelCount) {
      let node = Node(index: index)
      let (formula, executed) = (exact.work(at: node, in: phase), trace.work(phase, at: node))
      // A node that neither side has is no comparison.
      guard formula != .zero || executed != .zero else { continue }
      for (left, right) in zip(formula.quantities, executed.quantities) {
        compare("\(phase.rawValue) \(node)", left.name, left.value, right.value)
      }
      // No method without a host crosses the link.
      if formula.hostBits != 0 || executed.hostBits != 0 {
        compare("\(phase.rawValue) \(node)", "host_bits", formula.hostBits, executed.hostBits)
      }
    }
  }
  let figures = session.memory.figures
  compare("cache", "bytes_after_prefill", exact.cache.bytesAfterPrefill, figures.bytesAfterPrefill)
  compare("cache", "bytes_at_end", exact.cache.bytesAtEnd, figures.bytesAtEnd)
  compare("cache", "peak_bytes", exact.cache.peakBytes, figures.peakBytes)
  compare("cache", "local_peak_bytes", exact.cache.localPeakBytes, figures.localPeakBytes)
  if exact.cache.hostPeakBytes != 0 || figures.hostPeakBytes != 0 {
    compare("cache", "host_bytes_after_prefill", exact.cache.hostBytesAfterPrefill, figures.hostBytesAfterPrefill)
    compare("cache", "host_bytes_at_end", exact.cache.hostBytesAtEnd, figures.hostBytesAtEnd)
    compare("cache", "host_peak_bytes", exact.cache.hostPeakBytes, figures.hostPeakBytes)
  }
  // A cache that evicts has room for a pass beside what it keeps.
  if allocates, question.model.hasFullCaches {
    compare("cache", "allocated_bytes", exact.cache.bytesAtEnd, Int128(session.memory.allocatedBytes))
  }
  let inventory = parameters(of: question.model)
  compare("parameters", "total", inventory.total, weights.parameterCount - weights.startLatentCount)
  compare("parameters", "start_latents", inventory.startLatents, weights.startLatentCount)
  for figure in try retentionFigures(question, session, weights) {
    compare("retained conditions", figure.quantity, figure.formula, figure.executed)
  }
  return result
}

extension Work {
  /// Every stored field, in bits where it is traffic: no rounding hides a difference.
  fileprivate var quantities: [(name: String, value: Integer)] {
    [
      ("matmul_flops", matmulFlops), ("elementwise_flops", elementwiseFlops), ("weight_bits", weightBits),
      ("activation_bits", activationBits), ("cache_read_bits", cacheReadBits), ("cache_write_bits", cacheWriteBits),
      ("local_read_bits", localReadBits), ("sequential_passes", sequentialPasses),
      ("sequential_layers", sequentialLayers),
    ]
  }
}
