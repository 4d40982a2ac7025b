import Foundation

/// Places for the files of tests, all below one folder, `photon-tests` among the temporary files.
///
/// Each test run has a folder of its own there and locks it. What runs that were killed have left is not locked, and the next
/// run removes it.
public enum TestFolders {
  /// A path at which there is nothing yet; who asks for it removes what they put there.
  public static func newPath() -> String { run + "/" + UUID().uuidString }

  /// The folder of this run, locked as long as the process lives.
  private static let run: String = {
    let root = FileManager.default.temporaryDirectory.appending(path: "photon-tests").path
    let path = root + "/" + UUID().uuidString
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      fatalError("tests need a folder for their files: \(error)")
    }
    guard lock(path) else { fatalError("\(path) cannot be locked") }
    for name in (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? [] where lock(root + "/" + name) {
      try? FileManager.default.removeItem(atPath: root + "/" + name)
    }
    atexit { try? FileManager.default.removeItem(atPath: TestFolders.run) }
    return path
  }()

  /// - Returns: whether no other run has it.
  private static func lock(_ folder: String) -> Bool {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
    close(descriptor)
    return false
  }
}
