import Architectures
import ArgumentParser
import Formulas
import Quantities
import Reports
import Scenarios

extension Phase: ExpressibleByArgument {}

/// `photon why`
struct WhyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Shows the formulas behind one node: symbols, numbers, values and the published forms.",
    discussion: """
      A node is levelN/SIDE/COMPONENT, as explain lists them; level 0 holds embeddings, head and the vanilla stack.

        photon why scenarios/quickstart.yaml level1/encoder/attention --phase decode
      """)

  @OptionGroup var options: ScenarioOptionsGroup

  @Argument(help: "The node, for example level1/encoder/attention.")
  var node: String

  @Option(help: "prefill or decode; both by default.")
  var phase: Phase?

  @Option(help: "Which point of a grid, counted from 0.")
  var point = 0

  func run() async throws {
    let scenario = try options.scenario()
    let point = try scenario.grid.chosenPoint(self.point, file: scenario.file)
    let node = try chosenNode(of: point.model)
    var sections: [String] = []
    for phase in phase.map({ [$0] }) ?? Phase.allCases {
      sections.append(try formulas(of: node, in: phase, point))
    }
    sections.append(try published(concerning: node, point))
    printOutput(sections.joined(separator: "\n"))
  }

  private func chosenNode(of model: Model) throws(ScenarioError) -> Node {
    if let chosen = Node(node), model.nodes.contains(chosen) { return chosen }
    let accepted = model.nodes.map(\.description).joined(separator: ", ")
    throw ScenarioError([
      Diagnostic(Position(file: "NODE"), path: "", found: "the model has no node \"\(node)\"", accepted: accepted)
    ])
  }

  private func formulas(of node: Node, in phase: Phase, _ point: ScenarioPoint) throws -> String {
    let explanations = try explain(node, in: phase, point.model, point.workload, point.precision)
    var text = "\(node), \(phase.rawValue), \(point.name)\n"
    if explanations.allSatisfy({ $0.value == 0 }) { return text + "  does nothing in this phase\n" }
    for explanation in explanations where explanation.value != 0 {
      text += """
          \(explanation.quantity)
            = \(explanation.symbolic)
            = \(explanation.numbers)
            = \(NumberFormat.exact.text(explanation.value))

        """
    }
    return text
  }

  private func published(concerning node: Node, _ point: ScenarioPoint) throws -> String {
    let forms = try publishedForms(point.model, point.workload).filter { $0.concerns(node, point.model) }
    if forms.isEmpty { return "No published form covers this component.\n" }
    var text = "Published forms, one sequence and one layer\n"
    for form in forms {
      let ratio = form.ratio.map { NumberFormat.ratio.text($0) } ?? "no ratio"
      let (published, exact) = (NumberFormat.exact.text(form.published), NumberFormat.exact.text(form.exact))
      text += "  \(form.id): \(form.quantity) = \(published) \(form.unit), exactly \(exact): \(ratio)\n"
      text += "    \(form.note)\n"
    }
    return text
  }
}

extension PublishedForm {
  /// Whether the form counts what a node does: attention's pairs and reads, or the entries that projections write.
  func concerns(_ node: Node, _ model: Model) -> Bool {
    let isCacheSize = id == "v2-global-cache-size" || id.hasPrefix("v1-cache")
    let isLocalSize = id == "v2-local-cache-size" || id.hasPrefix("v1-cache")
    let isLocal = node.side == .decoder && model.family != .vanilla
    switch node.component {
    case .projections: return isLocal ? isLocalSize : isCacheSize
    case .attention where isLocal: return id.contains("local") && !isLocalSize
    case .attention: return id.contains("prefill-attention") || id == "v2-global-cache-reads"
    default: return false
    }
  }
}
