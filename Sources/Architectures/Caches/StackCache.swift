/// How the persistent cache of one stack is kept: the plan, the heads that are exempt from it, and how the prompt is read.
public struct StackCache: Hashable, Sendable {
  /// Of every head that is not exempt.
  public var plan: CachePlan
  /// The heads that keep and read everything whatever the plan says.
  public var exempt: ExemptHeads
  /// Units of the prompt in one pass; nil: all of them.
  public var prefillChunk: Int?

  public init(_ plan: CachePlan = .full, exempt: ExemptHeads = .none, prefillChunk: Int? = nil) {
    self.plan = plan
    self.exempt = exempt
    self.prefillChunk = prefillChunk
  }

  /// Everything is kept and read by every head, and the prompt is read in one pass.
  public static var full: StackCache { StackCache() }

  /// Last units of the prompt that run behind each of its passes but the last, and leave nothing there.
  public var lookahead: Int { plan.retention.lookahead }

  /// Whether every head keeps and reads everything, and the prompt is read in one pass.
  public var isFull: Bool { plan.isFull && prefillChunk == nil }

  /// The layers of a stack of so many of one shape, each with its heads run by run: neighbours that are and do the same are
  /// one run.
  public func runs(of layers: Int, _ shape: LayerShape) -> Runs<LayerRun> {
    var runs: [LayerRun] = []
    for layer in 0..<layers {
      let run = LayerRun(layers: 1, shape: shape.at(layer: layer), heads: heads(of: layer, of: layers, shape))
      if let last = runs.last, last.heads == run.heads, last.shape == run.shape {
        runs[runs.count - 1].layers += 1
      } else {
        runs.append(run)
      }
    }
    guard let first = runs.first else { return Runs(LayerRun(layers: 0, shape: shape, cache: plan)) }
    return Runs(first, Array(runs.dropFirst()))
  }

  private func heads(of layer: Int, of layers: Int, _ shape: LayerShape) -> Runs<HeadRun> {
    var own = plan
    own.retention = plan.retention.at(layer: layer, of: layers)
    var runs: [HeadRun] = []
    for head in 0..<shape.keyValueHeads {
      let cache = exempt.contains(head: head, layer: layer) ? CachePlan.full : own
      if let last = runs.last, last.cache == cache {
        runs[runs.count - 1].count += 1
      } else {
        runs.append(HeadRun(1, cache))
      }
    }
    guard let first = runs.first else { return Runs(HeadRun(0, own)) }
    return Runs(first, Array(runs.dropFirst()))
  }
}

/// Key–value heads that keep and read everything beside others that do not: the retrieval heads of DuoAttention and
/// PruLong, or the global layers of models with sliding windows.
public enum ExemptHeads: Hashable, Sendable {
  case none
  /// The first heads of every layer, so many: as if roles had been learned and heads been reordered.
  case heads(Int)
  /// All heads of the first layers, so many (Qwen2's `max_window_layers`).
  case firstLayers(Int)
  /// All heads of every n-th layer, the n-th the first of them (Gemma 3: 6).
  case everyLayer(Int)
  /// For each layer one sign for each head: `1` is exempt, `0` is not.
  case roles([String])

  /// Whether a head is exempt.
  public func contains(head: Int, layer: Int) -> Bool {
    switch self {
    case .none: false
    case .heads(let count): head < count
    case .firstLayers(let count): layer < count
    case .everyLayer(let period): (layer + 1) % period == 0
    case .roles(let layers):
      layer < layers.count && layers[layer].dropFirst(head).first == "1"
    }
  }

  /// The exempt heads of the device that has the most: they are dealt out evenly, since the slowest is waited for.
  /// - Parameter heads: key–value heads of a device.
  func share(of devices: Int, heads: Int) -> ExemptHeads {
    func dealt(_ count: Int) -> Int { min((count + devices - 1) / devices, heads) }
    switch self {
    case .none, .firstLayers, .everyLayer: return self
    case .heads(let count): return .heads(dealt(count))
    case .roles(let layers):
      return .roles(
        layers.map { row in
          let count = dealt(row.count { $0 == "1" })
          return String(repeating: "1", count: count) + String(repeating: "0", count: heads - count)
        })
    }
  }

  /// What keeps it from being about a stack.
  func problems(layers: Int, _ shape: LayerShape) -> [Problem] {
    switch self {
    case .none: return []
    case .heads(let count):
      guard !(0...shape.keyValueHeads).contains(count) else { return [] }
      return [Problem("full_heads", "\(count)", accepted: Problem.accepted(0...shape.keyValueHeads))]
    case .firstLayers(let count):
      guard !(0...layers).contains(count) else { return [] }
      return [Problem("full_layers", "\(count)", accepted: Problem.accepted(0...layers))]
    case .everyLayer(let period):
      guard !(1...layers).contains(period) else { return [] }
      return [Problem("full_every", "\(period)", accepted: Problem.accepted(1...layers))]
    case .roles(let roles):
      let row = String(repeating: "1", count: shape.keyValueHeads)
      guard
        roles.count != layers || roles.contains(where: { $0.count != row.count || !$0.allSatisfy("01".contains) })
      else { return [] }
      return [
        Problem(
          "roles", "\(roles.count) rows" + (roles.first.map { ", the first \"\($0)\"" } ?? ""),
          accepted: "\(layers) rows, one for each layer, of \(shape.keyValueHeads) signs 0 or 1 such as \"\(row)\"")
      ]
    }
  }
}

extension StackCache {
  /// What keeps it from being the cache of a stack, with the keys of its section.
  /// - Parameter mostRows: units that one pass of generation may add.
  func problems(layers: Int, _ shape: LayerShape, mostRows: Int) -> [Problem] {
    var problems = plan.problems + exempt.problems(layers: layers, shape) + lookupProblems(shape)
    if let prefillChunk, !(1...Limits.promptLength).contains(prefillChunk) {
      problems.append(
        Problem("prefill_chunk", "\(prefillChunk)", accepted: Problem.accepted(1...Limits.promptLength)))
    }
    if case .streaming(let streaming) = plan.retention, streaming.evicts == .before {
      if prefillChunk.map({ $0 > streaming.window }) ?? true {
        problems.append(
          Problem(
            "prefill_chunk",
            prefillChunk.map { "\($0) units at once where room is made before a pass" }
              ?? "the whole prompt at once where room is made before a pass",
            accepted: "at most the window, \(streaming.window)"))
      }
      if mostRows > streaming.window {
        problems.append(
          Problem(
            "window", "\(streaming.window) where generation adds up to \(mostRows) units in a pass",
            accepted: "at least \(mostRows), or evicts: behind"))
      }
      // What makes room goes from the window, and has to have its form by then.
      let rows = max(prefillChunk ?? 0, mostRows)
      if plan.entry.residual > streaming.window - rows, rows <= streaming.window {
        problems.append(
          Problem(
            "residual",
            "\(plan.entry.residual) newest entries where up to \(rows) units make room in a window of \(streaming.window)",
            accepted: Problem.accepted(0...streaming.window - rows)))
      }
    }
    return problems
  }
}
