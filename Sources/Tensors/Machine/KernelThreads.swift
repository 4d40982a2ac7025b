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

/// Work on 0 ..< `count` that is cut into one range for each kernel thread, each a multiple of `grain` long but the last.
///
/// A job is a value and the pool is given a plain function, because a closure that leaves Swift is allocated at each call.
package struct Cut<Job> {
  package typealias Body = @convention(c) (_ part: Int32, _ context: UnsafeMutableRawPointer?) -> Void

  let job: Job
  private let count: Int
  private let step: Int

  /// - Parameter body: finds its job and its range with `part(_:of:)`.
  package static func run(_ job: Job, count: Int, grain: Int, _ body: Body) {
    let threads = Int(ck_pool_threads())
    let step = max((count + threads * grain - 1) / (threads * grain) * grain, 1)
    withUnsafePointer(to: Cut(job: job, count: count, step: step)) { cut in
      ck_parallel(Int32((count + step - 1) / step), body, UnsafeMutableRawPointer(mutating: cut))
    }
  }

  package static func part(_ part: Int32, of context: UnsafeMutableRawPointer?) -> (job: Job, range: Range<Int>) {
    let cut = context!.assumingMemoryBound(to: Cut.self).pointee
    let first = Int(part) * cut.step
    return (cut.job, first..<min(first + cut.step, cut.count))
  }
}
