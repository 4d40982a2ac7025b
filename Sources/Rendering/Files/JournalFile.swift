import Foundation

/// A text file that grows by whole lines and belongs to one process at a time.
public final class JournalFile {
  /// The file that lines are added to.
  public let path: String
  private let descriptor: Int32

  /// Opens the file with the lines of it that are kept; a last line without an end, which a killed process left, goes.
  /// - Parameters:
  ///   - path: the file, which need not exist.
  ///   - isKept: asked about each line and its number, from 1; where it throws, the file stays as it was.
  /// - Throws: `FileFailure`, and what `isKept` throws.
  public init(_ path: String, keeping isKept: (_ line: String, _ number: Int) throws -> Bool) throws {
    self.path = path
    // A process may have been killed within a character: the line that it is in has no end, and goes.
    let old = String(decoding: try Self.content(of: path), as: UTF8.self)
    let whole = old.lastIndex(of: "\n").map { old[...$0] } ?? ""
    var text = ""
    for (index, line) in whole.split(separator: "\n", omittingEmptySubsequences: false).enumerated() where !line.isEmpty
    {
      if try isKept(String(line), index + 1) { text += line + "\n" }
    }
    if text != old { try AtomicFile.write(text, to: path) }
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileFailure(path, code: errno) }
  }

  deinit { close(descriptor) }

  /// What is there; nothing where there is no file, or a pipe, which has no lines to keep and may never end.
  private static func content(of path: String) throws(FileFailure) -> Data {
    guard kind(of: path) != .device else { return Data() }
    guard access(path, R_OK) == 0 else {
      if errno == ENOENT { return Data() }
      throw FileFailure(path, code: errno)
    }
    // What is there and cannot be read, a folder for example, is no empty journal.
    guard let read = FileManager.default.contents(atPath: path) else {
      throw FileFailure(path, code: kind(of: path) == .folder ? EISDIR : EIO)
    }
    return read
  }

  /// - Throws: `FileFailure`
  public func append(_ line: String) throws(FileFailure) {
    if let code = writeAll(Array((line + "\n").utf8), to: descriptor) { throw FileFailure(path, code: code) }
  }
}

/// The right of one process to write into a folder; it ends with the process, however that ends.
public final class FolderLock {
  private let descriptor: Int32

  /// - Returns: `nil` where another process has it.
  /// - Throws: `FileFailure` where nobody can write there.
  public init?(_ folder: String) throws(FileFailure) {
    let path = folder + "/.lock"
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileFailure(path, code: errno) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return nil }
  }

  deinit { close(descriptor) }
}
