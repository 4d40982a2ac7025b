import Foundation
import Quantities

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a temporary name in the same folder; `commit` makes them durable and renames, so a reader sees the old
/// file or the whole new one, with the old one's owner and permissions. A link stays one: what it leads to is written,
/// whether it exists or not. Whatever fails, and when nobody holds the value any more, the temporary file is removed. A path
/// that names a device or a pipe (`/dev/stdout`) has no old content to protect and is written directly.
public final class AtomicFile {
  /// The name that the file gets, as the caller gave it.
  public let path: String
  private let finalPath: String
  private var temporaryPath: String?
  private var descriptor: Int32

  /// Opens a temporary file in the same folder, or the device itself.
  /// - Throws: `FileFailure`
  public init(_ path: String) throws(FileFailure) {
    self.path = path
    finalPath = try followed(path)
    var old = stat()
    let exists = stat(finalPath, &old) == 0
    switch kind(of: finalPath) {
    case .folder: throw FileFailure(path, code: EISDIR)
    case .device:
      descriptor = open(finalPath, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw FileFailure(path, code: errno) }
    case .file, .none:
      do throws(FileFailure) {
        (descriptor, temporaryPath) = try openTemporary(for: finalPath, mode: exists ? 0o600 : 0o666)
      } catch {
        throw FileFailure(path, code: error.code)
      }
      guard exists else { return }
      // Only root may give a file away; others keep at least the permissions.
      _ = fchown(descriptor, old.st_uid, old.st_gid)
      fchmod(descriptor, old.st_mode & 0o777)
    }
  }

  /// Adds bytes at the end.
  /// - Throws: `FileFailure`
  public func write(_ bytes: [UInt8]) throws(FileFailure) {
    if let code = writeAll(bytes, to: descriptor) { throw FileFailure(path, code: code) }
  }

  /// Makes the content durable and gives it its name; nothing can be added then.
  /// - Throws: `FileFailure`; an older file is untouched then.
  public func commit() throws(FileFailure) {
    guard let temporaryPath else { return }
    guard fsync(descriptor) == 0 else { throw FileFailure(path, code: errno) }
    guard rename(temporaryPath, finalPath) == 0 else { throw FileFailure(path, code: errno) }
    self.temporaryPath = nil
  }

  deinit {
    if let temporaryPath { unlink(temporaryPath) }
    close(descriptor)
  }

  /// Writes a whole file in one go.
  public static func write(_ bytes: [UInt8], to path: String) throws(FileFailure) { try write([(path, bytes)]) }

  /// Writes a whole file, as UTF-8.
  /// - Throws: `FileFailure`; an older file is untouched then.
  public static func write(_ text: String, to path: String) throws(FileFailure) {
    try write(Array(text.utf8), to: path)
  }

  /// Writes files that belong together: none gets its name before all are complete, then each in the order given.
  /// - Throws: `FileFailure`
  public static func write(_ files: [(path: String, bytes: [UInt8])]) throws(FileFailure) {
    var complete: [AtomicFile] = []
    for file in files {
      let new = try AtomicFile(file.path)
      try new.write(file.bytes)
      complete.append(new)
    }
    for file in complete { try file.commit() }
  }

  /// Finds out whether a file can be written, before something that takes long; nothing is left.
  /// - Throws: `FileFailure`
  public static func probe(_ path: String) throws(FileFailure) { _ = try AtomicFile(path) }

  /// Creates a folder and those above it; one that exists is fine, and one that a link names is made where it leads.
  /// - Returns: those that did not exist, in the order in which they were made.
  /// - Throws: `FileFailure`
  @discardableResult
  public static func makeFolder(_ path: String) throws(FileFailure) -> [String] {
    var made: [String] = []
    var prefix = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      prefix += part
      if mkdir(prefix, 0o777) == 0 {
        made.append(prefix)
      } else if errno != EEXIST {
        throw FileFailure(path, code: errno)
      } else if kind(of: prefix) == .none {
        made += try makeFolder(followed(prefix))
      }
      prefix += "/"
    }
    if !path.isEmpty, kind(of: path) != .folder { throw FileFailure(path, code: ENOTDIR) }
    return made
  }
}

/// Results, in one piece; a terminal obeys what it is sent, so it is sent nothing that is not seen. A reader that has gone ends
/// this process as it ends any other.
func writeToStandardOutput(_ bytes: [UInt8]) throws(FileFailure) {
  let isTerminal = isatty(STDOUT_FILENO) == 1
  let shown = isTerminal ? Array(visible(String(decoding: bytes, as: UTF8.self), keepsLines: true).utf8) : bytes
  guard let code = writeAll(shown, to: STDOUT_FILENO) else { return }
  if code == EPIPE {
    signal(SIGPIPE, SIG_DFL)
    kill(getpid(), SIGPIPE)
  }
  throw FileFailure("standard output", code: code)
}

/// Writes everything or returns the system's error number.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
  bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
}

func writeAll(_ buffer: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32? {
  var offset = 0
  while offset < buffer.count {
    let count = write(descriptor, buffer.baseAddress! + offset, buffer.count - offset)
    if count < 0 {
      if errno == EINTR { continue }
      return errno
    }
    offset += count
  }
  return nil
}
