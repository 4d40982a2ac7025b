import Foundation

/// Why no more files can be opened: libraries trap or wait for ever where the system refuses them one, so it is asked
/// before.
/// - Parameter count: files that are to be open at a time besides those that are.
/// - Returns: what was found and what is accepted; nil where there is room.
public func descriptorProblem(_ count: Int) -> String? {
  var opened: [Int32] = []
  defer { for descriptor in opened { close(descriptor) } }
  while opened.count < count {
    let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let limit = sysconf(Int32(_SC_OPEN_MAX)) + count - opened.count
      return "\(opened.count) more files can be opened, and \(count) are needed; accepted: a limit of open files of at "
        + "least \(limit) (ulimit -n \(limit))"
    }
    opened.append(descriptor)
  }
  return nil
}

/// Why so many programs cannot be run side by side: three pipes, a handle and what is open while one starts are at most
/// sixteen files each, and the first brings as many more.
public func descriptorProblem(programs count: Int) -> String? { descriptorProblem(16 * (count + 1)) }
