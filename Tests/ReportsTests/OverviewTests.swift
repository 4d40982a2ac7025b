import Architectures
import Formulas
import Foundation
import Hardware
import Quantities
import Rendering
import Reports
import Scenarios
import Testing

private func text(_ subject: ReportSubject) async throws -> String { try await computedReport(subject).document.text }

/// The rows of the first table under a heading whose line ends so.
private func rows(under heading: String, of text: String) throws -> [[String]] {
  let start = try #require(text.range(of: "# \(heading)\n"))
  let table = text[start.upperBound...].drop { $0 != "|" }
  let lines = table.prefix(upTo: table.range(of: "\n\n")?.lowerBound ?? table.endIndex).split(separator: "\n")
  return lines.map { line in
    line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
  }
}

@Suite struct OverviewTests {
  @Test func `without an objective every model stands in a table of each workload`() async throws {
    let subject = try subject(small(prompt: "[64, 256]"))
    let text = try await text(subject)
    #expect(text.hasPrefix("# small: what 3 models cost, and why\n"))
    for prompt in [64, 256] {
      let table = try rows(under: "Prompt \(prompt), 64 generated, batch 1", of: text)
      #expect(table.dropFirst(2).map(\.first) == subject.contenders.map { "`\($0.name)`" })
      for (row, contender) in zip(table.dropFirst(2), subject.contenders) {
        let workload = subject.workload.with(promptLength: prompt)
        let timed = try TimedPoint(Question(contender.model, workload, subject.precision), on: machine)
        let seconds = NumberFormat.si(unit: "s")
        #expect(row[1] == NumberFormat.si(unit: "").text(parameters(of: contender.model).total))
        #expect(row[2] == NumberFormat.binaryBytes.text(timed.memory.bytesPerSequence))
        #expect(row[3] == seconds.text(timed.prefill.total.time.value))
        #expect(row[5] == seconds.text(timed.figures.timeToFirstToken.value))
        #expect(row[6] == seconds.text(try #require(timed.figures.timePerOutputToken).value))
        #expect(row[8] == NumberFormat.si(unit: "").text(try #require(timed.figures.throughputPerSampleGibibyte)))
      }
      #expect(table.last?.last == "–", "vanilla is not compared with itself")
    }
  }

  @Test func `components of all models stand in one table with their totals`() async throws {
    let subject = try subject()
    let table = try rows(under: "Parameters of all models", of: try await text(subject))
    #expect(table[0].count == 1 + subject.contenders.count)
    for (column, contender) in subject.contenders.enumerated() {
      let inventory = parameters(of: contender.model)
      let counts = table.dropFirst(2).dropLast().map { $0[column + 1] }.filter { $0 != "–" }
      #expect(counts.sorted() == inventory.components.map { NumberFormat.exact.text($0.count) }.sorted())
      #expect(table.last?[column + 1] == NumberFormat.exact.text(inventory.total))
    }
  }

  @Test func `no model is recommended without an objective, and one model is the subject with it`() async throws {
    let grid = small(chunks: "[2, 4]", conditions: "[1, 2]")
    let silent = try await text(try subject(grid))
    #expect(silent.contains("**Nothing is recommended:**"))
    #expect(!silent.contains("the best model here") && !silent.contains("## What to choose"))
    let stated = try await text(try subject(grid + "\nobjective: {minimise: prefill.time_s}"))
    #expect(stated.contains("the best model here") && stated.contains("## What to choose"))
    #expect(!stated.contains("models cost, and why") && !stated.contains("## Parameters of all models"))
  }

  @Test func `models of one name are told apart by their lengths`() async throws {
    let text = try await text(try subject(small(chunks: "[2, 8]")))
    let table = try rows(under: "Prompt 256, 64 generated, batch 1", of: text)
    let names = table.dropFirst(2).map { $0[0] }
    #expect(names.count == 4 && Set(names).count == 4)
    #expect(names[0].contains("C = (2, 4)") && names[1].contains("C = (8, 4)"))
  }

  @Test func `throughput has a table of its own`() async throws {
    let text = try await text(try subject())
    let section = try #require(text.components(separatedBy: "\n## ").first { $0.hasPrefix("Throughput and TPM") })
    #expect(section.split(separator: "\n").count { $0.hasPrefix("| `") } == 3)
  }
}

@Suite struct PromptTests {
  @Test func `searches over prompts say which prompts, and that they look at doublings`() async throws {
    let text = try await text(try subject())
    #expect(text.contains("over the context, for prompts that are multiples of 16, "))
    #expect(!text.contains("at every prompt from") && !text.contains("at every batch from"))
    let odd = try await computedReport(try subject(small(prompt: "255"))).document.text
    #expect(odd.contains("for prompts 15 above a multiple of 16, "))
  }

  @Test func `the longest and shortest prefill of a meta-context and its first tokens are named`() async throws {
    let subject = try subject()
    let timed = try (241...256).map { prompt in
      let workload = subject.workload.with(promptLength: prompt)
      return (prompt, try TimedPoint(Question(subject.model, workload, subject.precision), on: machine))
    }
    func seconds(_ value: Seconds) -> String { NumberFormat.si(unit: "s").text(value.value) }
    func part(_ entry: (Int, TimedPoint)) -> String {
      "\(seconds(entry.1.prefill.total.time)) at prompt \(entry.0) (\(entry.1.prefill.total.bound.rawValue) "
        + "\(NumberFormat.ratio.text(entry.1.prefill.total.margin)))"
    }
    let sorted = timed.sorted { $0.1.prefill.total.time < $1.1.prefill.total.time }
    let firstTokens = timed.map(\.1.figures.timeToFirstToken).sorted()
    let text = try await text(subject)
    #expect(text.contains("longest with \(part(sorted[15])) and shortest with \(part(sorted[0]))."))
    #expect(text.contains("\(seconds(firstTokens[0])) to \(seconds(firstTokens[15]))."))
    #expect(text.contains("**Time to first token is \(seconds(timed[15].1.figures.timeToFirstToken))**"))
  }
}

@Suite struct PathTests {
  @Test(arguments: [
    ("scenarios/a.yaml", "scenarios/a.yaml"), ("/home/me/photon/scenarios/a.yaml", "scenarios/a.yaml"),
    ("/home/me/photon/x/../a.yaml", "a.yaml"), ("/home/me/photon-2/a.yaml", "a.yaml"), ("/tmp/a.yaml", "a.yaml"),
  ])
  func `an absolute path is shown from the folder or as its last part`(path: String, shown: String) {
    #expect(shownPath(path, from: "/home/me/photon") == shown)
  }

  @Test func `a report does not tell in which folder its scenario lies`() async throws {
    let scenario = try Scenario(
      text: small(chunks: "[2, 4]"), file: "/secret-folder/small.yaml",
      options: ScenarioOptions(figures: reportFigureNames, checksHardware: false))
    let text = try await text(try ReportSubject(scenario, on: [machine], command: "photon report small.yaml"))
    #expect(!text.contains("secret-folder"))
    #expect(text.contains("`photon why small.yaml NODE`") && text.contains("`photon sweep small.yaml -o small.csv`"))
  }
}
