import Foundation
import Quantities

/// A text file that grows by whole lines and belongs to one process at a time.
public final class JournalFile {
  /// The file that lines are added to.
  public let path: String
  private let descriptor: Int32

  /// Opens the file with the lines of it that are kept. A last line without an end is a line like others if it is a JSON
  /// object. Else a killed process or a full disk has cut it: it is kept in a file of its own, `NAME.unreadable`, and a word
  /// on standard error says so.
  /// - Parameters:
  ///   - path: the file, which need not exist.
  ///   - isKept: asked about each line and its number, from 1; where it throws, the file stays as it was.
  /// - Throws: `FileFailure`, and what `isKept` throws.
  public init(_ path: String, keeping isKept: (_ line: String, _ number: Int) throws -> Bool) throws {
    self.path = path
    // A process may have been killed within a character: the line that it is in has no end.
    let old = TextLines(String(decoding: try Self.content(of: path), as: UTF8.self))
    let isCut = old.last.map { !old.isEnded && !Self.isObject($0) } ?? false
    var kept: [String] = []
    var isChanged = !old.isEmpty && !old.isEnded
    for (index, line) in old.dropLast(isCut ? 1 : 0).enumerated() where !line.isEmpty {
      if try isKept(String(line), index + 1) { kept.append(String(line)) } else { isChanged = true }
    }
    if isCut { try Self.setAside(old.last!, number: old.count, of: path) }
    if isChanged { try AtomicFile.write(kept.map { $0 + "\n" }.joined(), to: path) }
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileFailure(path, code: errno) }
  }

  /// A beginning of an object is none.
  private static func isObject(_ line: Substring) -> Bool {
    // Whatever is wrong with it.
    (try? JSONSerialization.jsonObject(with: Data(line.utf8))) is [String: Any]
  }

  private static func setAside(_ line: Substring, number: Int, of path: String) throws(FileFailure) {
    let place = path + ".unreadable"
    let before = try content(of: place)
    try AtomicFile.write(Array(before) + Array((line + "\n").utf8), to: place)
    printError("\(path):\(number): the line has no end and no whole record; kept in \(place)")
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
