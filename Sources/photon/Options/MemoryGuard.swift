import Architectures
import ArgumentParser
import Experiments
import Formulas
import Quantities
import Training

/// Refuses what this machine cannot hold before anything is allocated.
/// - Throws: `ValidationError` with what is needed, part by part, and what to change.
func checkMemory(_ parts: [(name: String, bytes: Int128)], of subject: String, accepted: String) throws {
  if let found = MemoryDemandList(parts).excess(subject) { throw ValidationError("\(found); accepted: \(accepted)") }
}

extension Model {
  /// Parameters in float32.
  var parameterBytes: Int128 { 4 * RehearsedMemory.parameters(self) }
}

extension EvaluateCommand {
  /// A pass over a batch, both runs of a comparison with the distributions that it keeps, and the tokens.
  func checkMemory(_ model: Model, _ data: EvaluationData, comparison: ComparisonLengths?) throws {
    func cached(_ sequences: Int, _ tokens: Int) throws -> Int128 {
      var settings = TrainingSettings()
      (settings.context, settings.batch) = (tokens, sequences)
      return 4 * (try TrainingMemory(model, settings).keysAndValues)
    }
    let count = min(Self.batch(data.context), max(1, data.tokens.count / data.context))
    // Both passes use the same memory, one after the other.
    var pass = RehearsedMemory.pass(model, sequences: count, tokens: data.context)
    var cache = try cached(count, data.context)
    var distributions: Int128 = 0
    if let lengths = comparison {
      let tokens = lengths.promptLength + lengths.length
      pass = max(pass, RehearsedMemory.pass(model, sequences: 1, tokens: tokens))
      // Of the pass, or of a session with its windows, beside what another was to compare with.
      cache = max(cache, 3 * (try cached(1, tokens)))
      distributions = 4 * Int128(lengths.length) * Int128(model.vocabulary)
    }
    let parts = [
      ("parameters", model.parameterBytes), ("tokens", Int128(8 * data.tokens.count)),
      ("activations", 4 * pass), ("keys and values", cache), ("distributions to compare", distributions),
    ]
    try photon.checkMemory(
      parts, of: "the evaluation",
      accepted: "a smaller model, a shorter --context, a lower --limit, a shorter --length, or --sequences 0")
  }
}

extension GenerateCommand {
  /// The prompt's pass, the caches, and what sampling looks at.
  func checkMemory(_ model: Model, _ workload: Workload) throws {
    let cache = try price(Question(model, workload, .float32)).totals.cache
    try photon.checkMemory(
      [
        ("parameters", model.parameterBytes), ("caches", cache.peakBytes + cache.localPeakBytes),
        ("the prompt's activations", 4 * RehearsedMemory.prefill(model, workload)),
        ("a distribution to sample from", 32 * Int128(model.vocabulary)),
      ], of: "the generation", accepted: "a smaller model, a shorter prompt, or fewer --tokens")
  }
}
