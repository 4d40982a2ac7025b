import Architectures
import Formulas
import Reference
import Tensors

/// One figure of the first version's storage, from its formula and from an executed model.
struct RetentionFigure {
  var quantity: String
  var formula: Int128
  var executed: Int128
}

/// The first version of the paper keeps every condition sequence. With `retain_conditions` the teacher-forced pass over
/// the whole context, which runs every decoder, holds what its formula says; a run from an empty prompt holds the same
/// for the decoders that generation runs. Without it neither holds a vector.
/// - Throws: `CountOverflow` from the formulas.
func retentionFigures(_ question: Question, _ session: any Session, _ weights: ModelWeights) throws -> [RetentionFigure]
{
  guard question.model.family.hasReadings else { return [] }
  guard question.model.retainConditions else {
    return [RetentionFigure(quantity: "vectors", formula: 0, executed: total(session.retained))]
  }
  let context = question.workload.promptLength + question.workload.generatedLength
  guard context > 0 else { return [] }
  let formulas = retainedVectors(question.model, contextLength: context)
  let tokens = [[Int32](repeating: 0, count: context)]
  let forward = HierarchySession.forward(weights, tokens: tokens, machine: Machine(backend: .shapes))
  let held = forward.retainedVectors
  var figures = formulas.indices.map { index in
    RetentionFigure(
      quantity: "level\(index + 1)_vectors", formula: formulas[index],
      executed: index < held.count ? Int128(held[index]) : 0)
  }
  let printed = try publishedForms(question).filter { $0.id == .v1CacheRetained }
  figures += printed.map { form in
    RetentionFigure(
      quantity: "first_version_vectors", formula: form.exact,
      executed: Int128((forward.cachedUnits + held).reduce(0, +)))
  }
  if question.workload.promptLength == 0, question.model.decoderInput != .encoderState {
    let sequences = Int128(question.workload.batchSize * question.workload.continuations)
    figures.append(
      RetentionFigure(
        quantity: "generated_vectors", formula: sequences * formulas.reduce(0, +), executed: total(session.retained)))
  }
  return figures
}

private func total(_ store: ConditionStore?) -> Int128 {
  Int128(store?.vectors.reduce(0, +) ?? 0)
}
