import Architectures
import ArgumentParser
import Quantities
import Rendering
import Scenarios
import Tensors
import Validation

/// `photon trace`
struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Lists the operations that an executed model dispatches.",
    discussion: "  photon trace export scenarios/quickstart.yaml --phase prefill",
    subcommands: [TraceExportCommand.self])
}

/// `photon trace export`
struct TraceExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes the operations of a phase as JSON, for other programs to run.",
    discussion: """
      Every distinct operation with its place, dimensions, element types and how often it is dispatched, in the order of \
      its first dispatch; docs/trace-json.md describes the object. Tools/replay/replay.py runs it with PyTorch.

        photon trace export scenarios/quickstart.yaml --phase decode -o decode.json
      """)

  @OptionGroup var options: ScenarioOptionsGroup

  @Option(help: "prefill or decode.")
  var phase = Phase.decode

  @Option(parsing: .unconditional, help: "Which point of a grid, counted from 0.")
  var point = 0

  @Option(
    name: .shortAndLong, help: "Where to write; by default standard output.", completion: .file(extensions: ["json"]))
  var output: String?

  func validate() throws { try checkOutput(output) }

  func run() throws {
    let scenario = try options.scenario()
    let point = try scenario.grid.chosenPoint(self.point, file: scenario.file)
    guard let trace = tracedRun(point.question) else {
      throw ValidationError("executing this workload on shapes would take too long; generate fewer tokens")
    }
    guard trace.operations.contains(where: { $0.entry.phase == phase }) else {
      throw ValidationError(
        "nothing to export: \(point.name) dispatches no operation in \(phase.rawValue), with \(point.workload.promptLength) "
          + "tokens of prompt and \(point.workload.generatedLength) generated; change workload.prompt, workload.generate or "
          + "--phase")
    }
    let text = exported(trace, phase, point).text() + "\n"
    guard let output else { return printData(text) }
    try AtomicFile.write(text, to: output)
  }
}

/// The object that docs/trace-json.md describes.
private func exported(_ trace: Trace, _ phase: Phase, _ point: ScenarioPoint) -> JSON {
  let (model, workload, precision) = (point.model, point.workload, point.precision)
  let operations = trace.operations.filter { $0.entry.phase == phase }
  return .object([
    ("model", .string(point.name)), ("architecture", .string(model.family.rawValue)),
    ("phase", .string(phase.rawValue)),
    (
      "workload",
      .object([
        ("prompt_length", JSON(workload.promptLength)), ("generated_length", JSON(workload.generatedLength)),
        ("batch_size", JSON(workload.batchSize)), ("continuations", JSON(workload.continuations)),
      ])
    ),
    (
      "precision",
      .object(
        [
          ("weights", .string(precision.weights.rawValue)), ("activations", .string(precision.activations.rawValue)),
          ("cache", .string(precision.cache.rawValue)),
        ] + (precision.storage.map { [("storage", .string($0))] } ?? []))
    ),
    (
      "operations",
      .array(
        operations.map { entry, count in
          let work = entry.operation.work(in: precision)
          return .object(
            [
              ("level", JSON(entry.node.level)), ("side", .string(entry.node.side.rawValue)),
              ("component", .string(entry.node.component.rawValue)), ("layer", JSON(entry.layer)),
              ("count", JSON(count)),
            ] + entry.operation.members + [
              ("matmul_flops", .integer(work.matmulFlops)), ("elementwise_flops", .integer(work.elementwiseFlops)),
              ("traffic_bytes", .integer(bytes(work.trafficBits))),
            ])
        })
    ),
  ])
}

extension Tensors.Operation {
  /// Kind and dimensions of one dispatch.
  fileprivate var members: [(key: String, value: JSON)] {
    func product(_ kind: String, _ rows: Int, _ inputs: Int, _ outputs: Int) -> [(key: String, value: JSON)] {
      [("kind", .string(kind)), ("rows", JSON(rows)), ("inputs", JSON(inputs)), ("outputs", JSON(outputs))]
    }
    func moved(_ kind: String, _ entries: Int, _ layer: LayerShape) -> [(key: String, value: JSON)] {
      [
        ("kind", .string(kind)), ("entries", JSON(entries)), ("key_value_heads", JSON(layer.keyValueHeads)),
        ("head_width", JSON(layer.headWidth)),
      ]
    }
    switch self {
    case .embedding(let rows, let width, _):
      return [("kind", .string("embedding")), ("rows", JSON(rows)), ("width", JSON(width))]
    case .norm(let rows, let width):
      return [("kind", .string("norm")), ("rows", JSON(rows)), ("width", JSON(width))]
    case .queryKeyValue(let rows, let layer, _, _):
      return product("query_key_value", rows, layer.width, layer.queryWidth + 2 * layer.keyValueWidth)
    case .output(let rows, let layer): return product("output", rows, layer.queryWidth, layer.width)
    case .gateUp(let rows, let layer):
      return product("gate_up", rows, layer.width, (layer.feedForwardKind.matrixCount - 1) * layer.feedForward)
        + [("feed_forward_kind", .string(layer.feedForwardKind.rawValue))]
    case .down(let rows, let layer): return product("down", rows, layer.feedForward, layer.width)
    case .chunker(let rows, let inputs, let outputs, _): return product("chunker", rows, inputs, outputs)
    case .converter(let rows, let inputs, let outputs): return product("converter", rows, inputs, outputs)
    case .head(let rows, let width, let vocabulary, _, _): return product("head", rows, width, vocabulary)
    case .attention(let shape):
      return [
        ("kind", .string("attention")), ("groups", JSON(shape.groups)), ("queries", JSON(shape.queries)),
        ("keys_before", JSON(shape.keysBefore)), ("heads", JSON(shape.layer.heads)),
        ("key_value_heads", JSON(shape.layer.keyValueHeads)), ("head_width", JSON(shape.layer.headWidth)),
        ("store", .string(shape.store == .local ? "local" : "persistent")),
      ] + (shape.window > 0 ? [("window", JSON(shape.window))] : [])
        + (shape.chosen.map { [("chosen_pairs", JSON($0.pairs)), ("chosen_entries", JSON($0.entries))] } ?? [])
    case .mixHeads(let rows, let layer):
      return [
        ("kind", .string("mix_heads")), ("rows", JSON(rows)), ("heads", JSON(layer.heads)),
        ("key_value_heads", JSON(layer.keyValueHeads)), ("head_width", JSON(layer.headWidth)),
      ]
    case .moveEntries(let entries, let layer, _): return moved("move_entries", entries, layer)
    case .transferEntries(let entries, let layer, _): return moved("transfer_entries", entries, layer)
    case .quantiseEntries(let entries, let held, let layer, let form):
      return moved("quantise_entries", entries, layer) + [
        ("held", JSON(held)), ("format", .string(form.format.rawValue)), ("group", JSON(form.group)),
      ]
    case .scoreEntries(let shape):
      return [
        ("kind", .string("score_entries")), ("groups", JSON(shape.groups)), ("queries", JSON(shape.queries)),
        ("entries", JSON(shape.entries)), ("heads", JSON(shape.layer.heads)),
        ("key_value_heads", JSON(shape.layer.keyValueHeads)), ("head_width", JSON(shape.layer.headWidth)),
        ("weights", .string(shape.weights.rawValue)), ("pooled", JSON(shape.pooled)),
        ("behind", .flag(shape.isBehind)),
      ] + (shape.isSmoothed ? [("smoothed", .flag(true))] : [])
        + (shape.window > 0 ? [("window", JSON(shape.window))] : [])
    case .scanKeys(let shape):
      return [
        ("kind", .string("scan_keys")), ("groups", JSON(shape.groups)), ("queries", JSON(shape.queries)),
        ("entries", JSON(shape.keys + shape.representatives)), ("pairs", JSON(shape.pairs)),
        ("heads", JSON(shape.layer.heads)),
        ("key_value_heads", JSON(shape.layer.keyValueHeads)), ("head_width", JSON(shape.layer.headWidth)),
        ("averaged", JSON(shape.averaged)), ("turned", JSON(shape.turned)), ("rotated_keys", JSON(shape.rotatedKeys)),
        ("made", JSON(shape.made)),
        ("keys_of_each", JSON(shape.keysOfEach)),
      ]
    case .rotateEntries(let entries, let layer): return moved("rotate_entries", entries, layer)
    }
  }
}
