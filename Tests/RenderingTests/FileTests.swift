import Foundation
import Rendering
import Testing

/// A folder of its own for one test, removed at the end.
private func withFolder(_ body: (String) throws -> Void) throws {
  let folder = NSTemporaryDirectory() + "photon-" + UUID().uuidString
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try body(folder)
}

private func names(_ folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

private func content(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

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

@Test func `a journal keeps its whole lines where a process was killed within a character`() throws {
  try withFolder { folder in
    let path = folder + "/runs.jsonl"
    // The last line ends after the first of the two bytes of é.
    try Data(Array("first\nsecond\ncaf".utf8) + [0xC3]).write(to: URL(filePath: path))
    try JournalFile(path) { _, _ in true }.append("third")
    #expect(try content(path) == "first\nsecond\nthird\n")
  }
}

@Test func `a journal that cannot be read is a failure, not an empty journal`() throws {
  try withFolder { folder in
    try AtomicFile.write("not a folder", to: folder + "/a.md")
    #expect(throws: FileFailure.self) { try JournalFile(folder + "/a.md/runs.jsonl") { _, _ in true } }
  }
}

@Test func `a journal whose reader refuses a line stays as it was`() throws {
  struct Refused: Error, Equatable { let line: Int }
  try withFolder { folder in
    let path = folder + "/runs.jsonl"
    try AtomicFile.write("first\n\nsecond\n", to: path)
    #expect(throws: Refused(line: 3)) {
      try JournalFile(path) { line, number in
        if line == "second" { throw Refused(line: number) }
        return false
      }
    }
    #expect(try content(path) == "first\n\nsecond\n")
  }
}
