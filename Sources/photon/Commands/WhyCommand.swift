import Architectures
import ArgumentParser
import Formulas
import Quantities
import Rendering
import Scenarios
import Validation

extension Phase: ExpressibleByArgument {}

/// `photon why`
struct WhyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Shows what is behind one node: formulas, numbers, operations and published forms.",
    discussion: """
      A node is levelN/SIDE/COMPONENT, as explain lists them; level 0 holds embeddings, head and the vanilla stack.

        photon why scenarios/quickstart.yaml level1/encoder/attention --phase prefill
      """)

  @OptionGroup var options: ScenarioOptionsGroup

  @Argument(help: "The node, for example level1/encoder/attention.")
  var node: String

  @Option(help: "prefill or decode.")
  var phase = Phase.decode

  @Option(parsing: .unconditional, help: "Which point of a grid, counted from 0.")
  var point = 0

  func run() async throws {
    let scenario = try options.scenario()
    let point = try scenario.grid.chosenPoint(self.point, file: scenario.file)
    let node = try chosenNode(of: point.model)
    let (model, workload) = (point.model, point.workload)
    let text = WhyText(
      node: node, phase: phase,
      explanations: try explain(node, in: phase, Question(model, workload, point.precision)),
      published: try publishedForms(Question(model, workload)).filter { $0.concerns(node) },
      trace: tracedRun(Question(model, workload, point.precision)))
    printOutput(
      """
      \(node), \(phase.rawValue), \(visible(point.name)); P = \(workload.promptLength), G = \(workload.generatedLength), T = P + G, \
      batch = \(workload.batchSize), K = \(workload.continuations)
      \(text.text)
      """)
  }

  private func chosenNode(of model: Model) throws(ScenarioError) -> Node {
    if let chosen = Node(node), model.nodes.contains(chosen) { return chosen }
    let accepted = model.nodes.map(\.description).joined(separator: ", ")
    throw ScenarioError([
      Diagnostic(Position(file: ""), path: "", found: "the model has no node \"\(node)\"", accepted: accepted)
    ])
  }
}

extension PublishedForm {
  /// Whether the form counts what a node does: attention's pairs and reads, or the entries that projections write.
  func concerns(_ node: Node) -> Bool {
    switch node.component {
    case .projections: return [.cacheSize, node.isLocal ? .localCacheSize : .globalCacheSize].contains(id.subject)
    case .attention: return id.subject == (node.isLocal ? .localAttention : .globalAttention)
    case .embedding, .chunker, .converter, .feedForward, .norm, .head, .upkeep: return false
    }
  }
}
