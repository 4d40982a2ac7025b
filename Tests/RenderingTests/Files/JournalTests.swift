import Foundation
import Quantities
import Rendering
import Testing

struct JournalTests {
  @Test(arguments: ["first\n\nthird", "first\r\n\r\nthird\r\n", "\u{FEFF}first\n\nthird\n", "first\r\n\nthird"])
  func `lines are the same with every end, and with none at the end of the text`(text: String) {
    #expect(TextLines(text).elementsEqual(["first", "", "third"]))
    #expect(TextLines(text).isEnded == (text.utf8.last == 10))
  }

  @Test func `an empty text has no line, a lone line break ends an empty one`() {
    #expect(TextLines("").isEmpty && !TextLines("").isEnded)
    #expect(TextLines("\n").elementsEqual([""]) && TextLines("a\rb").elementsEqual(["a\rb"]))
  }

  @Test func `a line that was cut within a character is kept beside the journal`() throws {
    try withFolder { folder in
      let path = folder + "/runs.jsonl"
      // The last line ends after the first of the two bytes of é.
      try Data(Array("first\nsecond\ncaf".utf8) + [0xC3]).write(to: URL(filePath: path))
      try JournalFile(path) { _, _ in true }.append("third")
      #expect(try content(path) == "first\nsecond\nthird\n")
      #expect(try content(path + ".unreadable") == "caf\u{FFFD}\n")
      try Data("first\nsecond\n{\"half".utf8).write(to: URL(filePath: path))
      _ = try JournalFile(path) { _, _ in true }
      #expect(try content(path) == "first\nsecond\n")
      #expect(try content(path + ".unreadable") == "caf\u{FFFD}\n{\"half\n")
    }
  }

  @Test(arguments: ["{\"a\": 1}\n{\"b\": 2}", "{\"a\": 1}\r\n{\"b\": 2}\r\n", "{\"a\": 1}\r\n{\"b\": 2}"])
  func `a journal with other line ends or without the last one loses nothing`(text: String) throws {
    try withFolder { folder in
      let path = folder + "/runs.jsonl"
      try Data(text.utf8).write(to: URL(filePath: path))
      var seen: [String] = []
      let journal = try JournalFile(path) { line, _ in
        seen.append(line)
        return true
      }
      try journal.append("{\"c\": 3}")
      #expect(seen == ["{\"a\": 1}", "{\"b\": 2}"])
      let lines = TextLines(try content(path)).map(String.init)
      #expect(lines == seen + ["{\"c\": 3}"])
      #expect(try names(folder) == ["runs.jsonl"])
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
}
