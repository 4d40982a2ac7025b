import Architectures
import ArgumentParser
import Formulas
import Foundation
import Hardware
import Rendering
import Scenarios
import Serving

/// `photon simulate`
struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Serves requests, pass by pass: latencies, rates, goodput, preemptions, hits.",
    discussion: """
      Reads the scenario's section serving: who asks when, how passes are formed, what memory there is. Every answer \
      follows from docs/simulation.md: the same scenario and seed give the same bytes. JSON has every time in ns.

        photon simulate scenarios/serving-quickstart.yaml
        photon simulate scenarios/serving-quickstart.yaml --set serving.seed=2
        photon simulate scenarios/serving-quickstart.yaml --trace trace.json

      --trace writes Chrome trace events, which https://ui.perfetto.dev opens: a row of passes for each replica, and \
      how many requests wait.
      """)

  /// How the answer is written.
  enum Format: String, CaseIterable, ExpressibleByArgument { case table, json }

  @OptionGroup var options: ScenarioOptionsGroup

  @Option(help: "table or json.")
  var format = Format.table

  @Option(parsing: .unconditional, help: "Which point of a grid, counted from 0.")
  var point = 0

  @Option(help: "A file for one line of JSON for each request.")
  var requests: String?

  @Option(help: "A file for Chrome trace events.")
  var trace: String?

  func validate() throws {
    for (option, name) in [("--requests", requests), ("--trace", trace)] where name == "" {
      throw ValidationError("\(option): found no name; accepted: the name of a file")
    }
  }

  func run() async throws {
    let scenario = try options.scenario()
    guard let section = scenario.serving else {
      let problem = scenario.diagnostic(
        "serving", .init("", "the key serving is missing", accepted: "a mapping, for example serving: {requests: 100}"))
      throw ScenarioError([problem])
    }
    for file in [requests, trace].compactMap({ $0 }) { try AtomicFile.probe(file) }
    let chosen = try scenario.grid.chosenPoint(point, file: scenario.file)
    guard let profile = try options.hardware(of: scenario, for: [chosen.precision]).first else { return }
    let served = try ServedPoint(chosen, section, on: profile)
    let files = try served.run(requests: requests != nil, trace: trace != nil)
    for (name, text) in [(requests, files.requests), (trace, files.trace)] {
      if let name, let text { try AtomicFile.write(text, to: name) }
    }
    switch format {
    case .json: printData(files.json.text() + "\n")
    case .table: printOutput(files.text)
    }
  }
}

/// A point of a grid, and how it is served.
struct ServedPoint {
  let question: ServingQuestion
  let section: ServingSection
  let name: String
  let profile: HardwareProfile
  let skipped: Trace?
  private let point: ScenarioPoint

  /// What a run leaves.
  struct Files {
    var json: JSON
    var text: String
    var requests: String?
    var trace: String?
  }

  /// - Throws: `ServingError`, `TraceError`, `CountOverflow`
  init(_ point: ScenarioPoint, _ section: ServingSection, on profile: HardwareProfile) throws {
    (self.point, self.section, self.profile, name) = (point, section, profile, point.name)
    let shape = try StateShape(point.model, point.precision)
    var settings = section.settings
    settings.memory = try Self.memory(section.memory, shape, point, profile)
    let workload = point.workload
    let shapes = RequestShape(
      .apart(
        prompt: section.prompt ?? .fixed(workload.promptLength),
        output: section.output ?? .fixed(workload.generatedLength)
      ), continuations: workload.continuations, prefixes: section.prefixes)
    var load = section.load
    if let file = section.trace {
      let trace = try Trace(
        YAMLText.text(of: file.file), file: file.file, format: file.format, skipsBadRows: file.skipsBadRows,
        allowsEmptyPrompts: shape.closesUnits)
      load = .requests(trace.requests)
      skipped = trace
    } else {
      skipped = nil
    }
    question = ServingQuestion(
      settings, shape, load, requests: shapes, seed: section.seed, replication: section.replication)
  }

  private static func memory(
    _ memory: ServingSection.Memory, _ shape: StateShape, _ point: ScenarioPoint, _ profile: HardwareProfile
  ) throws -> ServingSettings.Memory {
    if memory.kind == .none { return .none }
    let room = Int(clamping: try MemoryDemand(point.question).cacheRoom(on: profile))
    let bytes = memory.bytes ?? room
    guard bytes > 0 else {
      throw ServingError.settings("\(point.name) does not fit into \(profile.name): nothing is left for requests")
    }
    if memory.kind == .contiguous { return .contiguous(bytes: bytes) }
    let (block, overflow) = memory.blockTokens.multipliedReportingOverflow(by: shape.levels[0].bytes)
    guard !overflow, bytes / block < Int32.max else { throw ServingError.overflow("the number of blocks") }
    let swap = memory.swap.map { ServingSettings.Swap(hostBlocks: $0.bytes / block, link: $0.link) }
    return .paged(.init(blocks: bytes / block, blockBytes: block, hasTree: memory.hasTree, swap: swap))
  }

  /// Serves, by the price of the section or of the model.
  func run(requests: Bool, trace: Bool) throws -> Files {
    if let price = section.price { return try run(price, requests: requests, trace: trace) }
    return try run(
      ModelPrice(point.model, point.precision, on: profile), requests: requests, trace: trace)
  }

  private func run(_ price: some PassPrice, requests: Bool, trace: Bool) throws -> Files {
    var run = try Simulation(
      question, price: price, recording: trace ? [.gaps, .passes] : .gaps, trim: section.trim)
    try run.run()
    let summary = run.summary(limits: section.limits, interpolation: section.interpolation)
    guard summary.finished > 0 else {
      let reasons = summary.rejected.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($1) \($0.rawValue)" }
      throw ServingError.settings(
        "no measured request was served" + (reasons.isEmpty ? "" : ": " + reasons.joined(separator: ", ")))
    }
    return Files(
      json: json(summary, run.totals, end: run.now), text: text(summary, run.totals, end: run.now),
      requests: requests ? run.served.map { $0.line() + "\n" }.joined() : nil,
      trace: trace ? chromeTrace(run.passes, run.served) : nil)
  }
}
