import CGSL
import CKernels

/// Runs all fast kernels on so many threads from now on.
///
/// OpenBLAS itself stays on one: its products are cut into parts for the same threads.
/// - Returns: the threads that really run.
@discardableResult
public func setKernelThreads(_ count: Int) -> Int {
  openblas_set_num_threads(1)
  return Int(ck_pool_start(Int32(count)))
}

/// Cuts 0 ..< `count` into one range for each kernel thread, each a multiple of `grain` long but the last, and runs
/// `body` on all of them at once.
func onThreads(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
  let threads = Int(ck_pool_threads())
  let step = (count + threads * grain - 1) / (threads * grain) * grain
  guard step < count else { return body(0..<count) }
  withoutActuallyEscaping(body) { body in
    withUnsafePointer(to: Cut(count: count, step: step, body: body)) { cut in
      ck_parallel(
        Int32((count + step - 1) / step),
        { part, context in
          let cut = context!.assumingMemoryBound(to: Cut.self).pointee
          let first = Int(part) * cut.step
          cut.body(first..<min(first + cut.step, cut.count))
        }, UnsafeMutableRawPointer(mutating: cut))
    }
  }
}

private struct Cut {
  let count: Int
  let step: Int
  let body: (Range<Int>) -> Void
}
