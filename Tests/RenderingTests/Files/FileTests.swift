import Foundation
import Rendering
import TestFolders
import Testing

/// A folder of its own for one test, removed at the end.
func withFolder(_ body: (String) throws -> Void) throws {
  let folder = TestFolders.newPath()
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try body(folder)
}

func names(_ folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

func content(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

@Test func `an atomic write replaces the whole file and leaves no other`() throws {
  try withFolder { folder in
    try AtomicFile.write("first, and longer", to: folder + "/a.md")
    try AtomicFile.write("second", to: folder + "/a.md")
    #expect(try content(folder + "/a.md") == "second")
    #expect(try names(folder) == ["a.md"])
  }
}

@Test func `until it is committed a file keeps its old content, and dropping it leaves nothing`() throws {
  try withFolder { folder in
    try AtomicFile.write("old", to: folder + "/a.md")
    do {
      let file = try AtomicFile(folder + "/a.md")
      try file.write(Array("new".utf8))
      #expect(try content(folder + "/a.md") == "old")
      #expect(try names(folder).count == 2)
    }
    #expect(try content(folder + "/a.md") == "old")
    #expect(try names(folder) == ["a.md"])
  }
}

@Test func `a symbolic link stays a link to the file that is replaced`() throws {
  try withFolder { folder in
    try AtomicFile.write("old", to: folder + "/target")
    try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "target")
    try AtomicFile.write("new", to: folder + "/link")
    #expect(try content(folder + "/target") == "new")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/link") == "target")
  }
}

@Test func `a path that cannot be written says why and leaves nothing`() throws {
  try withFolder { folder in
    try AtomicFile.write("a file", to: folder + "/file")
    let expected: [(path: String, reason: FileFailure.Reason, because: String)] = [
      (folder + "/file/a.md", .notAFolder, "a part of the path is a file, not a folder"),
      (folder + "/none/a.md", .noSuchFolder, "the folder does not exist"),
      (folder, .isAFolder, "it is a folder"),
    ]
    for (path, reason, because) in expected {
      let failure = #expect(throws: FileFailure.self) { try AtomicFile.write("text", to: path) }
      #expect(failure?.reason == reason)
      #expect(failure?.description == "cannot write \(path): \(because)")
    }
    #expect(try names(folder) == ["file"])
  }
}

@Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
func `a full disk is an error`() {
  let failure = #expect(throws: FileFailure.self) { try AtomicFile.write("text", to: "/dev/full") }
  #expect(failure?.description == "cannot write /dev/full: the disk is full")
}

@Test func `a device is written to and not replaced`() throws {
  try AtomicFile.write("text", to: "/dev/null")
  #expect(
    try FileManager.default.attributesOfItem(atPath: "/dev/null")[.type] as? FileAttributeType == .typeCharacterSpecial)
}

@Test func `folders are made down to the last one, and a file in between is an error`() throws {
  try withFolder { folder in
    try AtomicFile.makeFolder(folder + "/a/b/c")
    try AtomicFile.makeFolder(folder + "/a/b/c")
    try AtomicFile.write("text", to: folder + "/a/b/c/d")
    let failure = #expect(throws: FileFailure.self) { try AtomicFile.makeFolder(folder + "/a/b/c/d/e") }
    #expect(failure?.reason == .notAFolder)
  }
}

// MARK: - Temporary names, links and permissions

/// What `stat` says of a path itself.
private func information(_ path: String) -> stat {
  var information = stat()
  lstat(path, &information)
  return information
}

@Test func `a link to nothing stays a link, and what it leads to is made`() throws {
  try withFolder { folder in
    try FileManager.default.createSymbolicLink(atPath: folder + "/first", withDestinationPath: "second")
    try FileManager.default.createSymbolicLink(atPath: folder + "/second", withDestinationPath: folder + "/target")
    try AtomicFile.write("new", to: folder + "/first")
    #expect(try content(folder + "/target") == "new" && names(folder) == ["first", "second", "target"])
    #expect(information(folder + "/first").st_mode & S_IFMT == S_IFLNK)
    try FileManager.default.createSymbolicLink(atPath: folder + "/reports", withDestinationPath: "elsewhere")
    try AtomicFile.makeFolder(folder + "/reports/one")
    #expect(FileManager.default.fileExists(atPath: folder + "/elsewhere/one"))
    try FileManager.default.createSymbolicLink(atPath: folder + "/round", withDestinationPath: "round")
    let failure = #expect(throws: FileFailure.self) { try AtomicFile.write("new", to: folder + "/round") }
    #expect(failure?.code == ELOOP)
  }
}

@Test func `a file that is rewritten keeps its permissions and its owner`() throws {
  try withFolder { folder in
    let path = folder + "/private.yaml"
    try AtomicFile.write("old", to: path)
    for mode: mode_t in [0o600, 0o640, 0o444] {
      chmod(path, mode)
      // Only root can give a file away.
      if geteuid() == 0 { chown(path, 1234, 2345) }
      let before = information(path)
      try AtomicFile.write("new", to: path)
      let after = information(path)
      #expect(after.st_mode & 0o777 == mode && after.st_ino != before.st_ino)
      #expect((after.st_uid, after.st_gid) == (before.st_uid, before.st_gid))
    }
  }
}

@Test func `what dead processes left is removed, what living ones write is not, and neither forbids writing`() throws {
  try withFolder { folder in
    let dead = folder + "/.a.md.0123456789abcdef.partial"
    let others = [".a.md.partial", ".b.md.0123456789abcdef.partial", ".a.md.0123456789abcdeg.partial", "a.md.partial"]
    for path in [dead] + others.map({ folder + "/" + $0 }) {
      try "half".write(toFile: path, atomically: false, encoding: .utf8)
    }
    let living = try AtomicFile(folder + "/a.md")
    try living.write(Array("first".utf8))
    try AtomicFile.write("second", to: folder + "/a.md")
    #expect(!FileManager.default.fileExists(atPath: dead))
    try living.commit()
    #expect(try content(folder + "/a.md") == "first" && names(folder) == (others + ["a.md"]).sorted())
  }
}

@Test func `temporary names are different and fit beside the longest name`() throws {
  try withFolder { folder in
    for name in [String(repeating: "n", count: 250), String(repeating: "é", count: 127)] {
      let files = try (0..<100).map { _ in try AtomicFile(folder + "/" + name) }
      #expect(try names(folder).count { $0.hasPrefix(".") } == files.count)
      try AtomicFile.write("text", to: folder + "/" + name)
      _ = try WriteClaim(file: folder + "/" + name)
    }
    #expect(try names(folder).count == 2)
  }
}

@Test func `files that belong together appear together or not at all`() throws {
  try withFolder { folder in
    try AtomicFile.write("old", to: folder + "/a")
    try AtomicFile.makeFolder(folder + "/b")
    #expect(throws: FileFailure.self) { try AtomicFile.write([(folder + "/a", [1]), (folder + "/b", [2])]) }
    #expect(try content(folder + "/a") == "old" && names(folder) == ["a", "b"])
  }
}

// MARK: - Claims

@Test func `a folder or a file has one writer at a time, and who comes second learns who is first`() throws {
  try withFolder { folder in
    for make in [{ try WriteClaim(folder: folder) }, { try WriteClaim(file: folder + "/rows.csv") }] {
      var claim: WriteClaim? = try make()
      let failure = #expect(throws: FileFailure.self) { try make() }
      #expect(failure?.description.contains("process \(getpid()) on ") == true)
      #expect(failure?.description.hasSuffix(" writes there") == true)
      claim = nil
      _ = try make()
      #expect(claim == nil)
      #expect(try names(folder) == [])
    }
  }
}

@Test func `a lock that a killed process left is nobody's`() throws {
  try withFolder { folder in
    try "process 1".write(toFile: folder + "/.lock", atomically: false, encoding: .utf8)
    _ = try WriteClaim(folder: folder)
    #expect(try names(folder) == [])
  }
}

@Test func `folders that a claim made go with it as far as nothing came into them`() throws {
  try withFolder { folder in
    _ = try WriteClaim(folder: folder + "/a/b")
    #expect(try names(folder) == [])
    do {
      let claim = try WriteClaim(folder: folder + "/a/b")
      try AtomicFile.write("text", to: folder + "/a/kept")
      withExtendedLifetime(claim) {}
    }
    #expect(try names(folder) == ["a"] && names(folder + "/a") == ["kept"])
  }
}

// MARK: - Streams

private let schema = RowSchema(["chunk", "row"])

private func chunk(_ index: Int, rows: Int, _ builder: inout RowBuilder) -> RowChunk {
  for row in 0..<rows {
    builder.append(index)
    builder.append(row)
    builder.endRow()
  }
  return builder.takeChunk()
}

private func expectedRows(chunks: Int, rows: Int) -> String {
  "chunk,row\n" + (0..<chunks).map { index in (0..<rows).map { "\(index),\($0)\n" }.joined() }.joined()
}

@Test func `chunks land in the order of their indices whoever comes first`() throws {
  try withFolder { folder in
    let writer = try RowWriter(schema, .csv, to: .file(folder + "/rows.csv"))
    var builder = RowBuilder(schema, .csv)
    for index in [3, 1, 0, 2, 5, 4] { try writer.write(chunk(index, rows: 4, &builder), at: index) }
    #expect(try writer.finish() == 24)
    #expect(try content(folder + "/rows.csv") == expectedRows(chunks: 6, rows: 4))
  }
}

@Test(arguments: [1, 2, 7])
func `the file does not depend on the number of threads`(threads: Int) throws {
  try withFolder { folder in
    let writer = try RowWriter(schema, .csv, to: .file(folder + "/rows.csv"))
    let taken = try forEachChunk(count: 50, threads: threads, worker: { RowBuilder(schema, .csv) }) { index, builder in
      try writer.write(chunk(index, rows: 11, &builder), at: index)
    }
    #expect(taken == 50)
    #expect(try writer.finish() == 550)
    #expect(try content(folder + "/rows.csv") == expectedRows(chunks: 50, rows: 11))
  }
}

@Test func `an interrupted stream leaves whole rows and says how many`() throws {
  try withFolder { folder in
    let path = folder + "/rows.csv"
    let stop = InterruptFlag()
    let writer = try RowWriter(schema, .csv, to: .file(path))
    let taken = try forEachChunk(
      count: 1_000_000, threads: 3, isStopped: { stop.isRaised }, worker: { RowBuilder(schema, .csv) }
    ) { index, builder in
      try writer.write(chunk(index, rows: 5, &builder), at: index)
      if index == 20 { kill(getpid(), SIGINT) }
    }
    #expect((21..<1_000_000).contains(taken))
    #expect(try names(folder).contains("rows.csv") == false)
    #expect(try writer.finish() == taken * 5)
    #expect(try content(path) == expectedRows(chunks: taken, rows: 5))
    #expect(try names(folder) == ["rows.csv"])
  }
}

@Test func `rows after a gap are dropped, so a file is always a prefix`() throws {
  try withFolder { folder in
    let writer = try RowWriter(schema, .csv, to: .file(folder + "/rows.csv"))
    var builder = RowBuilder(schema, .csv)
    for index in [0, 2, 3] { try writer.write(chunk(index, rows: 2, &builder), at: index) }
    #expect(try writer.finish() == 2)
    #expect(try content(folder + "/rows.csv") == expectedRows(chunks: 1, rows: 2))
  }
}

@Test func `a failing chunk stops the work, and its error comes out`() throws {
  struct Refused: Error {}
  #expect(throws: Refused.self) {
    try forEachChunk(count: 1_000_000, threads: 2, worker: { 0 }) { index, _ in
      if index >= 5 { throw Refused() }
    }
  }
}

@Test func `a stream that is never finished leaves no file`() throws {
  try withFolder { folder in
    do {
      let writer = try RowWriter(schema, .jsonLines, to: .file(folder + "/rows.jsonl"))
      var builder = RowBuilder(schema, .jsonLines)
      try writer.write(chunk(0, rows: 2, &builder), at: 0)
    }
    #expect(try names(folder) == [])
  }
}
