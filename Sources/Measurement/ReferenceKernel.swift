import Architectures
import CKernels
import Tensors

/// Fixed pieces of work that depend on no scenario: a read that streams memory, a matrix product from the cache, and a read
/// of what rested in the cache for a while.
///
/// Their times between measured runs say how busy other programs kept the machine: rows in which one of them took longer were
/// disturbed, whatever was measured.
public final class ReferenceKernel {
  /// Streams memory even where a last-level cache is large. Chosen: milliseconds.
  private static let readBytes = 64 << 20
  /// What rests, and how long: a neighbour that fills a last-level cache in some milliseconds has pushed a good part of it
  /// out by then. Chosen.
  private static let resting = (bytes: 4 << 20, seconds: 1e-3)
  /// Rows, width and columns of the product: 134 MFLOP on 4 MiB. Chosen: milliseconds.
  private static let product = (rows: 64, width: 256, columns: 4096)

  private let machine = Machine(backend: .fast)
  private let data: UnsafeMutablePointer<Float>
  private let table, norm, rows: Tensor

  /// - Parameter threads: of the kernels, for everything that runs from now on.
  public init(threads: Int) {
    setKernelThreads(threads)
    data = ck_allocate(Self.readBytes / 4)
    data.initialize(repeating: 1, count: Self.readBytes / 4)
    let product = Self.product
    table = constant(machine, product.columns, product.width)
    norm = constant(machine, 1, product.width)
    rows = constant(machine, product.rows, product.width)
    _ = times()
  }

  deinit { ck_free(data) }

  /// Runs each once: streaming, multiplying, reading what rested.
  /// - Unit: s
  public func times() -> [Double] {
    let streaming = seconds { _ = ck_read(data, Self.readBytes, 1) }
    let multiplying = seconds {
      let mark = machine.arena.mark
      _ = machine.head(rows, norm: norm, table: table, at: Node(0, .decoder, .head))
      machine.arena.release(to: mark)
    }
    _ = ck_read(data, Self.resting.bytes, 1)
    let resting = secondsAfter(rest: Self.resting.seconds) { _ = ck_read(data, Self.resting.bytes, 1) }
    return [streaming, multiplying, resting]
  }
}
