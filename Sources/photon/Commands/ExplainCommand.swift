import Architectures
import ArgumentParser
import Formulas
import Hardware
import Quantities
import Rendering
import Reports
import Scenarios

/// `photon explain`
struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Prices one point: parameters, work, traffic, caches, published forms, hardware bounds, memory.",
    discussion: """
      Every count is an exact integer for the whole batch. docs/explain-json.md describes the JSON object; CSV has one \
      row per phase and component, with fits and largest_batch of the machine (of several machines each with its name). \
      A batch that does not fit into the memory is told, with the devices that would hold it; --set capacity=vllm says \
      what an engine reserves. Tables show the columns that fit the terminal and name the others; --wide and the \
      other formats have everything.

        photon explain scenarios/quickstart.yaml --set workload.batch=8 --format json
        photon explain scenarios/models/llama-2-7b.yaml --convention causal_pairs=all --convention head=all

      --convention counts as other tools do (docs/conventions.md): causal_pairs=exact|half|all, \
      head=emitted|once|all, elementwise=on|off, attention=fused|unfused, decode_context=t+1|t, \
      embedding=lookup|dense. The first of each is the default; times always follow the exact counts.
      """)

  @OptionGroup var options: ScenarioOptionsGroup

  @Option(help: "table, json or csv.")
  var format = OutputFormat.table

  @OptionGroup var lines: WidthOption

  @Option(parsing: .unconditional, help: "Which point of a grid, counted from 0.")
  var point = 0

  @Option(
    name: .customLong("convention"),
    help: ArgumentHelp(
      "How another tool counts, for example causal_pairs=all; may be repeated.", valueName: "key=value"))
  var conventions: [String] = []

  func run() async throws {
    let conventions = try Conventions(arguments: conventions)
    let scenario = try options.scenario()
    let chosen = try scenario.grid.chosenPoint(point, file: scenario.file)
    let explained = try ExplainedPoint(chosen, hardware: options.hardware(of: scenario), conventions)
    switch format {
    case .json: printData(explained.json.text() + "\n")
    case .csv: printData(explained.dataTable.text(as: .csv))
    case .table: printOutput(explained.text(width: lines.width))
    }
  }
}

extension Grid {
  /// The point at a position; of a grid with several it says on standard error which one was taken.
  /// - Throws: `ScenarioError` where there is none.
  func chosenPoint(_ index: Int, file: String) throws(ScenarioError) -> ScenarioPoint {
    guard index >= 0, index < count else {
      throw ScenarioError([
        Diagnostic(Position(file: "--point"), path: "", found: "found \(index)", accepted: "0 to \(count - 1)")
      ])
    }
    guard let point = point(at: index) else { throw ScenarioError([refusal(at: index)].compactMap { $0 }) }
    if count > 1 {
      let values = zip(axes, point.axisValues).map { visible("\($0.path)=\($1)") }.joined(separator: " ")
      printError("\(visible(file)): point \(index) of 0 … \(count - 1): \(values); another one with --point")
    }
    return point
  }
}

/// Everything that is said about one point.
struct ExplainedPoint {
  let point: ScenarioPoint
  let parameters: ParameterInventory
  let conventions: Conventions
  /// By the conventions.
  let cost: ExactCost
  let published: [PublishedForm]
  /// On each machine.
  let priced: [PricedPoint]

  /// - Throws: `CountOverflow`, `HardwareError`
  init(_ point: ScenarioPoint, hardware: [HardwareProfile], _ conventions: Conventions = Conventions()) throws {
    self.point = point
    self.conventions = conventions
    parameters = Formulas.parameters(of: point.model)
    let exact = try price(point.question)
    cost = try counted(exact, by: conventions, point.question)
    published = try publishedForms(point.question)
    priced = try hardware.map { try PricedPoint(point.question, on: $0) }
  }

  /// `M_l` at the end of generation.
  /// - Unit: level-l units
  func streamLength(_ level: Level) -> Int {
    (point.workload.promptLength + point.workload.generatedLength) / level.span
  }
}
