import Foundation
import Synchronization

/// A bad outcome of an input.
struct Finding: Codable {
  let number: Int
  let format: String
  let problem: String

  /// The same for outcomes that differ in numbers, quoted words and details alone.
  var kind: String {
    if let death = problem.firstMatch(of: #/signal [0-9]+ at \S+/#) { return String(death.0) }
    let words = problem.contains("another answer") || problem.contains("character") ? 30 : 100
    return format + ": " + problem.prefix(words).replacing(#/"[^"\n]*"|[0-9]+/#, with: "#")
  }
}

/// Tries inputs one after another in a process that may die of them: who started it reads in a file how far it came.
final class Worker {
  private let workplace: Workplace
  private lazy var seeds = Result { try Seeds(workplace.repository, made: workplace.folder) }
  private let reader: Reader
  private let seed: UInt64
  private let every: Int
  private let watch: Watch

  /// - Parameter every: of so many inputs one goes through the program.
  init(_ workplace: Workplace, seed: UInt64, every: Int) throws {
    (self.workplace, self.seed, self.every) = (workplace, seed, every)
    reader = try Reader(workplace.repository, folder: workplace.folder)
    watch = try Watch(workplace.folder)
  }

  /// The numbers of a batch, until a time if there is one.
  /// - Returns: how many inputs were answered and how many were refused, and how many went through the program.
  func run(_ numbers: Range<Int>, until end: Date?) async throws -> Tally {
    var tally = Tally()
    let seeds = try seeds.get()
    for number in numbers {
      if let end, Date() > end { break }
      watch.begin(number)
      let input = seeds.input(seed: seed, number: number)
      var problems = input.format.isReadHere ? problems(of: input, &tally) : []
      if number % every == 0 {
        var random = Seeded(seed: ~seed, number: number)
        problems += try await Asker(workplace: workplace, beat: watch.beat).problems(of: input, &random)
        tally.asked += 1
      }
      tally.inputs += 1
      for problem in problems {
        report(Finding(number: number, format: input.format.rawValue, problem: problem))
      }
    }
    watch.begin(numbers.upperBound)
    return tally
  }

  /// One input that somebody made.
  func run(_ input: Input, asks: Bool) async throws {
    watch.begin(input.number)
    var tally = Tally()
    var problems = input.format.isReadHere ? problems(of: input, &tally) : []
    if asks {
      var random = Seeded(seed: ~seed, number: input.number)
      problems += try await Asker(workplace: workplace, beat: watch.beat).problems(of: input, &random)
    }
    for problem in problems {
      report(Finding(number: input.number, format: input.format.rawValue, problem: problem))
    }
  }

  private func report(_ finding: Finding) {
    say(String(decoding: try! JSONEncoder().encode(finding), as: UTF8.self))
  }

  /// What is wrong with the ways in which the libraries answer.
  private func problems(of input: Input, _ tally: inout Tally) -> [String] {
    do {
      let first = try reader.read(input.format, input.bytes)
      switch first {
      case .answer: tally.answered += 1
      case .refusal(let text):
        tally.refused += 1
        // Libraries do not know the file of what they are handed as bytes.
        let place = text.hasPrefix("error: ") ? nil : input.place
        if let problem = Laws.problem(of: text, place: place) { return ["\(problem): \(text.prefix(300))"] }
      }
      // One of three laws for each input: that is enough of a million.
      let (name, other) = Self.equal(to: input.bytes, input.number)
      let second = try reader.read(input.format, other)
      switch (first, second) {
      case (.answer(let one), .answer(let two)) where one == two: return []
      // Places and quoted words may differ where line ends do.
      case (.refusal, .refusal) where first == second || other != input.bytes: return []
      // In a journal a broken line without an end is one that a killed process left.
      case (.refusal, .answer) where other.count < input.bytes.count && input.format.isJournal: return []
      default: return ["another answer \(name): \(Self.difference(first, second))"]
      }
    } catch {
      return ["\(error)"]
    }
  }

  /// The same text again, or with other line ends.
  private static func equal(to bytes: [UInt8], _ number: Int) -> (String, [UInt8]) {
    let (newline, carriage) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
    // Numbers are no lines, blocks of text keep their last line break, and a break of another kind is another line.
    let foreign = [0, carriage, UInt8(ascii: "|"), UInt8(ascii: ">")]
    let isPlain = bytes.contains(newline) && !bytes.contains(where: foreign.contains)
    switch number % 3 {
    case 1 where isPlain: return ("with CRLF", bytes.flatMap { $0 == newline ? [carriage, newline] : [$0] })
    case 2 where isPlain && bytes.last == newline: return ("without a last line break", bytes.dropLast())
    default: return ("the second time", bytes)
    }
  }

  private static func difference(_ first: Reading, _ second: Reading) -> String {
    switch (first, second) {
    case (.answer(let one), .answer(let two)):
      let common = zip(one, two).prefix { $0 == $1 }.count
      return "\(one.dropFirst(max(0, common - 40)).prefix(80)) became \(two.dropFirst(max(0, common - 40)).prefix(80))"
    case (.answer, .refusal(let text)): return "refused: \(text.prefix(200))"
    case (.refusal(let text), _): return "answered, but without the change: \(text.prefix(200))"
    }
  }
}

/// How many inputs a batch had, and what became of them.
struct Tally: Codable {
  var inputs = 0, answered = 0, refused = 0, asked = 0

  static func + (left: Tally, right: Tally) -> Tally {
    Tally(
      inputs: left.inputs + right.inputs, answered: left.answered + right.answered,
      refused: left.refused + right.refused, asked: left.asked + right.asked)
  }
}

/// Says in a file which input is being tried, and ends the process where one has no end.
final class Watch: Sendable {
  private let descriptor: Int32
  private let beats = Atomic(0)

  /// The exit code of a process that was ended.
  static let code: Int32 = 99

  init(_ folder: String) throws {
    descriptor = open(folder + "/at", O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Failed(description: "\(folder)/at cannot be written") }
    Thread.detachNewThread { [self] in
      var (seen, age, start) = (-1, 0, clock())
      while true {
        sleep(1)
        let now = beats.load(ordering: .relaxed)
        (age, start) = now == seen ? (age + 1, start) : (0, clock())
        seen = now
        // This process has the limit for itself, and so has a command that it asks.
        let isBusy = (clock() - start) / Int(CLOCKS_PER_SEC) > Workplace.timeLimit
        if isBusy || age > Workplace.patience * Workplace.timeLimit + 5 { _exit(Watch.code) }
      }
    }
  }

  func beat() { beats.add(1, ordering: .relaxed) }

  func begin(_ number: Int) {
    beat()
    var value = Int64(number)
    pwrite(descriptor, &value, 8, 0)
  }

  /// The input that a process was at.
  static func number(in folder: String) throws -> Int {
    let bytes = try Seeds.bytes(folder + "/at")
    return bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}
