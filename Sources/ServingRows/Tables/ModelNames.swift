import Architectures
import Foundation
import Scenarios

/// Models by the names that tables of measurements give them.
public struct ModelNames: Sendable {
  /// Names that the command line maps to a preset's or scenario's file.
  let files: [String: String]
  let searchPaths: [String]
  let directory: String

  /// - Parameters:
  ///   - files: names as the table has them, and the file of each.
  ///   - searchPaths: folders with presets, looked in after those around the table.
  ///   - file: the table; presets are looked for around it first.
  public init(files: [String: String], searchPaths: [String], near file: String) {
    self.files = files
    self.searchPaths = searchPaths
    directory = URL(filePath: file).deletingLastPathComponent().relativePath
  }

  /// The rows with their models.
  /// - Throws: `ScenarioError` with every name that means no model.
  public func points(_ rows: [MeasuredRow]) throws(ScenarioError) -> [ServingPoint] {
    let collector = DiagnosticCollector()
    var known: [[String]: Model?] = [:]
    var said: Set<[String]> = []
    var points: [ServingPoint] = []
    for row in rows {
      let named = [row.model] + row.settings.map(\.argument)
      if known[named] == nil {
        do {
          known[named] = .some(try model(row))
        } catch {
          error.diagnostics.forEach(collector.add)
          known[named] = .some(nil)
        }
      }
      guard let model = known[named] ?? nil else { continue }
      points.append(ServingPoint(row: row, model: model))
      guard row.devices > 1, said.insert(named + ["\(row.devices)"]).inserted else { continue }
      for problem in model.problems(sharedBy: row.devices) {
        collector.add(
          Diagnostic(
            row.position, path: "devices", found: "\(row.model), \(problem.key): \(problem.found)",
            accepted: problem.accepted))
      }
    }
    try collector.throwIfAny()
    return points
  }

  private func model(_ row: MeasuredRow) throws(ScenarioError) -> Model {
    let scenarios = ScenarioFiles(searchPaths: searchPaths)
    guard let file = files[row.model] ?? preset(row.model, scenarios) else {
      let known = scenarios.names(.model, from: directory)
      throw ScenarioError([
        Diagnostic(
          row.position, path: "model", found: "there is no preset for \"\(row.model)\"",
          accepted: "--model \(shellQuoted(row.model))=FILE"
            + (known.isEmpty ? "" : ", or a name of \(known.joined(separator: ", "))"))
      ])
    }
    let options = ScenarioOptions(
      overrides: row.settings.map(\.argument), searchPaths: searchPaths, checksHardware: false)
    let grid: Grid
    do {
      grid = try Scenario(file: file, options: options).grid
    } catch {
      throw ScenarioError(error.diagnostics.map { located($0, in: row) })
    }
    guard grid.models.count == 1, let named = grid.models[0] else {
      throw ScenarioError([
        Diagnostic(
          Position(file: file, line: 1), path: "model", found: "found \(grid.models.count) models",
          accepted: "one model for \"\(row.model)\"")
      ])
    }
    return named.model
  }

  /// A complaint about a setting, moved from the argument to the cell that it was made of.
  private func located(_ diagnostic: Diagnostic, in row: MeasuredRow) -> Diagnostic {
    guard diagnostic.position.file == "--set", let line = diagnostic.position.line,
      row.settings.indices.contains(line - 1)
    else { return diagnostic }
    var moved = diagnostic
    moved.position = row.settings[line - 1].position
    return moved
  }

  private func preset(_ name: String, _ scenarios: ScenarioFiles) -> String? {
    for candidate in Self.presets(for: name) {
      if let file = scenarios.find(.model, named: candidate, from: directory) { return file }
    }
    return nil
  }

  /// What a preset may be called for a name as Hugging Face writes it: `meta-llama/Llama-3.1-70B-Instruct` is
  /// `llama-3.1-70b`, because tuning and storage change no shape. What the name says about storage is `NamedPrecision`'s.
  static func presets(for name: String) -> [String] {
    let last = name.split(separator: "/").last.map(String.init) ?? name
    var plain = last.lowercased().replacing("_", with: "-")
    if plain.hasPrefix("meta-") { plain = String(plain.dropFirst("meta-".count)) }
    for (found, meant) in [("llama2", "llama-2"), ("llama3", "llama-3"), ("llama-31-", "llama-3.1-")]
    where plain.hasPrefix(found) {
      plain = meant + plain.dropFirst(found.count)
    }
    plain = NamedPrecision.withoutStorage(plain)
    while let tail = tails.first(where: { plain.hasSuffix($0) }) {
      plain = NamedPrecision.withoutStorage(String(plain.dropLast(tail.count)))
    }
    return [last, plain] + (sameShape[plain].map { [$0] } ?? [])
  }

  private static let tails = ["-instruct", "-chat", "-base", "-hf", "-it", "-v1.0", "-v0.1", "-v0.2", "-v0.3"]
  private static let sameShape = [
    "llama-3-8b": "llama-3.1-8b", "llama-3-70b": "llama-3.1-70b", "llama-3.3-70b": "llama-3.1-70b",
  ]
}
