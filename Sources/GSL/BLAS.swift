import CGSL

/// The tuned library behind the CBLAS interface.
public enum BLAS {
  /// Threads that one product uses from now on.
  public static func setThreads(_ count: Int) { openblas_set_num_threads(Int32(count)) }

  /// Threads that one product may use.
  public static var threads: Int { Int(openblas_get_num_threads()) }

  /// c ← alpha · a · b + beta · c with row-major operands, each of a and b transposed on demand.
  /// - Shape: op(a) rows × inner, op(b) inner × columns, c rows × columns; `ld…` elements between stored rows.
  public static func sgemm(
    rows: Int, columns: Int, inner: Int, alpha: Float = 1, a: UnsafePointer<Float>, lda: Int, transposeA: Bool = false,
    b: UnsafePointer<Float>, ldb: Int, transposeB: Bool = false, beta: Float = 0, c: UnsafeMutablePointer<Float>,
    ldc: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans, Int32(rows),
      Int32(columns), Int32(inner), alpha, a, Int32(lda), b, Int32(ldb), beta, c, Int32(ldc))
  }
}
