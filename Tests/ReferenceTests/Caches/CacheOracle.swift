import Architectures
import Foundation
import TestModels

@testable import Reference
@testable import Tensors

/// A vanilla model of one sequence in the plainest way, in double precision, written from the papers' words: every head
/// has a list of entries, attention looks at those in the list, and the list is cut by the method's rule.
final class CacheOracle {
  struct Entry {
    let position: Int
    /// Before rotation.
    let key: [Double]
    let value: [Double]
    var votes = 0.0
  }

  /// Over which keys the voters of a chunk have their softmax.
  enum ChunkSoftmax {
    /// Those of the chunk: what PruLong's code does.
    case chunk
    /// All that attention gave them to read: what its comment takes for the same.
    case everything
  }

  let model: Model
  let weights: ModelWeights
  /// The tokens of the whole prompt.
  private let promptTokens: [Int32]
  private let chunkSoftmax: ChunkSoftmax
  private var prompt: Int { promptTokens.count }
  /// By layer and key–value head.
  private(set) var entries: [[[Entry]]]
  private var nextPosition = 0
  /// The least difference of votes, over their size, that decided what stays; equal votes are decided by position.
  private(set) var closest = Double.infinity
  /// Sums over all passes of the entries that each query sees, by layer and key–value head.
  private(set) var pairs: [[Int]]
  /// Smoothed votes of a pass, entry by entry, of each query head of each layer.
  private var smoothed: [[[Double]]] = []
  /// Positions in the windows of a cascade, oldest first, by layer and key–value head.
  private var windows: [[[[Int]]]] = []

  private var layer: LayerShape { model.layer }
  private var sharing: Int { layer.heads / layer.keyValueHeads }

  init(_ weights: ModelWeights, prompt: [Int32], chunkSoftmax: ChunkSoftmax = .chunk) {
    (model, self.weights, promptTokens, self.chunkSoftmax) = (weights.model, weights, prompt, chunkSoftmax)
    let layers = weights.model.layers
    entries = Array(
      repeating: Array(repeating: [], count: weights.model.layer.keyValueHeads), count: layers)
    pairs = Array(repeating: Array(repeating: 0, count: weights.model.layer.keyValueHeads), count: layers)
    let none = Array(repeating: [Int](), count: 8)
    windows = Array(repeating: Array(repeating: none, count: weights.model.layer.keyValueHeads), count: layers)
  }

  var positions: [[[Int]]] { entries.map { $0.map { $0.map(\.position) } } }

  private func retention(layer: Int, head: Int) -> Retention {
    let cache = model.cache(at: 0)
    return cache.exempt.contains(head: head, layer: layer) ? .everything : cache.plan.retention
  }

  // MARK: The model

  private var matrices: [UnsafeMutablePointer<Float>: [[Double]]] = [:]

  private func matrix(_ tensor: Tensor) -> [[Double]] {
    if let known = matrices[tensor.base!] { return known }
    let numbers = tensor.elements.map(Double.init)
    let made = (0..<tensor.rows).map { Array(numbers[$0 * tensor.columns..<($0 + 1) * tensor.columns]) }
    matrices[tensor.base!] = made
    return made
  }

  private func product(_ map: Tensor, _ x: [Double]) -> [Double] {
    matrix(map).map { row in
      var sum = 0.0
      for index in row.indices { sum += row[index] * x[index] }
      return sum
    }
  }

  private static func norm(_ x: [Double], _ weight: Tensor) -> [Double] {
    let size = (x.reduce(0) { $0 + $1 * $1 } / Double(x.count) + 1e-5).squareRoot()
    return zip(x, weight.elements).map { $0 / size * Double($1) }
  }

  /// Pairs (i, i + d/2) turned by the position times 10000^(−2i/d).
  private static func rotated(_ x: [Double], by position: Int) -> [Double] {
    let half = x.count / 2
    var result = x
    for index in 0..<half {
      let angle = Double(position) * pow(10_000, -2 * Double(index) / Double(x.count))
      result[index] = x[index] * cos(angle) - x[index + half] * sin(angle)
      result[index + half] = x[index + half] * cos(angle) + x[index] * sin(angle)
    }
    return result
  }

  private static func softmax(_ scores: [Double]) -> [Double] {
    let largest = scores.max() ?? 0
    let powers = scores.map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  /// The patched form: "we append the last 64 tokens of the prompt to the chunk", of every chunk but the last.
  private func patch(_ tokens: [Int32], isPrompt: Bool) -> [Int32] {
    guard case .chunked(let plan) = model.cache(at: 0).plan.retention, plan.patched, isPrompt,
      nextPosition + tokens.count < prompt
    else { return [] }
    return promptTokens.suffix(plan.window)
  }

  /// - Returns: logits of the last token.
  func pass(_ tokens: [Int32], isPrompt: Bool) -> [Double] {
    for layer in entries.indices {
      for head in entries[layer].indices {
        makeRoom(&entries[layer][head], retention(layer: layer, head: head), for: tokens.count)
      }
    }
    smoothed = entries.map { _ in Array(repeating: [], count: self.layer.heads) }
    let table = matrix(weights.embedding)
    let patch = patch(tokens, isPrompt: isPrompt)
    var rows = (tokens + patch).map { table[Int($0)] }
    for index in entries.indices { rows = run(index, rows, of: tokens.count, isPrompt: isPrompt) }
    // The patch leaves no entry, and the counter of tokens is where the chunk ends.
    for layer in entries.indices {
      for head in entries[layer].indices { entries[layer][head].removeLast(patch.count) }
    }
    nextPosition += tokens.count
    for layer in entries.indices {
      for head in entries[layer].indices {
        cut(
          &entries[layer][head], retention(layer: layer, head: head), layer: layer, head: head,
          queries: tokens.count, isPrompt: isPrompt)
      }
    }
    return product(weights.head, Self.norm(rows[tokens.count - 1], weights.stack.lastNorm))
  }

  /// - Parameter queries: rows of the pass; those behind them are its patch.
  private func run(_ index: Int, _ rows: [[Double]], of queries: Int, isPrompt: Bool) -> [[Double]] {
    let (own, width, heads) = (weights.stack.layers[index], layer.headWidth, layer.heads)
    let joint = rows.map { product(own.queryKeyValue.weight, Self.norm($0, own.attentionNorm)) }
    func feature(_ row: Int, _ head: Int) -> [Double] { Array(joint[row][head * width..<(head + 1) * width]) }
    var attended = rows.map { _ in [Double](repeating: 0, count: heads * width) }
    for head in 0..<layer.keyValueHeads {
      let retention = retention(layer: index, head: head)
      let found = entries[index][head].count
      for row in rows.indices {
        entries[index][head].append(
          Entry(
            position: nextPosition + row, key: feature(row, heads + head),
            value: feature(row, heads + layer.keyValueHeads + head)))
      }
      for row in rows.indices {
        let seen = seen(by: row, found: found, retention)
        pairs[index][head] += seen.count
        for member in head * sharing..<(head + 1) * sharing {
          let query = feature(row, member)
          let weights = Self.softmax(scores(query, row, seen, layer: index, head: head, retention, found: found))
          for (weight, entry) in zip(weights, seen) {
            for feature in 0..<width {
              attended[row][member * width + feature] += weight * entries[index][head][entry].value[feature]
            }
          }
          vote(
            query, row, of: queries, seen, weights, layer: index, head: head, member: member, retention, found: found,
            isPrompt: isPrompt)
        }
      }
    }
    return rows.indices.map { row in
      let residual = zip(rows[row], product(own.output.weight, attended[row])).map(+)
      let hidden = product(own.gateUp.weight, Self.norm(residual, own.feedForwardNorm))
      let active = (0..<layer.feedForward).map {
        hidden[$0] / (1 + exp(-hidden[$0])) * hidden[$0 + layer.feedForward]
      }
      return zip(residual, product(own.down.weight, active)).map(+)
    }
  }

  private func scores(
    _ query: [Double], _ row: Int, _ seen: [Int], layer: Int, head: Int, _ retention: Retention, found: Int
  ) -> [Double] {
    let byPlace =
      switch retention {
      case .streaming(let plan): plan.positions == .cache
      case .cascading(let plan): plan.positions == .cache
      default: false
      }
    let turned = Self.rotated(query, by: byPlace ? found + row : nextPosition + row)
    return seen.map { entry in
      let own = entries[layer][head][entry]
      let key = Self.rotated(own.key, by: byPlace ? entry : own.position)
      return zip(turned, key).reduce(0) { $0 + $1.0 * $1.1 } / Double(query.count).squareRoot()
    }
  }

  // MARK: The methods

  /// Indices of the entries that a row sees: what was found, and the pass up to itself.
  private func seen(by row: Int, found: Int, _ retention: Retention) -> [Int] {
    let all = Array(0..<found + row + 1)
    if case .slidingWindow(let window) = retention { return all.suffix(window) }
    return all
  }

  /// StreamingLLM's `evict_for_space`: S + W entries hold those that are about to come.
  private func makeRoom(_ entries: inout [Entry], _ retention: Retention, for queries: Int) {
    guard case .streaming(let plan) = retention, plan.evicts == .before,
      entries.count + queries > plan.sinks + plan.window
    else { return }
    entries = Array(entries.prefix(plan.sinks)) + entries.dropFirst(plan.sinks).suffix(plan.window - queries)
  }

  private func vote(
    _ query: [Double], _ row: Int, of queries: Int, _ seen: [Int], _ weights: [Double], layer: Int, head: Int,
    member: Int, _ retention: Retention, found: Int, isPrompt: Bool
  ) {
    func add(_ weights: [Double], _ indices: [Int]) {
      for (weight, entry) in zip(weights, indices) { entries[layer][head][entry].votes += weight }
    }
    switch retention {
    case .everything, .slidingWindow, .streaming: break
    case .heavyHitters: add(weights, seen)
    case .snapKV(let votes):
      if isPrompt, nextPosition + row >= prompt - votes.window { add(weights, seen) }
    case .pyramidKV(let plan):
      if isPrompt, nextPosition + row >= prompt - plan.votes.window { add(weights, seen) }
    case .chunked(let plan):
      let isPatched = plan.patched && nextPosition + queries < prompt
      guard isPrompt, isPatched ? row >= queries : row >= queries - plan.window else { break }
      switch chunkSoftmax {
      case .chunk:
        // A softmax of its own, over the keys of the chunk alone.
        let own = seen.filter { $0 >= found && $0 < found + queries }
        add(Self.softmax(scores(query, row, own, layer: layer, head: head, retention, found: found)), own)
      case .everything: add(weights, seen)
      }
    case .cascading(let plan):
      // "s ← β·s + (1 − β)·a", whose last factor changes no order.
      var votes = smoothed[layer][member]
      votes += [Double](repeating: 0, count: entries[layer][head].count - votes.count)
      for index in votes.indices { votes[index] *= plan.beta }
      for (weight, entry) in zip(weights, seen) { votes[entry] += weight }
      smoothed[layer][member] = votes
    }
  }

  /// What the pass has added to the votes of each entry of a head: those of its query heads, or of all that cascade.
  private func reduced(_ plan: Cascading, layer: Int, head: Int) -> [Double] {
    let members = (0..<self.layer.heads).filter {
      plan.homogeneous ? !smoothed[layer][$0].isEmpty : $0 / sharing == head
    }
    return smoothed[layer][members[0]].indices.map { index in
      let votes = members.map { smoothed[layer][$0][index] }.sorted()
      return switch plan.reduction {
      case .max: votes[votes.count - 1]
      case .mean: votes.reduce(0, +) / Double(votes.count)
      case .median: votes[(votes.count - 1) / 2]
      }
    }
  }

  /// Algorithm of the paper's appendix: every token is put into the first window, and so on.
  private func cascaded(_ given: [Entry], _ plan: Cascading, layer: Int, head: Int, queries: Int) -> [Entry] {
    var entries = given
    for (index, votes) in reduced(plan, layer: layer, head: head).enumerated() {
      entries[index].votes = pow(plan.beta, Double(queries)) * entries[index].votes + votes
    }
    let votes = Dictionary(uniqueKeysWithValues: entries.map { ($0.position, $0.votes) })
    for token in entries.suffix(queries).map(\.position) where token >= plan.sinks {
      var pushed: Int? = token
      for index in 0..<plan.cascades {
        guard let entry = pushed else { break }
        let isEager = plan.eager && token <= plan.sinks + plan.cascades * plan.window
        let window = windows[layer][head][index]
        if isEager || (token - plan.sinks) % plan.period(ofWindow: index) == 0 {
          windows[layer][head][index] = (window + [entry]).suffix(plan.window)
          pushed = window.count == plan.window ? window[0] : nil
        } else {
          pushed = nil
          guard let newest = window.last else {
            windows[layer][head][index] = [entry]
            continue
          }
          let (own, other) = (votes[entry]!, votes[newest]!)
          if own != other { closest = min(closest, abs(own - other) / max(own, other)) }
          if own >= other { windows[layer][head][index][window.count - 1] = entry }
        }
      }
    }
    let held = Set(windows[layer][head].joined())
    return entries.filter { $0.position < plan.sinks || held.contains($0.position) }
  }

  private func cut(
    _ entries: inout [Entry], _ retention: Retention, layer: Int, head: Int, queries: Int, isPrompt: Bool
  ) {
    let end = entries.count
    let endsPrompt = isPrompt && nextPosition == prompt
    switch retention {
    case .everything: break
    case .slidingWindow(let window): entries = entries.suffix(window - 1)
    case .streaming(let plan):
      if end > plan.sinks + plan.window {
        entries = Array(entries.prefix(plan.sinks)) + entries.suffix(plan.window)
      }
    case .heavyHitters(let plan):
      if end > plan.heavy + plan.recent {
        let votes = entries.map(\.votes).dropLast(plan.recent)
        entries = best(plan.heavy, of: Array(votes)).map { entries[$0] } + entries.suffix(plan.recent)
      }
    case .snapKV(let votes):
      if endsPrompt { entries = voted(entries, votes, votes.budget) }
    case .pyramidKV(let plan):
      if endsPrompt {
        let budget = Self.pyramid(
          layers: model.layers, prompt: prompt, budget: plan.votes.budget, window: plan.votes.window, beta: plan.beta)
        entries = voted(entries, plan.votes, budget[layer])
      }
    case .chunked(let plan):
      guard isPrompt else { break }
      let chunk = Array(entries.suffix(queries))
      var budget = Int((1 - plan.sparsity) * Double(queries))
      // "+64 if patched and not last"
      if plan.patched, nextPosition < prompt { budget += plan.window } else { budget = max(budget, plan.window) }
      let votes = SnapKV(budget: budget, window: plan.window, kernel: plan.kernel)
      let own =
        plan.budgets == .uniform
        ? budget
        : Self.pyramid(
          layers: model.layers, prompt: queries, budget: budget, window: plan.window, beta: plan.beta)[layer]
      entries = entries.dropLast(queries) + voted(chunk, votes, own)
    case .cascading(let plan): entries = cascaded(entries, plan, layer: layer, head: head, queries: queries)
    }
  }

  /// The entries of a prompt, or of a chunk of one, that stay.
  private func voted(_ entries: [Entry], _ votes: SnapKV, _ budget: Int) -> [Entry] {
    guard entries.count > budget else { return entries }
    let candidates = entries.dropLast(votes.window).map(\.votes)
    let reach = votes.kernel / 2
    let padded = [Double](repeating: 0, count: reach) + candidates + [Double](repeating: 0, count: reach)
    let pooled = candidates.indices.map { index in
      let kernel = padded[index..<index + votes.kernel]
      return votes.pooling == .average ? kernel.reduce(0, +) / Double(votes.kernel) : kernel.max()!
    }
    return best(budget - votes.window, of: pooled).map { entries[$0] } + entries.suffix(votes.window)
  }

  /// The largest votes one by one, the lower index of two that are equal.
  private func best(_ count: Int, of votes: [Double]) -> [Int] {
    var left = Array(votes.indices)
    var chosen: [Int] = []
    for _ in 0..<min(count, left.count) {
      var winner = left[0]
      for index in left where votes[index] > votes[winner] { winner = index }
      chosen.append(winner)
      left.removeAll { $0 == winner }
    }
    if let last = chosen.map({ votes[$0] }).min(), let next = left.map({ votes[$0] }).max(), last != next {
      closest = min(closest, (last - next) / last)
    }
    return chosen.sorted()
  }

  /// PyramidKV's capacities by layer, their windows included.
  static func pyramid(layers: Int, prompt: Int, budget: Int, window: Int, beta: Int) -> [Int] {
    let mean = budget - window
    if prompt < budget { return Array(repeating: prompt, count: layers) }
    if prompt < 2 * mean || layers == 1 { return Array(repeating: budget, count: layers) }
    var low = mean / beta
    var high = 2 * mean - low
    if high >= prompt - window {
      high = prompt - window
      low = 2 * mean - high
    }
    return (0..<layers).map { high - $0 * ((high - low) / (layers - 1)) + window }
  }
}
