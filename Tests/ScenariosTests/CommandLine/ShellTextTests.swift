import Foundation
import Scenarios
import Testing

struct ShellTextTests {
  @Test(
    arguments: [
      ("it's", #"'it'\''s'"#), ("'", #"''\'''"#), ("two words", "'two words'"),
      ("$HOME `ls` $(ls)", "'$HOME `ls` $(ls)'"),
      ("", "''"), ("a\nb", #"$'a\nb'"#), ("\u{1B}1'\\\u{202E}", #"$'\0331\'\\\342\200\256'"#), ("~/x*", "'~/x*'"),
      ("model.levels[1].chunk=8", "'model.levels[1].chunk=8'"),
      ("train.steps=976", "train.steps=976"), ("../a_b-c/d.yaml", "../a_b-c/d.yaml"),
    ])
  func `a shell reads a quoted word as the word`(word: String, quoted: String) throws {
    #expect(shellQuoted(word) == quoted)
    let shell = Process()
    let output = Pipe()
    shell.executableURL = URL(filePath: "/bin/bash")
    shell.arguments = ["-c", "printf '%s.' \(quoted)"]
    shell.standardOutput = output
    try shell.run()
    let read = try output.fileHandleForReading.readToEnd()
    shell.waitUntilExit()
    // One argument, so one full stop.
    #expect(read.map { String(decoding: $0, as: UTF8.self) } == word + ".")
  }
}
