import Architectures
import CKernels

/// What retentions ask of the machine beside attention.
extension Machine {
  /// Adds the weights of voters to what the entries of every head have gathered.
  func vote(
    _ voters: Voters, _ query: Tensor, cache: KeyValueCache, run index: Int, _ pass: PassPlace, at node: Node
  ) {
    let run = cache.runs[index]
    let groups = query.rows / pass.queries
    let weights: VoteShape.Weights = voters.candidates != .attended ? .own : pass.queries > 1 ? .again : .attention
    let skipped = voters.candidates == .pass ? pass.found : 0
    let voted = skipped..<pass.found + voters.queries.upperBound
    let formed = voted.clamped(to: 0..<cache.formed(run: index, behind: pass.queries)).count
    trace?.record(
      .scoreEntries(
        VoteShape(
          groups: groups, queries: voters.queries.count, entries: voted.count, layer: run.shape, weights: weights,
          pooled: voters.pooled,
          keys: weights == .attention
            ? nil : run.keyTraffic(formed: formed, fresh: voted.count - formed).map { groups * $0 })), at: node,
      layer: run.layer)
    // The votes of those who attended were counted with attention.
    guard voters.candidates != .attended, let rows = query.base, let entries = cache.entries(run.layer),
      let mass = run.mass?.base
    else { return }
    let votes = Votes(
      query: rows + run.queryColumns.lowerBound, columns: query.columns, queries: pass.queries,
      voters: voters.queries, first: skipped, found: pass.found, run: run, entries: entries, mass: mass,
      massColumns: run.mass!.columns)
    Cut.run(votes, count: groups * run.heads.count, grain: 1) { part, context in
      let (votes, members) = Cut<Votes>.part(part, of: context)
      for member in members { votes.count(of: member) }
    }
  }

  /// The keys of a layer, those of a run of heads rotated by their places among the entries that are held.
  /// - Returns: nil for shapes. They lie as the cache's own, in the arena.
  func rotatedKeys(_ cache: KeyValueCache, run index: Int, appended: Int) -> UnsafeMutablePointer<Float>? {
    let run = cache.runs[index]
    guard let entries = cache.entries(run.layer) else { return nil }
    let (layout, held) = (cache.layout, cache.ownHeld(run: index))
    let scratch = arena.tensor(rows: layout.layerStride / layout.headWidth, columns: layout.headWidth)
    guard let base = scratch.base else { return nil }
    let angles = rotaryAngles(headWidth: layout.headWidth, positions: cache.positionRoom)
    let result = Entries(entries, keys: base)
    let places = cache.places[index][0].places
    for member in 0..<layout.groups * run.heads.count {
      let (group, head) = (member / run.heads.count, run.heads.lowerBound + member % run.heads.count)
      result.keys(group: group, head: head)
        .update(from: entries.keys(group: group, head: head), count: (held + appended) * layout.headWidth)
      for rank in 0..<held + appended {
        let place = rank < held ? Int(places[rank]) : rank
        let key = result.keys(group: group, head: head, entry: place)
        if backend == .fast {
          ck_rotate(
            1, 1, layout.headWidth, key, layout.headWidth, angles.cosine, angles.sine, nil, rank, 1)
        } else {
          PlainKernels<Float>.rotate(
            heads: 1, headWidth: layout.headWidth, key, cosine: angles.cosine + rank * angles.half,
            sine: angles.sine + rank * angles.half)
        }
      }
    }
    return base
  }
}

/// A softmax of its own for every voter, over the entries that it votes for, added up by entry: queries ascending, then
/// the heads that share a key.
private struct Votes {
  let query: UnsafePointer<Float>
  let columns, queries: Int
  let voters: Range<Int>
  /// The first entry that is voted for, and how many there were before the pass.
  let first, found: Int
  let run: CacheRun
  let entries: Entries<Float>
  let mass: UnsafeMutablePointer<Float>
  let massColumns: Int

  /// - Parameter member: a group and a key–value head of the run.
  func count(of member: Int) {
    let (group, head) = (member / run.heads.count, member % run.heads.count)
    let (width, sharing) = (run.shape.headWidth, run.shape.heads / run.heads.count)
    let keys = entries.keys(group: group, head: run.heads.lowerBound + head, entry: first)
    let sums = mass + member * massColumns + first
    withUnsafeTemporaryAllocation(of: Float.self, capacity: found + queries - first) { weights in
      for voter in voters {
        let visible = found + voter + 1 - first
        for shared in 0..<sharing {
          let row = query + (group * queries + voter) * columns + (head * sharing + shared) * width
          PlainKernels<Float>.attentionWeights(
            headWidth: width, query: row,
            segments: [(keys: UnsafePointer(keys), values: UnsafePointer(keys), count: visible)],
            into: weights.baseAddress!)
          for entry in 0..<visible { sums[entry] += weights[entry] }
        }
      }
    }
  }
}
