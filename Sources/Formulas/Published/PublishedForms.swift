import Architectures
import Quantities

/// A formula as a paper prints it, beside the exact count in the formula's own unit: one sequence, one layer.
public struct PublishedForm: Hashable, Sendable {
  /// Version of the paper and what the form is about, as reports and JSON name it.
  public enum Identifier: String, CaseIterable, Sendable {
    case v1CachePrinted = "v1-cache-printed"
    case v1CacheRetained = "v1-cache-retained"
    case v1CacheWindowed = "v1-cache-windowed"
    case v1LocalAttention = "v1-local-attention"
    case v1PrefillAttention = "v1-prefill-attention"
    case v2GlobalCacheReads = "v2-global-cache-reads"
    case v2GlobalCacheSize = "v2-global-cache-size"
    case v2LocalCacheReads = "v2-local-cache-reads"
    case v2LocalCacheSize = "v2-local-cache-size"
    case v2LocalCompute = "v2-local-compute"
    case v2PrefillAttention = "v2-prefill-attention"

    /// What of a model the form counts.
    public var subject: Subject {
      switch self {
      case .v1CachePrinted, .v1CacheRetained, .v1CacheWindowed: .cacheSize
      case .v2GlobalCacheSize: .globalCacheSize
      case .v2LocalCacheSize: .localCacheSize
      case .v1PrefillAttention, .v2PrefillAttention, .v2GlobalCacheReads: .globalAttention
      case .v1LocalAttention, .v2LocalCompute, .v2LocalCacheReads: .localAttention
      }
    }
  }

  /// Entries held in all caches, in those that persist or in the decoders' windows; pairs and reads of the stacks that
  /// have a cache that persists, or of the decoders' windows.
  public enum Subject: Sendable { case cacheSize, globalCacheSize, localCacheSize, globalAttention, localAttention }

  /// Which form.
  public var id: Identifier
  /// In words and symbols.
  public var quantity: String
  /// What is counted: `vectors` held, (query, key) `pairs`, or `reads` of vectors.
  public var unit: String
  /// The printed form's value.
  public var published: Int128
  /// What is really counted.
  public var exact: Int128
  /// One sentence where the form is wrong or only asymptotic.
  public var note: String

  /// Published over exact; nil where nothing is exact to compare with.
  public var ratio: Double? { exact == 0 ? nil : Double(published) / Double(exact) }
}

/// Condition vectors that keeping every condition sequence holds over T tokens: `R_l`·⌈T/C_{≤l}⌉ of each level.
public func retainedVectors(_ model: Model, contextLength: Int) -> [Int128] {
  model.hierarchy.map { level in
    let chunks = contextLength / level.span + (contextLength % level.span == 0 ? 0 : 1)
    return Int128(level.conditionLength) * Int128(chunks)
  }
}

/// The forms of both versions of the paper that apply to an architecture.
///
/// They are about caches that keep everything: where a cache does not, no form applies.
/// - Source: arXiv:2512.20687 v1 §6 (`v1-…`), v2 §4 (`v2-…`), with `M_l` = ⌊·/C_{≤l}⌋ for every T/C_{≤l}
/// - Throws: `CountOverflow` where a count of the whole batch could exceed 2^126.
public func publishedForms(_ question: Question) throws(CountOverflow) -> [PublishedForm] {
  let levels = try activities(question)
  guard question.model.hasFullCaches else { return [] }
  let forms = Forms(question: question, levels: levels)
  switch question.model.structure {
  case .stack: return forms.vanilla
  case .hierarchy: return forms.firstVersion + forms.secondVersion
  }
}

private struct Forms {
  let question: Question
  let levels: [LevelActivity<Int128>]

  var model: Model { question.model }
  var workload: Workload { question.workload }
  var prompt: Int { workload.promptLength }
  var generated: Int { workload.generatedLength }
  var end: Int { prompt + generated }
  var range: ClosedRange<Int> { 1...model.levelCount }

  /// `M_l` of a number of tokens; M_0 is the tokens themselves.
  func stream(_ tokens: Int, _ level: Int) -> Int128 { Int128(tokens / model.metaContextLength(upTo: level)) }
  func chunk(_ level: Int) -> Int128 { Int128(model.levels[level].chunkLength) }
  func condition(_ level: Int) -> Int128 { Int128(model.levels[level].conditionLength) }
  func sum(_ term: (Int) -> Int128) -> Int128 { range.reduce(0) { $0 + term($1) } }

  /// Encoder positions in cache at the end.
  var held: Int128 {
    let drops =
      model.generation == .recursive && HierarchyWalk(model, prompt: prompt, generated: generated).dropAt <= end
    return drops ? levels.last!.unitsAtEnd : levels.reduce(0) { $0 + $1.unitsAtEnd }
  }

  /// Vectors in the full windows of the decoders that run; a chunk of one token is never open.
  var windows: Int128 {
    sum { level in
      let open = model.decoderRuns(at: level) && model.level(level).span > 1
      return open ? condition(level) + chunk(level) - 1 : 0
    }
  }

  var prefillPairs: Int128 { levels.reduce(0) { $0 + $1.encoder.prefill.pairs } }
  var localReads: Int128 { levels.reduce(0) { $0 + $1.decoder.decode.localReads } }

  var vanilla: [PublishedForm] {
    let stack = levels[0].decoder
    let (prompt, generated) = (Int128(prompt), Int128(generated))
    return [
      PublishedForm(
        id: .v2PrefillAttention, quantity: "prefill attention, T²", unit: "pairs", published: prompt * prompt,
        exact: stack.prefill.pairs, note: "Counts all pairs; causal attention computes T(T + 1)/2."),
      PublishedForm(
        id: .v2GlobalCacheSize, quantity: "global cache size, T", unit: "vectors", published: prompt + generated,
        exact: levels[0].unitsAtEnd, note: "Exact."),
      PublishedForm(
        id: .v2GlobalCacheReads, quantity: "global cache reads over the continuation, T²", unit: "reads",
        published: generated * generated, exact: stack.decode.cacheReads,
        note: "Asymptotic: leaves out the prompt, which every generated token reads, and counts a triangle as a square."
      ),
    ]
  }

  var firstVersion: [PublishedForm] {
    let squares = sum { stream(generated, $0) * chunk($0) * chunk($0) }
    let streams = sum { stream(end, $0) }
    let printed = streams + sum { stream(end, $0 - 1) * condition($0) }
    let retained = retainedVectors(model, contextLength: end).reduce(streams, +)
    let more = printed > Int128(end) ? "more than the T of vanilla" : "too many"
    return [
      PublishedForm(
        id: .v1CachePrinted, quantity: "cache size, Σ M_l + Σ M_{l−1}·R_l", unit: "vectors", published: printed,
        exact: retained,
        note:
          "Wrong: \(more), because a level has one condition sequence per chunk, not one per lower unit; exact is what "
          + "keeping every sequence takes, Σ M_l + Σ R_l·⌈T/C_{≤l}⌉, and the windowed design holds less still."
      ),
      PublishedForm(
        id: .v1CacheRetained, quantity: "cache size with every condition sequence kept, Σ M_l·(1 + R_l)",
        unit: "vectors", published: sum { stream(end, $0) * (1 + condition($0)) }, exact: retained,
        note: "Exact where T is a whole number of meta-contexts; an open chunk has a condition sequence too."),
      PublishedForm(
        id: .v1CacheWindowed, quantity: "cache size of the windowed design, Σ M_l + Σ (R_l + C_l)",
        unit: "vectors", published: streams + sum { condition($0) + chunk($0) }, exact: held + windows,
        note: "What the second version describes: windows hold R_l + C_l − 1 vectors at most, and recursive generation "
          + "keeps M_L alone; chunks that run side by side hold a window each."),
      PublishedForm(
        id: .v1PrefillAttention, quantity: "prefill attention, Σ M_l²", unit: "pairs",
        published: sum { stream(prompt, $0) * stream(prompt, $0) }, exact: prefillPairs,
        note: "Counts all pairs; causal attention computes M_l(M_l + 1)/2."),
      PublishedForm(
        id: .v1LocalAttention, quantity: "local attention over the continuation, Σ M_l·C_l²", unit: "pairs",
        published: squares, exact: localReads,
        note:
          "\(squares > localReads ? "Too many" : squares < localReads ? "Too few" : "Equal by chance") here: leaves out "
          + "the condition but counts the square C_l² for the triangle of a chunk's R_l + C_l − 1 positions, which is "
          + "(R_l + C_l − 1)(R_l + C_l)/2 pairs."),
    ]
  }

  var secondVersion: [PublishedForm] {
    let recursive = model.generation == .recursive
    func global(_ term: (Int) -> Int128) -> Int128 { recursive ? term(model.levelCount) : sum(term) }
    let cache = global { stream(end, $0) }
    let window = sum { condition($0) + chunk($0) }
    return [
      PublishedForm(
        id: .v2PrefillAttention, quantity: "prefill attention, Σ (T/C_{≤l})²", unit: "pairs",
        published: sum { stream(prompt, $0) * stream(prompt, $0) }, exact: prefillPairs,
        note: "Counts all pairs; causal attention computes M_l(M_l + 1)/2."),
      PublishedForm(
        id: .v2LocalCompute, quantity: "local keys per generated token, Σ (R_l + C_l) at most", unit: "pairs",
        published: window, exact: windows,
        note: "An upper bound, constant in T: the longest window is R_l + C_l − 1, and decoder l advances only every "
          + "C_{≤l−1} tokens."),
      PublishedForm(
        id: .v2GlobalCacheSize,
        quantity: recursive ? "global cache size, T/C_{≤L}" : "global cache size, Σ T/C_{≤l}", unit: "vectors",
        published: cache, exact: held,
        note: recursive ? "Exact after the drop; before it all levels are held." : "Exact."),
      PublishedForm(
        id: .v2GlobalCacheReads,
        quantity: "global cache reads over the continuation, " + (recursive ? "(T/C_{≤L})²" : "Σ (T/C_{≤l})²"),
        unit: "reads", published: global { stream(generated, $0) * stream(generated, $0) },
        exact: levels.reduce(0) { $0 + $1.encoder.decode.cacheReads },
        note: "Asymptotic: leaves out the prompt, which every unit reads, and counts a triangle as a square."),
      PublishedForm(
        id: .v2LocalCacheSize, quantity: "local cache size, Σ (R_l + C_l)", unit: "vectors", published: window,
        exact: windows,
        note:
          "One more per level than held: the last unit of a chunk is never fed; chunks that run side by side hold a "
          + "window each."),
      PublishedForm(
        id: .v2LocalCacheReads, quantity: "local cache reads over the continuation, Σ T·(R_l + C_l)/C_{≤l−1}",
        unit: "reads", published: sum { stream(generated, $0 - 1) * (condition($0) + chunk($0)) }, exact: localReads,
        note: "Asymptotic: every position is charged a full window, while position i reads i entries and the R_l "
          + "condition positions read too."),
    ]
  }
}
