import Foundation
import Quantities
import Synchronization

/// Locks that this process holds.
private let held = Mutex<Set<String>>([])

/// A program that ends in the middle, because nobody can receive its output, takes its locks with it.
private let releasesAtExit: Void = { _ = atexit { held.withLock { for lock in $0 { unlink(lock) } } } }()

/// The right of one process to write a file or into a folder; it ends with the process, however that ends.
///
/// A hidden file is locked: `.lock` in the folder, or `.NAME.lock` beside the file. It says who has it, and goes with the
/// claim; one that a killed process left is nobody's.
public final class WriteClaim {
  private let lock: String
  private let descriptor: Int32
  /// Folders that did not exist before.
  private let made: [String]

  /// Claims a folder, which is made where it does not exist. If nothing comes into it, it goes with the claim.
  /// - Throws: `FileFailure` where nobody can write there, or another process does.
  public init(folder: String) throws(FileFailure) {
    made = try AtomicFile.makeFolder(folder)
    lock = path(".lock", in: folder)
    do throws(FileFailure) {
      descriptor = try Self.locked(lock, for: folder)
    } catch {
      for folder in made.reversed() { rmdir(folder) }
      throw error
    }
  }

  /// Claims a file that is added to. A device has no other's rows to protect.
  /// - Throws: `FileFailure` where nobody can write it, or another process does.
  public init(file: String) throws(FileFailure) {
    made = []
    let target = try followed(file)
    switch kind(of: target) {
    case .folder: throw FileFailure(file, code: EISDIR)
    case .device: (lock, descriptor) = ("", -1)
    case .file, .none:
      if access(target, W_OK) != 0, errno != ENOENT { throw FileFailure(file, code: errno) }
      lock = hiddenName(beside: target, "lock")
      descriptor = try Self.locked(lock, for: file)
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    // While it is locked: who waits for the name finds that the file has none.
    unlink(lock)
    held.withLock { _ = $0.remove(lock) }
    close(descriptor)
    // Only those that are empty go.
    for folder in made.reversed() { rmdir(folder) }
  }

  private static func locked(_ lock: String, for target: String) throws(FileFailure) -> Int32 {
    while true {
      let descriptor = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw FileFailure(target, code: errno) }
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        defer { close(descriptor) }
        throw errno == EWOULDBLOCK
          ? FileFailure(target, inUseBy: holder(descriptor)) : FileFailure(target, code: errno)
      }
      guard isLinked(descriptor) else {
        close(descriptor)
        continue
      }
      ftruncate(descriptor, 0)
      guard let code = writeAll(Array((ownName + "\n").utf8), to: descriptor) else {
        releasesAtExit
        held.withLock { _ = $0.insert(lock) }
        return descriptor
      }
      unlink(lock)
      close(descriptor)
      throw FileFailure(target, code: code)
    }
  }

  /// Processes in containers often have equal numbers, but not equal hosts.
  private static var ownName: String {
    let arguments = CommandLine.arguments.dropFirst().joined(separator: " ")
    return "process \(getpid()) on \(ProcessInfo.processInfo.hostName) (photon \(arguments))"
  }

  /// Who has the lock, on one line.
  private static func holder(_ descriptor: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 300)
    let count = pread(descriptor, &buffer, buffer.count, 0)
    return TextLines(String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)).first.map(String.init)
      ?? "another process"
  }

  /// Whether a living process has claimed a folder.
  public static func isHeld(folder: String) -> Bool {
    let descriptor = open(path(".lock", in: folder), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0
  }
}
