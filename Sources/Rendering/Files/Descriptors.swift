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
      // Rounded up, because a few more stay open from the first program on.
      let limit = (sysconf(Int32(_SC_OPEN_MAX)) + count - opened.count + 63) / 64 * 64
      return
        "there is room for \(opened.count) more open files, and \(count) are needed; accepted: a limit of at least "
        + "\(limit) (ulimit -n \(limit))"
    }
    opened.append(descriptor)
  }
  return nil
}

/// Why so many programs cannot be run side by side: three pipes, a handle and what is open while one starts are at most
/// sixteen files each, and the first brings as many more.
public func descriptorProblem(programs count: Int) -> String? { descriptorProblem(16 * (count + 1)) }
