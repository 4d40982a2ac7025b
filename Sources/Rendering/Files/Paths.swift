import Foundation

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

enum FileKind { case none, file, folder, device }

/// What a path leads to, links followed.
func kind(of path: String) -> FileKind {
  var information = stat()
  guard stat(path, &information) == 0 else { return .none }
  return switch information.st_mode & S_IFMT {
  case S_IFDIR: .folder
  case S_IFREG: .file
  default: .device
  }
}

/// The folder that a path lies in, as the path says it.
public func parentFolder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// A name in a folder.
func path(_ name: String, in folder: String) -> String { folder.hasSuffix("/") ? folder + name : folder + "/" + name }

/// Where a path leads when the links that it ends in are followed, whether or not anything is there.
/// - Throws: `FileFailure` where links go round in a circle.
func followed(_ path: String) throws(FileFailure) -> String {
  var target = path
  // As many as Linux follows.
  for _ in 0..<40 {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink(target, &buffer, Int(PATH_MAX))
    guard count >= 0 else { return target }
    let next = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    target = next.hasPrefix("/") ? next : Rendering.path(next, in: parentFolder(of: target))
  }
  throw FileFailure(path, code: ELOOP)
}

// MARK: - Temporary names

/// A hidden name beside `path` that says whose it is, as far as a name of 255 bytes can.
func hiddenName(beside path: String, _ suffix: String) -> String {
  let start = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
  var name = path[start...]
  while name.utf8.count + suffix.utf8.count > 253 { name.removeLast() }
  return "\(path[..<start]).\(name).\(suffix)"
}

/// A hidden name beside `path`: `.sweep.csv.9f3c05d1a2b4e687.partial`.
///
/// Its 64 random bits differ between processes whose numbers are equal, as in containers; who makes a file of the name asks
/// the system whether it is new.
func temporaryName(for path: String) -> String {
  let digits = String(UInt64.random(in: UInt64.min...UInt64.max), radix: 16)
  let random = String(repeating: "0", count: 16 - digits.count) + digits
  return hiddenName(beside: path, random + ".partial")
}

/// The name that a temporary one stands for: `.a.csv.17-1.partial` is to become `a.csv`; nil for other names.
func finalName(ofTemporary name: String) -> String? {
  guard name.hasPrefix("."), name.hasSuffix(".partial") else { return nil }
  let stem = name.dropFirst().dropLast(".partial".count)
  return stem.lastIndex(of: ".").map { String(stem[..<$0]) }
}

/// Opens a new hidden file beside `path`, locked while it is open: that tells it from what dead processes left, which is
/// removed.
/// - Throws: `FileFailure` with the path.
func openTemporary(for path: String, mode: mode_t) throws(FileFailure) -> (descriptor: Int32, path: String) {
  removeDead(of: path)
  while true {
    let temporary = temporaryName(for: path)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    if descriptor < 0, errno == EEXIST { continue }
    guard descriptor >= 0 else { throw FileFailure(path, code: errno) }
    // Where a file system knows no locks nobody removes what they cannot lock.
    while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
    if isLinked(descriptor) { return (descriptor, temporary) }
    // Another process has found it before it was locked.
    close(descriptor)
  }
}

/// A text to be read from its beginning. The file has no name any more, so that nothing is left, whatever happens.
/// - Throws: `FileFailure` where no temporary file can be written.
func unnamedFile(_ text: String) throws(FileFailure) -> FileDescriptor {
  let name = temporaryName(for: path("photon", in: FileManager.default.temporaryDirectory.path))
  let descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
  guard descriptor >= 0 else { throw FileFailure(name, code: errno) }
  unlink(name)
  if let code = writeAll(Array(text.utf8), to: descriptor) {
    close(descriptor)
    throw FileFailure(name, code: code)
  }
  lseek(descriptor, 0, SEEK_SET)
  return FileDescriptor(rawValue: descriptor)
}

/// Whether an open file still has a name.
func isLinked(_ descriptor: Int32) -> Bool {
  var information = stat()
  return fstat(descriptor, &information) != 0 || information.st_nlink > 0
}

/// Removes temporary files of a path whose processes have died.
private func removeDead(of path: String) {
  let folder = parentFolder(of: path)
  let ownName = temporaryName(for: path).split(separator: "/").last!
  let prefix = ownName.dropLast(16 + ".partial".count)
  // What is left only takes space.
  for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasPrefix(prefix) {
    let rest = name.dropFirst(prefix.count)
    guard rest.hasSuffix(".partial"), rest.count == 24, rest.prefix(16).allSatisfy(\.isHexDigit) else { continue }
    let descriptor = open(Rendering.path(name, in: folder), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { continue }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(Rendering.path(name, in: folder)) }
    close(descriptor)
  }
}
