import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

/// What a point asks, and the size of what it asks about.
public enum AskedFigure: CaseIterable, Sendable {
  case point, name, architecture, decoderInput, generation
  case promptLength, generatedLength, batchSize, continuations
  case weightsType, activationsType, cacheType
  /// What of the weights is stored apart, and their scales, where one of a grid's precisions does not store all alike.
  case storage
  /// How caches are kept, where one of a grid's models does not keep everything.
  case cachePlan
  /// Without start latents.
  case parameters

  /// A row names the model first and then how it is run; the object has what belongs together in one member.
  var names: FigureNames {
    switch self {
    case .point: FigureNames("point", .count, column: "point")
    case .name: FigureNames("model", .words, column: "name", json: .point("name"))
    case .architecture: FigureNames("architecture", .words, column: "architecture", json: .point("architecture"))
    case .decoderInput: FigureNames("decoder input", .words, column: "decoder_input", json: .point("decoder_input"))
    case .generation: FigureNames("generation", .words, column: "generation", json: .point("generation"))
    case .promptLength: FigureNames("prompt", .count, column: "prompt_length", json: .point("workload.prompt_length"))
    case .generatedLength:
      FigureNames("generated", .count, column: "generated_length", json: .point("workload.generated_length"))
    case .batchSize: FigureNames("batch", .count, column: "batch_size", json: .point("workload.batch_size"))
    case .continuations:
      FigureNames("continuations", .count, column: "continuations", json: .point("workload.continuations"))
    case .weightsType: FigureNames("weights", .words, column: "weights_type", json: .point("precision.weights"))
    case .activationsType:
      FigureNames("activations", .words, column: "activations_type", json: .point("precision.activations"))
    case .cacheType: FigureNames("cache", .words, column: "cache_type", json: .point("precision.cache"))
    case .storage: FigureNames("storage", .words, column: "storage")
    case .cachePlan: FigureNames("cache plan", .words, column: "cache_plan")
    case .parameters:
      // The object has the inventory too, so its total is a member of it.
      FigureNames(
        "parameters", .count, column: "parameters", json: .point("parameters.total"), isObjective: true,
        sense: .minimise,
        reportFormat: .si(unit: ""))
    }
  }

  private func write(_ point: ScenarioPoint, parameters: Int128, to sink: inout some FigureSink) {
    // Through the stored question: its parts are read where they lie, not copied with all that they hold.
    switch self {
    case .point: sink.append(point.index)
    case .name: sink.append(point.name)
    case .architecture: sink.append(point.question.model.family.rawValue)
    case .decoderInput:
      if point.question.model.family.hasReadings {
        sink.append(point.question.model.decoderInput.rawValue)
      } else {
        sink.appendMissing()
      }
    case .generation:
      if point.question.model.family.hasReadings {
        sink.append(point.question.model.generation.rawValue)
      } else {
        sink.appendMissing()
      }
    case .promptLength: sink.append(point.question.workload.promptLength)
    case .generatedLength: sink.append(point.question.workload.generatedLength)
    case .batchSize: sink.append(point.question.workload.batchSize)
    case .continuations: sink.append(point.question.workload.continuations)
    case .weightsType: sink.append(point.question.precision.weights.rawValue)
    case .activationsType: sink.append(point.question.precision.activations.rawValue)
    case .cacheType: sink.append(point.question.precision.cache.rawValue)
    case .storage:
      if let text = point.question.precision.storage { sink.append(text) } else { sink.appendMissing() }
    case .cachePlan:
      if let text = ModelText.caches(of: point.question.model) { sink.append(text) } else { sink.appendMissing() }
    case .parameters: sink.append(parameters)
    }
  }

  /// - Parameters:
  ///   - point: the row's.
  ///   - parameters: without start latents; the caller keeps them, because a grid has many points of one model.
  public func cell(of point: ScenarioPoint, parameters: Int128) -> Cell {
    var sink = CellSink()
    write(point, parameters: parameters, to: &sink)
    return sink.cell
  }

  /// Adds the field of a row.
  public func append(_ point: ScenarioPoint, parameters: Int128, to rows: inout RowBuilder) {
    write(point, parameters: parameters, to: &rows)
  }
}
