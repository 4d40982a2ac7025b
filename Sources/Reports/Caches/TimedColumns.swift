import Architectures
import Formulas
import Quantities
import Rendering

/// Times that a machine measured of small models, beside the methods of larger ones.
public struct TimedMethods: Sendable {
  /// One model at one workload.
  public struct Row: Sendable {
    let name: String
    let model: Model
    let workload: Workload
    let prefill, decode: Pair

    /// - Parameters:
    ///   - name: as the scenario has it.
    ///   - model: with its caches.
    ///   - workload: whose prompt and generated tokens were timed.
    ///   - prefill: of the whole prompt.
    ///   - decode: of all generated tokens.
    public init(_ name: String, _ model: Model, _ workload: Workload, prefill: Pair, decode: Pair) {
      (self.name, self.model, self.workload, self.prefill, self.decode) = (name, model, workload, prefill, decode)
    }
  }

  /// A measured time and the predicted one.
  /// - Unit: s
  public typealias Pair = (measured: Double, predicted: Double)

  /// Those of the longest prompt at which everything was measured that was measured at all.
  private let rows: [Row]
  private let machine, command, scenario: String

  /// - Parameters:
  ///   - rows: at least one.
  ///   - machine: that measured.
  ///   - command: that made the rows.
  ///   - scenario: its file.
  public init(_ rows: [Row], machine: String, command: String, scenario: String) {
    let prompts = Dictionary(grouping: rows, by: \.workload.promptLength)
    let most = prompts.values.map(\.count).max() ?? 0
    let longest = prompts.filter { $0.value.count == most }.keys.max()
    self.rows = longest.flatMap { prompts[$0] } ?? []
    (self.machine, self.command, self.scenario) = (machine, command, scenario)
  }

  /// Measured time, and in brackets the predicted one, of the small model of the same family whose caches are kept in the
  /// same way.
  var columns: [TableColumn<CacheRow>] {
    func column(_ key: String, _ heading: String, _ value: @escaping (Row) -> Pair) -> TableColumn<CacheRow> {
      TableColumn(Column(key, heading, .right)) { row in
        guard let own = self.row(of: row.model) else { return .missing }
        let pair = value(own)
        return Cell("\(seconds(Seconds(pair.measured))) (\(seconds(Seconds(pair.predicted))))")
      }
    }
    return [
      column("measured_prefill", "prefill, measured", \.prefill),
      column("measured_decode", "decode per token, measured") { row in
        let tokens = Double(max(1, row.workload.generatedLength))
        return (row.decode.measured / tokens, row.decode.predicted / tokens)
      },
    ]
  }

  private func row(of model: Model) -> Row? {
    Dictionary(grouping: rows, by: \.model.family)[model.family]?.first { $0.model.cacheKinds == model.cacheKinds }
  }

  /// What the columns are about.
  var text: String {
    let workload = rows[0].workload
    let models = rows.filter(\.model.hasFullCaches).map {
      "\(codeSpan($0.name)) (\(significant(Double(parameters(of: $0.model).total))) parameters)"
    }
    return
      "*Measured* times are **not of these models** but of \(models.joined(separator: ", ")) under the same methods, with "
      + "smaller budgets, in float32 on \(machine), at a prompt of \(number(workload.promptLength)) tokens and batch "
      + "\(number(workload.batchSize)) (\(codeSpan(command)), every prompt in "
      + "[\(scenario.split(separator: "/").last!)](../../\(scenario))); in brackets what was predicted for them."
  }

  /// How long each method takes there against full attention, as measured and as predicted.
  var findings: [String] {
    guard let full = rows.first(where: { $0.model.cacheClass != .hierarchical && $0.model.hasFullCaches }) else {
      return []
    }
    let methods = rows.filter { $0.model.cacheClass != .hierarchical && !$0.model.hasFullCaches }
    guard !methods.isEmpty else { return [] }
    func ratios(_ value: (Row) -> Pair, _ row: Row) -> Pair {
      (value(row).measured / value(full).measured, value(row).predicted / value(full).predicted)
    }
    func list(_ value: (Row) -> Pair) -> String {
      methods.map { row in
        let pair = ratios(value, row)
        return "\(row.name) \(Self.times.text(pair.measured)) (\(Self.times.text(pair.predicted)))"
      }.joined(separator: ", ")
    }
    func slower(_ value: (Row) -> Pair) -> [String] { methods.filter { ratios(value, $0).measured > 1 }.map(\.name) }
    func losers(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
    return [
      "Measured against full attention at \(number(full.workload.promptLength)) tokens, predicted in brackets: decode "
        + list(\.decode) + "; prefill " + list(\.prefill) + ".",
      "Slower than full attention there although they hold less: \(losers(slower(\.prefill))) in prefill, "
        + "\(losers(slower(\.decode))) in decode.",
    ]
  }

  private static let times = NumberFormat.fixed(decimals: 2)
}
