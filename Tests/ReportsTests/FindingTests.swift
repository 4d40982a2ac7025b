import Architectures
import Formulas
import Foundation
import Hardware
import Quantities
import Rendering
import Scenarios
import Testing

@testable import Reports

private func findings(_ subject: ReportSubject) async throws -> String {
  let text = try await computedReport(subject).document.text
  let start = try #require(text.range(of: "## Findings"))
  let end = try #require(text.range(of: "## Conventions"))
  return String(text[start.lowerBound..<end.lowerBound])
}

private func si(_ value: Seconds) -> String { NumberFormat.si(unit: "s").text(value.value) }

/// Each finding is checked against points that are priced here, one by one.
@Suite struct FindingTests {
  @Test func `bounds, times and margins are those of the explained point`() async throws {
    let subject = try subject()
    let timed = try TimedPoint(subject.question, on: machine)
    let found = try await findings(subject)
    for (name, figure) in [("Prefill", timed.prefill.total), ("Decode", timed.decode.total)] {
      let margin = NumberFormat.ratio.text(figure.margin)
      #expect(found.contains("**\(name) is \(figure.bound.rawValue)-bound by \(margin):** \(si(figure.time))"))
    }
  }

  @Test func `a flip is the first batch at which a point priced alone has the other bound`() async throws {
    let subject = try subject()
    func bound(_ batch: Int) throws -> Bound {
      try TimedPoint(Question(subject.model, subject.workload.with(batchSize: batch), subject.precision), on: machine)
        .decode.total.bound
    }
    #expect(try bound(1) == .memory)
    let first = try #require(try (2...4096).first { try bound($0) == .compute })
    let found = try await findings(subject)
    let line = try #require(found.split(separator: "\n").first { $0.contains("**Decode is memory-bound") })
    #expect(
      line.contains("memory-bound up to batch **\(NumberFormat.exact.text(Int128(first - 1)))**, compute-bound from"))
  }

  @Test func `the context at which decode overtakes is where two points priced alone change places`() async throws {
    // Four layers of decoder read more weights for a token than the whole vanilla stack, but vanilla's cache grows faster.
    let subject = try subject(small(decoderLayers: 4, chunks: "2"))
    let vanilla = try #require(subject.contenders.last)
    #expect(vanilla.model.family == .vanilla)
    func isFaster(_ prompt: Int) throws -> Bool {
      let workload = subject.workload.with(promptLength: prompt)
      func time(_ model: Model) throws -> Double {
        try TimedPoint(Question(model, workload, subject.precision), on: machine).decode.total.time.value
      }
      return try time(subject.model) < time(vanilla.model)
    }
    #expect(try !isFaster(subject.model.metaContextLength))
    let found = try await findings(subject)
    let line = try #require(found.split(separator: "\n").first { $0.contains("**Decode against `\(vanilla.name)`**") })
    let bold = line.components(separatedBy: "slower up to prompt **").dropFirst().first?.prefix { $0 != "*" }
    let last = try #require(Int(String((bold ?? "").filter(\.isNumber))))
    #expect(try !isFaster(last))
    #expect(try isFaster(last + subject.model.metaContextLength))
  }

  @Test func `the best hierarchy is the one that a search of the grid finds`() async throws {
    let objective = "objective: {maximise: tpm_tokens_per_s_per_gib, subject_to: [\"cache.bytes_at_end >= 30000\"]}"
    let text = small(chunks: "[2, 4, 8]", conditions: "[1, 2, 4]", prompt: "256", extra: objective)
    let subject = try subject(text)
    var best: (value: Double, point: ScenarioPoint)?
    for point in try scenario(text).grid.points {
      let cost = try price(point.question)
      guard cost.cache.bytesAtEnd >= 30_000 else { continue }
      let timed = try TimedPoint(point.question, on: machine)
      let value = try #require(timed.figures.throughputPerSampleGibibyte)
      if best.map({ value > $0.value }) ?? true { best = (value, point) }
    }
    let winner = try #require(best)
    let levels = winner.point.model.levels
    let hierarchy =
      "C = (\(levels.map { "\($0.chunkLength)" }.joined(separator: ", "))), "
      + "R = (\(levels.map { "\($0.conditionLength)" }.joined(separator: ", ")))"
    let value = NumberFormat.si(unit: "tok/s/GiB").text(winner.value)
    #expect(try await findings(subject).contains("with \(hierarchy)**, \(value)"))
  }

  @Test func `an objective that nothing meets says so`() async throws {
    let objective = "objective: {minimise: decode.time_s, subject_to: [\"cache.bytes_at_end < 1\"]}"
    let found = try await findings(try subject(small(extra: objective)))
    #expect(found.contains("no point of the grid has the figure, fits"))
  }

  @Test func `the cache is compared in the right direction`() async throws {
    // A PHOTON with chunks of one token keeps more than a Block Transformer with blocks of four.
    let subject = try subject(small(chunks: "1"))
    let found = try await findings(subject)
    let own = try price(subject.question).cache.bytesAtEnd
    for rival in subject.contenders.dropFirst() {
      let other = try price(Question(rival.model, subject.workload, subject.precision)).cache.bytesAtEnd
      let ratio = own <= other ? Double(other) / Double(own) : Double(own) / Double(other)
      let word = own <= other ? "smaller" : "larger"
      #expect(found.contains("**\(NumberFormat.ratio.text(ratio)) \(word)** than that of `\(rival.name)`"))
    }
    #expect(found.contains("larger**"))
  }

  @Test func `an objective leaves out what does not fit, unless it is asked to weigh that too`() throws {
    func best(_ rest: String) throws -> Int? {
      let text = small(batch: "[1, 64]", extra: "objective: {maximise: throughput_tokens_per_s\(rest)}")
      var tight = machine
      let demand = try MemoryDemand(subject(text).summaries[0].point.question)
      tight.memoryBytes = Int(Double(demand.occupiedBytes(batchSize: 2)) / 0.95)
      let subject = try subject(text, on: [tight])
      #expect(subject.summaries.map(\.fits) == [true, false])
      return subject.objective.best(subject.summaries)?.point.workload.batchSize
    }
    #expect(try best("") == 1)
    #expect(try best(", must_fit: false") == 64)
  }
}
