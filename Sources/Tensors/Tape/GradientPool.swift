import CKernels

/// Memory for gradients between two operations: taken, given back, and handed out again for the same count.
///
/// A pass backward needs few at a time, whatever the number of layers, and the same counts again in the next step.
public final class GradientPool<Scalar: KernelScalar> {
  private var free: [Int: [UnsafeMutablePointer<Scalar>]] = [:]
  private var liveElements = 0
  /// The most elements in use at a time.
  public private(set) var peakElements = 0
  /// Elements of all buffers made so far, in use or free; real memory where the pool holds numbers.
  public private(set) var allocatedElements = 0

  /// Without numbers the pool counts all the same, and hands out an address that nobody may read.
  public let holdsNumbers: Bool

  public init(holdsNumbers: Bool = true) { self.holdsNumbers = holdsNumbers }

  deinit { if holdsNumbers { freeAll() } }

  private func freeAll() { for (_, buffers) in free { for buffer in buffers { release(buffer) } } }

  /// - Parameter zeroed: whether the taker adds to it; otherwise it holds anything.
  func take(_ count: Int, zeroed: Bool = true) -> UnsafeMutablePointer<Scalar> {
    liveElements += count
    peakElements = max(peakElements, liveElements)
    let buffer = free[count]?.popLast() ?? allocate(count)
    if zeroed, holdsNumbers { buffer.update(repeating: Scalar(0), count: count) }
    return buffer
  }

  func give(_ buffer: UnsafeMutablePointer<Scalar>, _ count: Int) {
    liveElements -= count
    free[count, default: []].append(buffer)
  }

  private func release(_ buffer: UnsafeMutablePointer<Scalar>) {
    ck_free(UnsafeMutableRawPointer(buffer).assumingMemoryBound(to: Float.self))
  }

  private func allocate(_ count: Int) -> UnsafeMutablePointer<Scalar> {
    allocatedElements += count
    guard holdsNumbers else { return .unreadable }
    // By the allocator that refuses what is too much.
    let floats = (max(count, 1) * MemoryLayout<Scalar>.stride + 3) / 4
    let buffer = UnsafeMutableRawPointer(ck_allocate(floats)).bindMemory(to: Scalar.self, capacity: max(count, 1))
    buffer.initialize(repeating: Scalar(0), count: max(count, 1))
    return buffer
  }
}

extension UnsafeMutablePointer {
  /// An address for what has no memory.
  static var unreadable: Self { Self(bitPattern: MemoryLayout<Pointee>.alignment)! }
}
