import Architectures
import Quantities
import TestModels

@testable import Reference
@testable import Tensors

/// A vanilla model that runs pass by pass over a cache which lies open: what `VanillaSession` does, step by step.
final class CacheWalk {
  let model: Model
  let weights: ModelWeights
  let machine: Machine
  let groups: Int
  private(set) var cache: KeyValueCache
  /// Overwrites memory that nobody may read any more after every pass.
  var poisons = false
  private let prompt: Int

  /// - Parameters:
  ///   - prompt: positions of the whole prompt, which its first passes bring.
  ///   - prepare: changes the weights before anything runs.
  init(
    _ model: Model, groups: Int = 1, prompt: Int, backend: Backend = .plain, trace: Trace? = nil,
    prepare: (ModelWeights) -> Void = { _ in }
  ) {
    (self.model, self.groups, self.prompt) = (model, groups, prompt)
    weights = ModelWeights(model, seed: 3, holdsNumbers: backend != .shapes)
    prepare(weights)
    machine = Machine(backend: backend, trace: trace)
    cache = KeyValueCache(model.tokenStack, groups: groups, capacity: 32, holdsNumbers: machine.holdsNumbers)
  }

  /// Tokens of a group at positions from the cache's next one on.
  static func tokens(_ positions: Range<Int>, group: Int) -> [Int32] {
    positions.map { Int32(($0 * $0 * 3 + $0 * 7 + group * 5 + 3) % 13) }
  }

  /// Passes of a prompt as the model reads it, then of so many generated tokens each.
  static func passes(_ model: Model, prompt: Int, generated: [Int]) -> [(queries: Int, isPrompt: Bool)] {
    let chunk = model.cache(at: 0).prefillChunk ?? prompt
    let starts = stride(from: 0, to: prompt, by: chunk)
    return starts.map { (min(chunk, prompt - $0), true) } + generated.map { ($0, false) }
  }

  /// - Parameter queries: positions, beside which the prompt's last ones may look ahead.
  /// - Returns: logits of the last position of every group; empty for shapes.
  @discardableResult
  func pass(_ queries: Int, isPrompt: Bool) -> [[Float]] {
    let (start, end) = (cache.nextPosition, cache.nextPosition + queries)
    let ahead = isPrompt && end < prompt ? max(prompt - cache.stack.lookahead, 0)..<prompt : end..<end
    let rows = queries + ahead.count
    let tokens = (0..<groups).flatMap { Self.tokens(start..<end, group: $0) + Self.tokens(ahead, group: $0) }
    let mark = machine.arena.mark
    defer { machine.arena.release(to: mark) }
    let embedded = machine.embed(tokens, table: weights.embedding, at: Node(0, .decoder, .embedding))
    let result = machine.run(
      weights.stack, embedded, cache: cache, queries: rows, readsOnce: isPrompt, lookahead: ahead.count,
      prompt: isPrompt ? prompt : nil)
    let logits = machine.head(
      result, norm: weights.stack.lastNorm, table: weights.head, at: Node(0, .decoder, .head))
    let last = (0..<groups).map { group in
      let row = group * rows + queries - 1
      return logits.elements.isEmpty ? [] : Array(logits.rows(row..<row + 1).elements)
    }
    if poisons {
      machine.arena.release(to: mark)
      cache.poison()
      // What the arena hands out next was somebody else's.
      let scratch = machine.arena.tensor(rows: 64, columns: 128)
      scratch.base?.update(repeating: .nan, count: scratch.count)
    }
    return last
  }

  /// Positions that are held, in ascending order: of every layer, group and key–value head.
  var positions: [[[[Int]]]] { cache.positions }

  /// The same with names.
  func held(layer: Int, group: Int = 0, head: Int = 0) -> [Int] { positions[layer][group][head] }
}

extension KeyValueCache {
  /// Positions that are held, in ascending order: of every layer, group and key–value head.
  var positions: [[[[Int]]]] {
    (0..<layerCount).map { layer in
      (0..<groups).map { group in
        runs(of: layer).flatMap { index in
          let run = runs[index]
          return run.heads.indices.map { place in
            guard let member = places[index].count > 1 ? group * run.heads.count + place : places[index].indices.first
            else { return Array(0..<ownHeld(run: index)) }
            return places[index][member].positions.map { Int($0) }
          }
        }
      }
    }
  }

  /// Makes NaN of all memory that holds no entry.
  func poison() {
    for (index, run) in runs.enumerated() {
      guard let entries = entries(run.layer) else { continue }
      let (held, width) = (ownHeld(run: index), layout.headWidth)
      for group in 0..<groups {
        for head in run.heads {
          for memory in [
            entries.keys(group: group, head: head, entry: held), entries.values(group: group, head: head, entry: held),
          ] {
            memory.update(repeating: .nan, count: (capacity - held) * width)
          }
        }
      }
    }
  }

  /// The key of a position in a head, which holds it.
  func key(_ position: Int, layer: Int, group: Int = 0, head: Int = 0) -> [Float] {
    let index = runs(of: layer).first { runs[$0].heads.contains(head) }!
    let run = runs[index]
    let members = places[index]
    var place = position
    if !members.isEmpty {
      let own = members[members.count > 1 ? group * run.heads.count + head - run.heads.lowerBound : 0]
      place = Int(own.places[own.positions.firstIndex(of: Int32(position))!])
    }
    let key = entries(layer)!.keys(group: group, head: head, entry: place)
    return (0..<layout.headWidth).map { key[$0] }
  }
}
