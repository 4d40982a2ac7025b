import Architectures
import CKernels
import Tensors

/// A fixed piece of work that depends on no scenario: a matrix product from the cache, and a read that streams memory.
///
/// Its time between measured runs says how busy other programs kept the machine: rows in which it took longer were
/// disturbed, whatever was measured.
public final class ReferenceKernel {
  /// Streams memory even where a last-level cache is large. Chosen: milliseconds.
  private static let readBytes = 64 << 20
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
    _ = time()
  }

  deinit { ck_free(data) }

  /// Runs it once.
  /// - Unit: s
  public func time() -> Double {
    seconds {
      _ = ck_read(data, Self.readBytes, 1)
      let mark = machine.arena.mark
      _ = machine.head(rows, norm: norm, table: table, at: Node(0, .decoder, .head))
      machine.arena.release(to: mark)
    }
  }
}
