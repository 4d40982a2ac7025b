import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

/// The object that docs/explain-json.md describes.
extension ExplainedPoint {
  var json: JSON {
    let model = point.model
    let hasReadings = model.family.hasReadings
    return .object([
      ("name", .string(point.name)),
      ("architecture", .string(model.family.rawValue)),
      ("decoder_input", hasReadings ? .string(model.decoderInput.rawValue) : .null),
      ("generation", hasReadings ? .string(model.generation.rawValue) : .null),
      ("precision", precisionJSON),
      ("parameters", parametersJSON),
      ("levels", .array(model.hierarchy.map(levelJSON))),
      ("workload", workloadJSON),
      ("conventions", .object(conventions.settings.map { ($0.key, .string($0.value)) })),
      ("prefill", phaseJSON(.prefill)),
      ("decode", phaseJSON(.decode)),
      ("cache", cacheJSON),
      ("published", .array(published.map(publishedJSON))),
      ("hardware", .array(timed.map(hardwareJSON))),
    ])
  }

  private var precisionJSON: JSON {
    .object([
      ("weights", .string(point.precision.weights.rawValue)),
      ("activations", .string(point.precision.activations.rawValue)),
      ("cache", .string(point.precision.cache.rawValue)),
    ])
  }

  private var parametersJSON: JSON {
    let components = parameters.components.map { component in
      JSON.object([
        ("name", .string(component.name)), ("count", .integer(component.count)), ("used", .flag(component.used)),
      ])
    }
    return .object([
      ("total", .integer(parameters.total)), ("start_latents", .integer(parameters.startLatents)),
      ("components", .array(components)),
    ])
  }

  private func levelJSON(_ level: Level) -> JSON {
    .object([
      ("level", JSON(level.number)),
      ("chunk_length", JSON(level.chunkLength)),
      ("condition_length", JSON(level.conditionLength)),
      ("stream_length", JSON(streamLength(level.number))),
      ("width", JSON(level.layer.width)),
      ("meta_context_length", JSON(level.span)),
      ("encoder_layers", JSON(level.encoderLayers)),
      ("decoder_layers", JSON(level.decoderLayers)),
      ("chunker", .string(level.chunker.rawValue)),
    ])
  }

  private var workloadJSON: JSON {
    .object([
      ("prompt_length", JSON(point.workload.promptLength)),
      ("generated_length", JSON(point.workload.generatedLength)),
      ("batch_size", JSON(point.workload.batchSize)),
      ("continuations", JSON(point.workload.continuations)),
    ])
  }

  private func phaseJSON(_ phase: Phase) -> JSON {
    let components = cost[phase].map { node in
      JSON.object(
        [
          ("level", JSON(node.node.level)), ("side", .string(node.node.side.rawValue)),
          ("component", .string(node.node.component.rawValue)),
        ] + figures(node.work))
    }
    return .object(figures(cost.totals[phase]) + [("components", .array(components))])
  }

  private func figures(_ work: Work<Int128>) -> [(key: String, value: JSON)] {
    work.figures.map { ($0.name, .integer($0.value)) }
  }

  private var cacheJSON: JSON {
    .object([
      ("bytes_after_prefill", .integer(cost.cache.bytesAfterPrefill)),
      ("bytes_at_end", .integer(cost.cache.bytesAtEnd)),
      ("peak_bytes", .integer(cost.cache.peakBytes)),
      ("local_peak_bytes", .integer(cost.cache.localPeakBytes)),
    ])
  }

  private func publishedJSON(_ form: PublishedForm) -> JSON {
    .object([
      ("id", .string(form.id.rawValue)), ("quantity", .string(form.quantity)), ("unit", .string(form.unit)),
      ("published", .integer(form.published)), ("exact", .integer(form.exact)), ("ratio", JSON(form.ratio)),
      ("note", .string(form.note)),
    ])
  }

  private func hardwareJSON(_ machine: TimedMachine) -> JSON {
    let timed = machine.point
    let figures = timed.figures
    let emits = point.workload.generatedLength > 0
    func phase(_ phase: Phase, _ more: [(key: String, value: JSON)] = []) -> JSON {
      let figure = timed[phase]
      return .object(
        [("time_s", .number(figure.time.value))] + more + rangeJSON(timed.range(phase))
          + boundsJSON(machine.bounds[phase]) + [
            ("bound", figure.hasWork ? .string(figure.bound.rawValue) : .null),
            ("margin", figure.hasWork ? .number(figure.margin) : .null),
            ("intensity_flop_per_byte", figure.hasWork ? .number(figure.intensity) : .null),
            ("communication_s", .number(figure.communication.value)),
          ])
    }
    let largest = emits ? timed.atLargestBatch : nil
    return .object([
      ("name", .string(timed.profile)),
      ("devices", JSON(timed.devices)),
      ("extrapolated", .array(timed.extrapolated.map { .string($0) })),
      ("prefill", phase(.prefill)),
      (
        "decode", phase(.decode, [("time_per_token_s", JSON(figures.timePerOutputToken?.value))])
      ),
      ("time_to_first_token_s", .number(figures.timeToFirstToken.value)),
      ("throughput_tokens_per_s", JSON(emits ? figures.throughput.perSecond : nil)),
      ("tpm_tokens_per_s_per_gib", JSON(emits ? figures.throughputPerSampleGibibyte : nil)),
      (
        "throughput_tokens_per_s_per_occupied_gib", JSON(emits ? figures.throughputPerOccupiedGibibyte : nil)
      ),
      ("largest_batch", timed.largestBatch.map { JSON($0) } ?? .null),
      ("throughput_at_largest_batch_tokens_per_s", JSON(largest?.throughput.perSecond)),
      ("tpm_at_largest_batch_tokens_per_s_per_gib", JSON(largest?.throughputPerSampleGibibyte)),
      (
        "throughput_at_largest_batch_tokens_per_s_per_occupied_gib",
        JSON(largest?.throughputPerOccupiedGibibyte)
      ),
      ("cost_usd_per_million_tokens", JSON(timed.cost.dollars)),
      ("energy_j_per_million_tokens", JSON(timed.cost.joules)),
      ("cost_at_largest_batch_usd_per_million_tokens", JSON(timed.costAtLargestBatch.dollars)),
      ("energy_at_largest_batch_j_per_million_tokens", JSON(timed.costAtLargestBatch.joules)),
    ])
  }

  private func rangeJSON(_ range: TimeRange) -> [(key: String, value: JSON)] {
    let bottleneck = range.bottleneck.map { bottleneck in
      JSON.object([
        ("cause", .string(bottleneck.cause.rawValue)), ("cause_share", .number(bottleneck.causeShare)),
        ("node", .string(bottleneck.node.description)), ("node_share", .number(bottleneck.nodeShare)),
      ])
    }
    return [
      ("floor_s", .number(range.floor.value)), ("low_s", JSON(range.low?.value)), ("high_s", JSON(range.high?.value)),
      ("memory_bound_probability", JSON(range.memoryProbability)), ("bottleneck", bottleneck ?? .null),
    ]
  }

  private func boundsJSON(_ bounds: BoundStretches?) -> [(key: String, value: JSON)] {
    func list(_ stretches: [Stretch]) -> JSON {
      .array(
        stretches.map {
          .object([
            ("from", JSON($0.range.lowerBound)), ("to", JSON($0.range.upperBound)),
            ("bound", .string(Bound($0).rawValue)),
          ])
        })
    }
    return [
      ("bound_over_batch", bounds.map { list($0.overBatch) } ?? .null),
      ("bound_over_prompt", bounds.map { list($0.overPrompt) } ?? .null),
    ]
  }
}
