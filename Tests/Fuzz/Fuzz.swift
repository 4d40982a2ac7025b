import ArgumentParser
import Foundation

/// Tries changed texts of every format that the program reads, in its libraries and in the built program.
@main
struct Fuzz: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "Fuzz",
    abstract: "Changes every kind of text that photon reads, and looks for bad outcomes.",
    discussion: """
      A bad outcome is a signal, no end in 20 s of processor time, more than 1.5 GB, an undocumented exit code, a refusal without a place, \
      output beside exit code 64, a file left behind, JSON that does not parse, rows of different widths, and another \
      answer to the same question. Inputs follow from the seed and their number alone: --only N tries one again and \
      prints it. Ends with 1 where there was a bad outcome.
      """)

  @Option(help: "Inputs to try.")
  var inputs = 1_000_000

  @Option(help: "Ends after so many seconds.")
  var seconds: Double?

  @Option(help: "Of the changes.")
  var seed: UInt64 = 1

  @Option(help: "The number of the first input.")
  var from = 0

  @Option(help: "Of so many inputs one goes through the built program.")
  var every = 200

  @Option(help: "Tries and prints one input.")
  var only: Int?

  @Flag(help: "Prints inputs as they are instead of making them shorter first.")
  var whole = false

  @Option(help: "The program; the one beside this by default.")
  var program: String?

  @Option(help: ArgumentHelp("The folder of who started this process.", visibility: .hidden))
  var folder: String?

  @Option(help: ArgumentHelp("A file to try instead of a number.", visibility: .hidden))
  var file: String?

  /// The checkout that this file belongs to.
  private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  private var binary: String {
    program.map { URL(filePath: $0).path } ?? URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
      .deletingLastPathComponent().path
      + "/photon"
  }

  func run() async throws {
    if let folder { return try await work(in: folder) }
    let workplace = try Workplace(repository: Self.repository, program: binary)
    defer { try? workplace.remove() }
    try await workplace.makeSeeds()
    let driver = try Driver(workplace, seed: seed, every: every)
    let numbers = only.map { $0..<$0 + 1 } ?? from..<from + inputs
    let isClean = try await driver.run(
      numbers, until: seconds.map { Date(timeIntervalSinceNow: $0) }, shrinks: only == nil && !whole)
    if let only, isClean { say(driver.text(of: only)) }
    if !isClean { throw ExitCode.failure }
  }

  /// What a process does that may die.
  private func work(in folder: String) async throws {
    guard FileManager.default.changeCurrentDirectoryPath(Self.repository) else {
      throw Failed(description: "\(Self.repository): no such folder")
    }
    let worker = try Worker(
      Workplace(repository: Self.repository, program: binary, folder: folder), seed: seed, every: every)
    if let file {
      guard let format = Format.allCases.first(where: { file.hasSuffix("try-" + $0.rawValue) }) else { return }
      return try await worker.run(
        Input(number: from, format: format, bytes: Seeds.bytes(file)), asks: from % every == 0)
    }
    let tally = try await worker.run(from..<from + inputs, until: seconds.map { Date(timeIntervalSinceNow: $0) })
    say(String(decoding: try JSONEncoder().encode(tally), as: UTF8.self))
  }
}

/// Prints a line at once: who reads along through a pipe sees a finding when it is made.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
