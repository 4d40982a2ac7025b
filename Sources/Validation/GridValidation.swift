import Architectures
import Dispatch
import Quantities
import Synchronization

/// Validates points on all cores; the result does not depend on how many there are.
/// - Parameters:
///   - points: in any order.
///   - allocates: runs with numbers in real memory; for small models.
/// - Throws: the first error in the order of the points.
public func validateExactly(_ points: [Question], allocates: Bool = false) throws -> ExactResult {
  let chunk = 16
  let count = (points.count + chunk - 1) / chunk
  let results = Mutex([Result<ExactResult, any Error>?](repeating: nil, count: count))
  DispatchQueue.concurrentPerform(iterations: count) { index in
    let result = Result {
      try points[index * chunk..<min((index + 1) * chunk, points.count)].reduce(into: ExactResult()) {
        $0 += try validateExactly($1, allocates: allocates)
      }
    }
    results.withLock { $0[index] = result }
  }
  return try results.withLock { try $0.reduce(into: ExactResult()) { $0 += try $1!.get() } }
}

/// The same with one precision for all points.
public func validateExactly(_ points: [Question], _ precision: Precision) throws -> ExactResult {
  try validateExactly(points.map { Question($0.model, $0.workload, precision) })
}

extension ExactGrid {
  /// All points, or every so many of them with a fixed stride that touches every hierarchy, reading and mode.
  public func allPoints(every stride: Int = 1) -> [Question] {
    let all = hierarchies.indices.flatMap(points(of:))
    return Swift.stride(from: 0, to: all.count, by: stride).map { all[$0] }
  }
}
