import Foundation

/// Hands numbers of inputs to processes that may die of them, and collects what they say.
final class Driver {
  private let workplace: Workplace
  private let seeds: Seeds
  private let seed: UInt64
  private let every: Int
  private var seen: [String: Int] = [:]
  private var tally = Tally()

  /// Inputs of a process: a new one now and then bounds what it may keep.
  private static let batch = 10_000

  init(_ workplace: Workplace, seed: UInt64, every: Int) throws {
    (self.workplace, self.seed, self.every) = (workplace, seed, every)
    seeds = try Seeds(workplace.repository, made: workplace.folder)
  }

  /// An input for a person.
  func text(of number: Int) -> String {
    let input = seeds.input(seed: seed, number: number)
    return "\(number), \(input.format.rawValue):\n\(input.text ?? "\(input.bytes)")"
  }

  /// - Returns: whether there was no bad outcome.
  func run(_ numbers: Range<Int>, until end: Date?, shrinks: Bool) async throws -> Bool {
    say("seed \(seed), inputs from \(numbers.lowerBound)")
    let start = Date()
    var next = numbers.lowerBound
    while next < numbers.upperBound, end.map({ $0 > Date() }) ?? true {
      let count = min(Self.batch, numbers.upperBound - next)
      let rest = end.map { ["--seconds", "\($0.timeIntervalSinceNow)"] } ?? []
      let outcome = try await work(["--from", "\(next)", "--inputs", "\(count)"] + rest)
      let (findings, batch) = Self.results(outcome)
      for finding in findings { try await report(finding, shrinks) }
      let reached = try Watch.number(in: workplace.folder)
      if let batch {
        tally = tally + batch
        next += count
      } else {
        tally.inputs += reached - next + 1
        try await report(death(outcome, reached), shrinks)
        next = reached + 1
      }
      say("\(tally.inputs) inputs, \(seen.count) kinds of bad outcomes, \(Int(Date().timeIntervalSince(start))) s")
    }
    say(
      "\(tally.inputs) inputs: \(tally.answered) answered, \(tally.refused) refused, \(tally.asked) asked of the program; "
        + "\(seen.values.reduce(0, +)) bad outcomes of \(seen.count) kinds in \(Int(Date().timeIntervalSince(start))) s"
    )
    for (kind, count) in seen.sorted(by: { $0.value > $1.value }) { say("\(count) × \(kind)") }
    return seen.isEmpty
  }

  /// A process whose time is measured by itself.
  private func work(_ arguments: [String]) async throws -> Outcome {
    let own = CommandLine.arguments[0]
    let fixed = [
      "--folder", workplace.folder, "--program", workplace.program, "--seed", "\(seed)", "--every", "\(every)",
    ]
    return try await workplace.run(URL(filePath: own).path, fixed + arguments, limit: 86_400)
  }

  private static func results(_ outcome: Outcome) -> ([Finding], Tally?) {
    var (findings, tally): ([Finding], Tally?) = ([], nil)
    for line in outcome.output.split(separator: "\n") {
      let data = Data(line.utf8)
      if let finding = try? JSONDecoder().decode(Finding.self, from: data) {
        findings.append(finding)
      } else {
        tally = try? JSONDecoder().decode(Tally.self, from: data)
      }
    }
    return (findings, tally)
  }

  private func death(_ outcome: Outcome, _ number: Int) -> Finding {
    let format = seeds.input(seed: seed, number: number).format
    let cause = outcome.death ?? "the process ended with \(outcome.code): \(outcome.error.suffix(300))"
    return Finding(number: number, format: format.rawValue, problem: cause)
  }

  private func report(_ finding: Finding, _ shrinks: Bool) async throws {
    seen[finding.kind, default: 0] += 1
    guard seen[finding.kind] == 1 else { return }
    say("\n✘ --seed \(seed) --only \(finding.number), \(finding.format): \(finding.problem)")
    let whole = seeds.input(seed: seed, number: finding.number)
    let input = shrinks ? try await shrunk(whole, finding) : whole
    say("  \(input.bytes.count) of \(whole.bytes.count) bytes:\n\(input.text ?? "\(input.bytes)")\n")
  }

  // MARK: Shrinking

  /// Processes that may be spent on making one input shorter.
  private static let tries = 120

  /// The input without the lines, and in the end the bytes, that its outcome does not need.
  private func shrunk(_ whole: Input, _ finding: Finding) async throws -> Input {
    var input = whole
    // Numbers behind a header go with it, and an answer that takes 20 s is not asked for again and again.
    guard input.format != .safetensors, !finding.problem.contains("no end") else { return input }
    var left = Self.tries
    for separator in [UInt8(ascii: "\n"), nil] {
      var parts =
        separator.map {
          input.bytes.split(separator: $0, omittingEmptySubsequences: false).map { Array($0) + [separator!] }
        }
        ?? input.bytes.map { [$0] }
      var size = parts.count / 2
      while size > 0, left > 0 {
        var place = 0
        while place < parts.count, left > 0 {
          var fewer = parts
          fewer.removeSubrange(place..<min(place + size, parts.count))
          left -= 1
          if try await kinds(of: Array(fewer.joined()), input).contains(finding.kind) {
            parts = fewer
          } else {
            place += size
          }
        }
        size /= 2
      }
      input.bytes = Array(parts.joined())
    }
    return input
  }

  private func kinds(of bytes: [UInt8], _ input: Input) async throws -> [String] {
    let name = "try-" + input.format.rawValue
    try workplace.write(name, bytes)
    let outcome = try await work(["--from", "\(input.number)", "--file", workplace.folder + "/" + name])
    let findings = Self.results(outcome).0
    return (findings + (outcome.code == 0 ? [] : [death(outcome, input.number)])).map(\.kind)
  }
}
