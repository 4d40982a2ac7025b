import Architectures
import Formulas
import Quantities
import Rendering
import Reports
import Scenarios

/// The object that docs/explain-json.md describes.
extension ExplainedPoint {
  /// Members in the order that the page has them; figures that it does not know would follow.
  var json: JSON {
    let order = [
      "name", "architecture", "decoder_input", "generation", "precision", "parameters", "levels", "workload",
      "cache_plan", "conventions", "prefill", "decode", "cache", "published", "hardware",
    ]
    let figures = PointFigure.pointMembers.map { (path: $0.names.pointPath!, value: JSON(cell(of: $0))) }
    let entries = figures + structure
    func place(_ path: String) -> Int { order.firstIndex { path.split(separator: ".")[0] == $0 } ?? order.count }
    let sorted = entries.enumerated().sorted { left, right in
      (place(left.element.path), left.offset) < (place(right.element.path), right.offset)
    }
    return .nested(sorted.map(\.element))
  }

  /// A figure of the point that does not depend on a machine.
  private func cell(of figure: PointFigure) -> Cell {
    switch figure {
    case .asked(let figure): figure.cell(of: point, parameters: parameters.total)
    case .work(let figure, let phase): .integer(cost.totals[phase][figure])
    case .cache(let figure): .integer(figure.value(of: cost.cache))
    case .host(let figure): .integer(figure.value(of: cost.totals))
    case .machine, .memory, .roofline, .phase, .timeToFirstToken, .extrapolated, .serving, .quality:
      preconditionFailure("\(figure.names.label) is a figure of a machine")
    }
  }

  /// What is no figure: lists of parts, and how they were counted.
  private var structure: [(path: String, value: JSON)] {
    (ModelText.caches(of: point.model).map { [("cache_plan", .string($0))] } ?? [])
      + (point.precision.storage.map { [("precision.storage", .string($0))] } ?? []) + [
        ("parameters.start_latents", .integer(parameters.startLatents)),
        ("parameters.components", .array(parameters.components.map(inventoryJSON))),
        ("levels", .array(point.model.hierarchy.map(levelJSON))),
        ("conventions", .object(conventions.settings.map { ($0.key, .string($0.value)) })),
        ("prefill.components", .array(cost[.prefill].map(nodeJSON))),
        ("decode.components", .array(cost[.decode].map(nodeJSON))),
        ("published", .array(published.map(publishedJSON))),
        ("hardware", .array(priced.map(\.json))),
      ]
  }

  private func inventoryJSON(_ component: ParameterComponent) -> JSON {
    .object([
      ("name", .string(component.name)), ("count", .integer(component.count)), ("used", .flag(component.used)),
    ])
  }

  private func levelJSON(_ level: Level) -> JSON {
    .object([
      ("level", JSON(level.number)),
      ("chunk_length", JSON(level.chunkLength)),
      ("condition_length", JSON(level.conditionLength)),
      ("stream_length", JSON(streamLength(level))),
      ("width", JSON(level.layer.width)),
      ("meta_context_length", JSON(level.span)),
      ("encoder_layers", JSON(level.encoderLayers)),
      ("decoder_layers", JSON(level.decoderLayers)),
      ("chunker", .string(level.chunker.rawValue)),
    ])
  }

  private func nodeJSON(_ node: NodeWork) -> JSON {
    .object(
      [
        ("level", JSON(node.node.level)), ("side", .string(node.node.side.rawValue)),
        ("component", .string(node.node.component.rawValue)),
      ] + node.work.figures.map { ($0.name, .integer($0.value)) }
        + (node.work.hostBits > 0 ? [("link_bytes", .integer(bytes(node.work.hostBits)))] : []))
  }

  private func publishedJSON(_ form: PublishedForm) -> JSON {
    .object([
      ("id", .string(form.id.rawValue)), ("quantity", .string(form.quantity)), ("unit", .string(form.unit)),
      ("published", .integer(form.published)), ("exact", .integer(form.exact)), ("ratio", JSON(form.ratio)),
      ("note", .string(form.note)),
    ])
  }
}
