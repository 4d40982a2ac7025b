import Architectures
import Quantities
import Tensors

/// Chooses the next token of one sequence.
/// - Parameters:
///   - logits: V numbers; empty when shapes are run.
///   - sequence: position among batch × continuations.
///   - position: index of the token in its context.
public typealias TokenChooser = (_ logits: UnsafeBufferPointer<Float>, _ sequence: Int, _ position: Int) -> Int32

/// A model at work on a batch: prefill once, then generate.
public protocol Session: AnyObject {
  var machine: Machine { get }
  var memory: CacheMeter { get }
  /// Every condition sequence made so far, where the model retains them; nil elsewhere.
  var retained: ConditionStore? { get }
  /// Runs the prompts, all of the workload's prompt length.
  func prefill(_ prompts: [[Int32]])
  /// Emits and commits the workload's generated length; greedy unless told otherwise.
  /// - Returns: one list per continuation, continuations of a prompt side by side.
  func generate(choosing choose: @escaping TokenChooser) -> [[Int32]]
}

extension Session {
  /// Greedy generation.
  public func generate() -> [[Int32]] { generate(choosing: greedy) }
}

/// The first of the largest logits; token 0 for shapes.
public func greedy(_ logits: UnsafeBufferPointer<Float>, _ sequence: Int, _ position: Int) -> Int32 {
  logits.isEmpty ? 0 : Int32(firstOfLargest(logits))
}

/// A session for a model of any family.
/// - Parameters:
///   - weights: of the same model; shape-only exactly if the machine's backend is.
///   - workload: the batch, continuations and lengths that caches are made for.
///   - machine: that operations are dispatched to.
public func makeSession(_ weights: ModelWeights, workload: Workload, machine: Machine) -> any Session {
  precondition(weights.holdsNumbers == machine.holdsNumbers, "numbers on one side and shapes on the other")
  switch weights.model.structure {
  case .stack: return VanillaSession(weights, workload: workload, machine: machine)
  case .hierarchy: return HierarchySession(weights, workload: workload, machine: machine)
  }
}

/// Reads what caches hold as a run goes on, and keeps the figures that formulas predict.
/// - Unit: bit until a figure is read.
public final class CacheMeter {
  private let element: ElementType
  private var afterPrefill: Int128 = 0
  private var now: Int128 = 0
  private var peak: Int128 = 0
  private var localPeak: Int128 = 0
  private var host: (afterPrefill: Int128, now: Int128, peak: Int128) = (0, 0, 0)
  /// Bytes of real memory that the persistent caches have; 0 for shapes.
  public private(set) var allocatedBytes = 0

  init(element: ElementType) { self.element = element }

  /// Notes the persistent caches, those of shared prompts apart, and the open windows as they stand.
  func observe(
    persistent: some Sequence<KeyValueCache>, prompts: some Sequence<KeyValueCache>,
    windows: some Sequence<KeyValueCache>
  ) {
    now = bitsHeld(persistent) + bitsHeld(prompts)
    peak = max(peak, now)
    host.now = bitsAtHost(persistent) + bitsAtHost(prompts)
    host.peak = max(host.peak, host.now)
    allocatedBytes = allocated(persistent) + allocated(prompts)
    localPeak = max(localPeak, bitsHeld(windows))
  }

  private func allocated(_ caches: some Sequence<KeyValueCache>) -> Int { caches.reduce(0) { $0 + $1.allocatedBytes } }

  private func bitsHeld(_ caches: some Sequence<KeyValueCache>) -> Int128 {
    caches.reduce(0) { $0 + $1.bitsHeld(in: element) }
  }

  private func bitsAtHost(_ caches: some Sequence<KeyValueCache>) -> Int128 {
    caches.reduce(0) { $0 + $1.bitsAtHost(in: element) }
  }

  /// Notes the windows of chunks that run side by side: levels run one after another, so this is a maximum of its own.
  func observeParallel(_ window: KeyValueCache, groups: Int) {
    let bits = window.bitsHeld(in: element) * Int128(groups) / Int128(max(window.groups, 1))
    localPeak = max(localPeak, bits)
  }

  /// Notes windows with other numbers of entries than they hold: states that a run passes without stopping there.
  func observe(_ windows: PerLevel<KeyValueCache>, count: (_ level: Int) -> Int) {
    localPeak = max(
      localPeak, windows.indices.reduce(0) { $0 + windows[$1].bits(ofEntries: count($1), in: element) })
  }

  func endPrefill() { (afterPrefill, host.afterPrefill) = (now, host.now) }

  /// What the caches have held until now.
  public var figures: CacheFigures {
    CacheFigures(
      bytesAfterPrefill: bytes(afterPrefill), bytesAtEnd: bytes(now), peakBytes: bytes(peak),
      localPeakBytes: bytes(localPeak), hostBytesAfterPrefill: bytes(host.afterPrefill),
      hostBytesAtEnd: bytes(host.now), hostPeakBytes: bytes(host.peak))
  }
}
