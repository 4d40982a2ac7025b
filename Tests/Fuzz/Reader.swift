import Architectures
import Experiments
import Formulas
import Foundation
import Hardware
import Quantities
import Reference
import Rendering
import Reports
import Scenarios
import ServingRows
import Training

/// What the program makes of an input.
enum Reading: Equatable {
  /// Everything that was computed from it.
  case answer(String)
  /// The complaint that a person sees.
  case refusal(String)
}

/// Hands inputs to the program's libraries, in this process.
final class Reader {
  private let repository: String
  /// A folder of its own, with a copy of a checkpoint in it.
  private let folder: String
  private let base: String
  private var profiles: [String: HardwareProfile] = [:]
  private let question: Question

  /// - Parameters:
  ///   - repository: the checkout, whose presets and profiles are found.
  ///   - folder: where files are written that can only be read from files.
  init(_ repository: String, folder: String) throws {
    (self.repository, self.folder) = (repository, folder)
    base = try String(contentsOfFile: repository + "/scenarios/quickstart.yaml", encoding: .utf8)
    let scenario = try Scenario(file: repository + "/scenarios/quickstart.yaml")
    question = scenario.grid.point(at: 0)!.question
  }

  private var options: ScenarioOptions {
    ScenarioOptions(searchPaths: [repository + "/scenarios"], figures: reportFigureNames)
  }

  /// - Throws: what is no complaint of the program.
  func read(_ format: Format, _ bytes: [UInt8]) throws -> Reading {
    do {
      return .answer(try answer(format, bytes))
    } catch let error as ScenarioError {
      return .refusal(error.description)
    } catch let error as any Error & CustomStringConvertible
      where error is CheckpointError || error is SafeTensors.Malformed || error is HardwareError
      || error is CountOverflow
    {
      return .refusal("error: \(error)")
    } catch let error as DataError {
      return .refusal("error: \(error.problem)")
    }
  }

  private func answer(_ format: Format, _ bytes: [UInt8]) throws -> String {
    let name = "in"
    switch format {
    case .scenario: return try price(Scenario(text: text(bytes), file: "scenarios/in.yaml", options: options))
    case .override:
      var options = options
      options.overrides = [try text(bytes)]
      return try price(Scenario(text: base, file: "scenarios/quickstart.yaml", options: options))
    case .hardware:
      let profile = try HardwareFile.parse(text(bytes), file: "in.yaml", name: name)
      let written = HardwareFile.text(profile)
      // What one command writes, every other reads.
      guard try HardwareFile.parse(written, file: "written.yaml", name: name) == profile else {
        throw Broken.roundTrip(written)
      }
      return written + (try PricedPoint(question, on: profile).json.text())
    case .rows:
      return try described(MeasuredTable(text: text(bytes), file: "in.csv", latency: .inclusive))
    case .benchmark:
      return try described(MeasuredTable(text: text(bytes), file: "in.json", filling: ["model": "llama-3.1-8b"]))
    case .published: return try PublishedTable(text: text(bytes), file: "in.csv").rows.description
    case .quality:
      return try QualityTable(text: text(bytes), file: "in.csv", axes: ["workload.batch", "workload.prompt"]).figure
    case .configuration:
      let imported = try importHuggingFace(json: text(bytes), file: "in.json", approximate: true)
      do {
        return try imported.yaml
          + price(Scenario(text: imported.yaml, file: "scenarios/written.yaml", options: options))
      } catch let error as ScenarioError {
        throw Broken.roundTrip("\(imported.yaml)\(error)")
      }
    case .gguf:
      let weights = try WeightFile.read(Data(bytes), file: "in.gguf")
      return try "\(weights.parameterCount) " + importGGUF(weights, file: "in.gguf", approximate: true).yaml
    case .checkpoint:
      try write(bytes, "checkpoint/checkpoint.json")
      let checkpoint = try Checkpoint.load(folder + "/checkpoint")
      return try json(checkpoint.metadata) + " \(checkpoint.weights.tensors.count)"
    case .safetensors: return try readNumbers(bytes)
    case .tokens:
      try write(bytes, "in.bin")
      let place = (key: "in.bin", path: folder + "/in.bin", name: "in.bin")
      let files = try TokenFiles([place], .numbers, vocabulary: 257)
      return try files.tokens(0..<files.count).description
    case .runs:
      try write(bytes, "runs.jsonl")
      return try QualityJournal(path: folder + "/runs.jsonl").records().map { try $0.line() }.joined(separator: "\n")
    case .answers:
      try write(bytes, "critical.jsonl")
      let records = try CriticalJournal(path: folder + "/critical.jsonl").records().sorted { $0.key < $1.key }
      return try records.map { try $0.value.line() }.joined(separator: "\n")
    case .measured:
      try write(bytes, "measured.jsonl")
      return try SweepRecord.records(in: folder + "/measured.jsonl").map { try $0.line() }.joined(separator: "\n")
    case .timed: preconditionFailure("\(format) is read by its command")
    }
  }

  private func described(_ table: MeasuredTable) -> String {
    let rows = table.rows.map { row in
      "\(row.identifier) \(row.model) \(MeasuredMetric.allCases.map { row.times[$0] ?? 0 })"
    }
    return (rows + table.remarks.map(\.description)).joined(separator: "\n")
  }

  /// A dictionary has another order every time; its JSON has one order.
  private func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// The checks on bytes that the program does before it reads text.
  private func text(_ bytes: [UInt8]) throws -> String {
    guard String(validating: bytes, as: UTF8.self) == nil || bytes.contains(0) else {
      return String(decoding: bytes, as: UTF8.self)
    }
    try write(bytes, "bytes")
    return try YAMLText.text(of: folder + "/bytes")
  }

  private func write(_ bytes: [UInt8], _ name: String) throws {
    try Data(bytes).write(to: URL(filePath: folder + "/" + name))
  }

  /// A checkpoint's numbers, under a checksum that is theirs: what is behind the checksum is asked too.
  private func readNumbers(_ bytes: [UInt8]) throws -> String {
    let file = try SafeTensors(Data(bytes))
    let first = file.entries.first.map { file.values($0).prefix(3) }
    try write(bytes, "numbers/model.safetensors")
    let good = try String(contentsOfFile: folder + "/numbers/good.json", encoding: .utf8)
    let signed = good.replacing(
      /"model.safetensors" : "[0-9a-f]*"/, with: "\"model.safetensors\" : \"\(Fingerprint(bytes).text)\"")
    try write(Array(signed.utf8), "numbers/checkpoint.json")
    let checkpoint = try Checkpoint.load(folder + "/numbers")
    return "\(file.metadata.sorted { $0.key < $1.key }) \(first ?? []) \(checkpoint.weights.tensors.count)"
  }

  // MARK: Scenarios

  /// Points up to which a grid is swept whole.
  private static let sweptPoints = 8

  /// Prices the first and the last point on the first two profiles.
  private func price(_ scenario: Scenario) throws -> String {
    let machines = try scenario.hardware.prefix(2).compactMap {
      try $0.file.map(profile)?.sharing(scenario.devices, engine: scenario.capacity)
    }
    let grid = scenario.grid
    let places = Set([0, grid.count - 1]).sorted()
    var text = "\(scenario.name) \(grid.count)\n"
    for point in places.compactMap(grid.point) {
      let cost = try Formulas.price(point.question)
      text +=
        "\(point.name) \(Formulas.parameters(of: point.model).total) \(cost.totals) \(try publishedForms(point.question))\n"
      for node in point.model.nodes { text += "\(try explain(node, in: .decode, point.question).map(\.numbers))\n" }
      for machine in machines {
        let priced = try PricedPoint(point.question, on: machine).json.text()
        _ = try Laws.json(priced)
        text += priced + "\n"
      }
    }
    guard grid.count <= Self.sweptPoints else { return text }
    return text + (try sweep(grid, machines))
  }

  /// The rows of a grid, which must say what the object of `photon explain` says.
  private func sweep(_ grid: Grid, _ machines: [HardwareProfile]) throws -> String {
    let sweep = try Sweep(grid, hardware: machines, estimates: true)
    var (csv, lines) = (sweep.worker(.csv), sweep.worker(.jsonLines))
    for point in grid.points {
      try csv.append(point)
      try lines.append(point)
    }
    let rows = String(decoding: lines.rows.takeChunk().bytes, as: UTF8.self).split(separator: "\n")
    var row = rows.makeIterator()
    for point in grid.points {
      for machine in machines {
        let swept = try Laws.json(String(row.next() ?? "")) as? [String: Any] ?? [:]
        let explained = try Laws.json(PricedPoint(point.question, on: machine).json.text())
        try Laws.agree(swept, explained, PointFigure.columns)
      }
    }
    let table = String(decoding: sweep.schema.header(.csv) + csv.rows.takeChunk().bytes, as: UTF8.self)
    try Laws.table(table)
    return table
  }

  private func profile(_ file: String) throws -> HardwareProfile {
    if let known = profiles[file] { return known }
    let profile = try HardwareFile.read(file: file)
    profiles[file] = profile
    return profile
  }
}

/// What no input may bring about.
enum Broken: Error {
  /// Text that the program wrote and does not read.
  case roundTrip(String)
  /// Text that is no JSON.
  case json(String)
  /// Rows of different widths.
  case widths(String)
  /// Two commands say different things.
  case disagreement(String)
}
