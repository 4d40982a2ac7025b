import Architectures
import Quantities

/// The activity of a stack as formulas in P, G, C_l and R_l: HierarchyWalk's derivation written down once more.
struct SymbolicActivity {
  var rows: Expression = 0
  var passes: Expression = 0
  var pairs: Expression = 0
  /// Entries read per layer; pairs unless prefill reads each persistent entry once.
  var reads: Expression = 0
  var calls: Expression = 0
  var callDispatches: Expression = 0
  var normRows: Expression = 0
  var normDispatches: Expression = 0
  /// Rows of the embedding table that feed the stack.
  var embeddingRows: Expression = 0
}

/// The symbols of one point.
struct PointSymbols {
  let model: Model
  let walk: HierarchyWalk
  let prompt: Expression
  let generated: Expression
  let end: Expression
  /// `E`, the drop of recursive generation.
  let drop: Expression
  /// `w`, whole meta-contexts that run chunk-parallel.
  let parallel: Expression
  private let promptLength: Int
  private let endLength: Int

  init(_ question: Question) {
    self.model = question.model
    walk = HierarchyWalk(
      question.model, prompt: question.workload.promptLength, generated: question.workload.generatedLength)
    prompt = .symbol("P", question.workload.promptLength)
    generated = .symbol("G", question.workload.generatedLength)
    end = .symbol("T", question.workload.promptLength + question.workload.generatedLength)
    drop = .symbol("E", walk.dropAt)
    parallel = .symbol("w", walk.parallel)
    promptLength = question.workload.promptLength
    endLength = question.workload.promptLength + question.workload.generatedLength
  }

  func span(_ level: Int) -> Expression { .symbol("C_{≤\(level)}", model.level(level).span) }
  func chunk(_ level: Int) -> Expression { .symbol("C_\(level)", model.levels[level].chunkLength) }
  func condition(_ level: Int) -> Expression { .symbol("R_\(level)", model.levels[level].conditionLength) }
  /// Chunks of a level that a parallel meta-context takes together instead of one by one, less one.
  func together(_ level: Int) -> Expression {
    parallel * (.floor(.symbol("B", model.metaContextLength), span(level)) - 1)
  }

  func vanilla(_ phase: Phase) -> SymbolicActivity {
    var activity = SymbolicActivity()
    let prefill = phase == .prefill
    activity.rows = prefill ? rows(of: prompt, at: 0) : generated
    activity.embeddingRows = activity.rows
    activity.passes = prefill ? passes(of: prompt, at: 0) : generated
    activity.pairs = prefill ? .triangle(prompt) : .triangle(end) - .triangle(prompt)
    activity.reads = prefill ? prompt : activity.pairs
    return activity
  }

  /// Passes that read so many units of the prompt.
  private func passes(of units: Expression, at level: Int) -> Expression {
    guard let chunk = model.cache(at: level).prefillChunk else { return .smaller(units, 1) }
    return .ceiling(units, .symbol("prefill_chunk", chunk))
  }

  /// Their rows: the units, and those that look ahead in every pass but the last.
  private func rows(of units: Expression, at level: Int) -> Expression {
    let cache = model.cache(at: level)
    guard cache.lookahead > 0, cache.prefillChunk != nil, units.value > 0 else { return units }
    return units + (passes(of: units, at: level) - 1) * .smaller(units, .symbol("window", cache.lookahead))
  }

  func encoder(_ level: Int, _ phase: Phase) -> SymbolicActivity {
    var activity = SymbolicActivity()
    let before = Expression.floor(prompt, span(level))
    if phase == .prefill {
      activity.rows = rows(of: before, at: level)
      activity.passes = passes(of: before, at: level)
      activity.pairs = .triangle(before)
      activity.reads = before
    } else {
      let stops = model.generation == .recursive && level < model.levelCount
      let after = Expression.floor(stops ? .smaller(end, drop) : end, span(level))
      activity.rows = after - before
      let shares = model.generation == .hierarchical && walk.parallel > 0 && level < model.levelCount
      activity.passes = shares ? activity.rows - together(level) : activity.rows
      activity.pairs = .triangle(after) - .triangle(before)
      activity.reads = activity.pairs
    }
    activity.calls = activity.rows
    activity.callDispatches = activity.passes
    activity.normRows = activity.rows
    activity.normDispatches = activity.passes
    if level == 1 { activity.embeddingRows = chunk(1) * activity.rows }
    return activity
  }

  func decoder(_ level: Int, _ phase: Phase) -> SymbolicActivity {
    var activity = phase == .prefill ? decoderPrefill(level) : decoderDecode(level)
    activity.reads = activity.pairs
    let fed = activity.rows - condition(level) * activity.calls
    if level > 1 {
      activity.normRows = activity.rows
      activity.normDispatches = activity.passes
    } else if model.decoderHasNorm(at: 1) {
      activity.normRows = fed
      activity.normDispatches = activity.passes - activity.callDispatches
    } else {
      activity.embeddingRows = fed
    }
    return activity
  }

  /// A closed chunk's positions and pairs.
  private func whole(_ level: Int) -> Expression { condition(level) + chunk(level) - 1 }

  /// Behind the prompt, and behind the last token.
  private enum Moment { case prompt, end }

  /// 1 if a chunk is open at a moment, 0 otherwise; and the positions that it has run.
  private func open(_ level: Int, at moment: Moment) -> (one: Expression, rows: Expression, fed: Expression) {
    let (tokens, name, length) =
      switch moment {
      case .prompt: (prompt, "P", promptLength)
      case .end: (end, "T", endLength)
      }
    let own = model.level(level)
    let units = Expression.symbol("u_\(level)(\(name))", length / own.spanBelow % own.chunkLength)
    return (.ceiling(tokens, span(level)) - .floor(tokens, span(level)), condition(level) + units, units)
  }

  private func decoderPrefill(_ level: Int) -> SymbolicActivity {
    var activity = SymbolicActivity()
    if level > 1 && model.decoderInput == .encoderState { return activity }
    let open = open(level, at: .prompt)
    activity.rows = open.one * open.rows
    activity.pairs = open.one * .triangle(open.rows)
    activity.calls = open.one
    let feedsItself = model.decoderFeedsItself(at: level)
    activity.passes = feedsItself ? open.one * (1 + open.fed) : open.one
    if level > 1 && model.decoderInput.feedsReconstructions {
      let carried = Expression.symbol("(N_\(level) − q_\(level) + 1)", carriedChunks(level))
      activity.rows = carried * whole(level) + activity.rows
      activity.pairs = carried * .triangle(whole(level)) + activity.pairs
      activity.calls = carried + open.one
      if carried.value > 0 { activity.passes = chunk(level) }
    }
    activity.callDispatches = .smaller(activity.calls, 1)
    return activity
  }

  private func carriedChunks(_ level: Int) -> Int128 {
    var walk = HierarchyWalk(model, prompt: promptLength, generated: 0)
    var carried: Int128 = 0
    for shape in model.levels.prefix(level) { carried = walk.advance(to: shape, as: Int128.self).carriedChunks }
    return carried
  }

  private func decoderDecode(_ level: Int) -> SymbolicActivity {
    var activity = SymbolicActivity()
    let late = level > 1 && model.decoderInput == .encoderState
    if late && (model.generation == .hierarchical || endLength <= walk.dropAt) { return activity }
    let start = late ? drop : prompt
    let after = open(level, at: .end)
    let chunks = Expression.floor(end, span(level)) - .floor(start, span(level))
    activity.rows = chunks * whole(level) + after.one * after.rows
    activity.pairs = chunks * .triangle(whole(level)) + after.one * .triangle(after.rows)
    activity.passes = chunks * chunk(level) + after.one * (1 + after.fed)
    if !late {
      let before = open(level, at: .prompt)
      activity.rows = activity.rows - before.one * before.rows
      activity.pairs = activity.pairs - before.one * .triangle(before.rows)
      activity.passes = activity.passes - before.one * (1 + before.fed)
    }
    activity.calls = .ceiling(end, span(level)) - .ceiling(start, span(level))
    activity.callDispatches = activity.calls
    if walk.parallel > 0 && level < model.levelCount {
      activity.passes = activity.passes - together(level) * chunk(level)
      activity.callDispatches = activity.calls - together(level)
    }
    return activity
  }
}
