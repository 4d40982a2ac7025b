import Foundation

/// A folder that appears under its name only when all its files are complete and durable.
public enum AtomicFolder {
  /// Writes the files into a hidden folder beside `path`, makes them durable and renames it.
  ///
  /// Whatever fails, nothing of it stays; a process that is killed leaves a hidden folder that `removeLeftovers` finds.
  /// - Precondition: nothing has the name yet.
  /// - Throws: `FileFailure`
  public static func write(_ files: [(name: String, content: Data)], to path: String) throws(FileFailure) {
    var temporary = temporaryName(for: path)
    while mkdir(temporary, 0o777) != 0 {
      guard errno == EEXIST else { throw FileFailure(path, code: errno) }
      temporary = temporaryName(for: path)
    }
    do throws(FileFailure) {
      for file in files { try write(file.content, to: temporary + "/" + file.name, shownAs: path + "/" + file.name) }
      try synchronise(temporary)
      guard rename(temporary, path) == 0 else { throw FileFailure(path, code: errno) }
    } catch {
      // What went wrong first is what a person needs to know.
      try? FileManager.default.removeItem(atPath: temporary)
      throw error
    }
    try synchronise(parentFolder(of: path))
  }

  /// Removes a folder: its name goes before its files do, so that a process that is killed leaves no half of it there.
  public static func remove(_ path: String) {
    let temporary = temporaryName(for: path)
    guard rename(path, temporary) == 0 else { return }
    // What stays only takes space; `removeLeftovers` tries again.
    try? FileManager.default.removeItem(atPath: temporary)
  }

  /// Removes what earlier processes were killed over as they wrote or removed it.
  /// - Parameters:
  ///   - folder: where to look.
  ///   - isOwn: whether a file or folder of that name is the caller's to write.
  public static func removeLeftovers(in folder: String, of isOwn: (String) -> Bool) {
    // Hidden files that stay only take space.
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
      guard let final = finalName(ofTemporary: name), isOwn(final) else { continue }
      // As above.
      try? FileManager.default.removeItem(atPath: folder + "/" + name)
    }
  }

  private static func write(_ content: Data, to path: String, shownAs name: String) throws(FileFailure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileFailure(name, code: errno) }
    defer { close(descriptor) }
    if let code = content.withUnsafeBytes({ writeAll($0, to: descriptor) }) { throw FileFailure(name, code: code) }
    guard fsync(descriptor) == 0 else { throw FileFailure(name, code: errno) }
  }

  /// Makes the names in a folder durable.
  private static func synchronise(_ folder: String) throws(FileFailure) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileFailure(folder, code: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw FileFailure(folder, code: errno) }
  }
}
