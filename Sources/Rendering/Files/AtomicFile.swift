import Foundation
import Quantities
import Synchronization

/// Why a file could not be written: the path, what failed and the system's reason.
public struct FileFailure: Error, Hashable, CustomStringConvertible {
  /// What kept the file from being written, as far as a person can act on it.
  public enum Reason: Hashable, Sendable {
    /// `other` stands for every error number that is none of the named ones.
    case notPermitted, noSuchFolder, notAFolder, isAFolder, diskFull, fileTooLarge, other
  }

  /// The file that was to be written.
  public let path: String
  /// What the error number means.
  public let reason: Reason
  /// The system's error number.
  public let code: Int32

  init(_ path: String, code: Int32) {
    self.path = path
    self.code = code
    reason =
      switch code {
      case EACCES, EPERM, EROFS: .notPermitted
      case ENOENT: .noSuchFolder
      case ENOTDIR: .notAFolder
      case EISDIR: .isAFolder
      case ENOSPC, EDQUOT: .diskFull
      case EFBIG: .fileTooLarge
      default: .other
      }
  }

  public var description: String {
    let because =
      switch reason {
      case .notPermitted: "no permission to write there"
      case .noSuchFolder: "the folder does not exist"
      case .notAFolder: "a part of the path is a file, not a folder"
      case .isAFolder: "it is a folder"
      case .diskFull: "the disk is full"
      case .fileTooLarge:
        "the file would be larger than the system allows; the limit of this process (ulimit -f) may be raised"
      case .other: String(cString: strerror(code))
      }
    return "cannot write \(path): \(because)"
  }
}

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a temporary name in the same folder; `commit` makes them durable and renames, so a reader sees the old
/// file or the whole new one. Whatever fails, and when the value is dropped, the temporary file is removed. A path that
/// names a device or a pipe (`/dev/stdout`) has no old content to protect and is written directly.
public struct AtomicFile: ~Copyable {
  /// The name that the file gets, as the caller gave it.
  public let path: String
  private let finalPath: String
  private var temporaryPath: String?
  private var descriptor: Int32

  /// Opens a temporary file in the same folder, or the device itself.
  /// - Throws: `FileFailure`
  public init(_ path: String) throws(FileFailure) {
    // A symbolic link stays a link: what it points to is replaced.
    let finalPath = resolved(path) ?? path
    let temporaryPath: String?
    let descriptor: Int32
    switch kind(of: path) {
    case .folder: throw FileFailure(path, code: EISDIR)
    case .device:
      temporaryPath = nil
      descriptor = open(path, O_WRONLY | O_CLOEXEC)
    case .file, .none:
      let temporary = temporaryName(for: finalPath)
      temporaryPath = temporary
      descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    }
    guard descriptor >= 0 else { throw FileFailure(path, code: errno) }
    self.path = path
    self.finalPath = finalPath
    self.temporaryPath = temporaryPath
    self.descriptor = descriptor
  }

  /// Adds bytes at the end.
  /// - Throws: `FileFailure`
  public func write(_ bytes: [UInt8]) throws(FileFailure) {
    if let code = writeAll(bytes, to: descriptor) { throw FileFailure(path, code: code) }
  }

  /// Makes the content durable and gives it its name.
  public consuming func commit() throws(FileFailure) {
    guard let temporaryPath else { return }
    guard fsync(descriptor) == 0 else { throw FileFailure(path, code: errno) }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0, rename(temporaryPath, finalPath) == 0 else { throw FileFailure(path, code: errno) }
    self.temporaryPath = nil
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if let temporaryPath { unlink(temporaryPath) }
  }

  /// Writes a whole file in one go.
  public static func write(_ bytes: [UInt8], to path: String) throws(FileFailure) {
    let file = try AtomicFile(path)
    try file.write(bytes)
    try file.commit()
  }

  /// Writes a whole file, as UTF-8.
  /// - Throws: `FileFailure`; an older file is untouched then.
  public static func write(_ text: String, to path: String) throws(FileFailure) {
    try write(Array(text.utf8), to: path)
  }

  /// Gives a finished file its final name on the same file system; what had that name is replaced.
  public static func move(_ path: String, to destination: String) throws(FileFailure) {
    guard rename(path, destination) == 0 else { throw FileFailure(destination, code: errno) }
  }

  /// Creates a folder and those above it; one that exists is fine.
  public static func makeFolder(_ path: String) throws(FileFailure) {
    var prefix = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      prefix += part
      if mkdir(prefix, 0o777) != 0, errno != EEXIST { throw FileFailure(path, code: errno) }
      prefix += "/"
    }
    if !path.isEmpty, kind(of: path) != .folder { throw FileFailure(path, code: ENOTDIR) }
  }
}

enum FileKind { case none, file, folder, device }

func kind(of path: String) -> FileKind {
  var information = stat()
  guard stat(path, &information) == 0 else { return .none }
  return switch information.st_mode & S_IFMT {
  case S_IFDIR: .folder
  case S_IFREG: .file
  default: .device
  }
}

private func resolved(_ path: String) -> String? {
  guard let resolved = realpath(path, nil) else { return nil }
  defer { free(resolved) }
  return String(cString: resolved)
}

private let temporaryCount = Atomic(0)

/// A hidden name beside `path` that no other process or thread uses.
func temporaryName(for path: String) -> String {
  let number = temporaryCount.add(1, ordering: .relaxed).newValue
  return hiddenName(beside: path, "\(getpid())-\(number).partial")
}

/// A hidden name beside `path` that says whose it is, as far as a name of 255 bytes can.
public func hiddenName(beside path: String, _ suffix: String) -> String {
  let start = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
  var name = path[start...]
  while name.utf8.count + suffix.utf8.count > 253 { name.removeLast() }
  return "\(path[..<start]).\(name).\(suffix)"
}

/// The name that a temporary one stands for: `.a.csv.17-1.partial` is to become `a.csv`; nil for other names.
func finalName(ofTemporary name: String) -> String? {
  guard name.hasPrefix("."), name.hasSuffix(".partial") else { return nil }
  let stem = name.dropFirst().dropLast(".partial".count)
  return stem.lastIndex(of: ".").map { String(stem[..<$0]) }
}

/// Results, in one piece; a terminal obeys what it is sent, so it is sent nothing that is not seen.
func writeToStandardOutput(_ bytes: [UInt8]) throws(FileFailure) {
  let isTerminal = isatty(STDOUT_FILENO) == 1
  let shown = isTerminal ? Array(visible(String(decoding: bytes, as: UTF8.self), keepsLines: true).utf8) : bytes
  if let code = writeAll(shown, to: STDOUT_FILENO) { throw FileFailure("standard output", code: code) }
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
