import Architectures
import CKernels

/// What retentions ask of the machine beside attention.
extension Machine {
  /// Adds the weights of voters to what the entries of every head have gathered.
  /// - Parameter keys: of the layer, where they are not those that the cache holds.
  func vote(
    _ voters: Voters, _ query: Tensor, cache: KeyValueCache, run index: Int, _ pass: PassPlace,
    keys: UnsafeMutablePointer<Float>?, at node: Node
  ) {
    let run = cache.runs[index]
    let groups = query.rows / pass.rows
    let weights: VoteShape.Weights = voters.candidates != .attended ? .own : pass.queries > 1 ? .again : .attention
    let skipped = voters.candidates == .pass ? pass.found : 0
    let voted = skipped..<pass.found + min(voters.queries.upperBound, pass.queries)
    let formed = voted.clamped(to: 0..<cache.formed(run: index, behind: pass.rows)).count
    trace?.record(
      .scoreEntries(
        VoteShape(
          groups: groups, queries: voters.queries.count, entries: voted.count, layer: run.shape,
          isBehind: voters.queries.lowerBound >= pass.queries, weights: weights, pooled: voters.pooled,
          isSmoothed: voters.smoothing != nil,
          keys: weights == .attention
            ? nil : run.keyTraffic(formed: formed, fresh: voted.count - formed).map { groups * $0 })), at: node,
      layer: run.layer)
    if let smoothing = voters.smoothing {
      return smooth(smoothing, query, cache: cache, run: run, pass, keys: keys)
    }
    // The votes of those who attended were counted with attention.
    guard voters.candidates != .attended, let rows = query.base, let entries = cache.entries(run.layer),
      let mass = run.mass?.base
    else { return }
    let votes = Votes(
      query: rows + run.queryColumns.lowerBound, columns: query.columns, rows: pass.rows,
      voters: voters.queries, voted: voted, found: pass.found, run: run, entries: entries, mass: mass,
      massColumns: run.mass!.columns)
    if backend == .fast { return votes.countFast(groups: groups) }
    Cut.run(votes, count: groups * run.heads.count, grain: 1) { part, context in
      let (votes, members) = Cut<Votes>.part(part, of: context)
      for member in members { votes.count(of: member) }
    }
  }

  /// Adds the smoothed weights of all queries of a pass.
  private func smooth(
    _ smoothing: Smoothing, _ query: Tensor, cache: KeyValueCache, run: CacheRun, _ pass: PassPlace,
    keys: UnsafeMutablePointer<Float>?
  ) {
    precondition(pass.lookahead == 0, "rows that look ahead leave no share of votes")
    guard let rows = query.base, let own = cache.entries(run.layer), let mass = run.mass, let base = mass.base else {
      return
    }
    let groups = query.rows / pass.rows
    let sums = arena.tensor(rows: groups * run.shape.heads, columns: pass.found + pass.queries)
    sums.base!.update(repeating: 0, count: sums.count)
    let votes = SmoothedVotes(
      smoothing: smoothing, query: rows + run.queryColumns.lowerBound, columns: query.columns, queries: pass.queries,
      found: pass.found, run: run, entries: keys.map { Entries(own, keys: $0) } ?? own, sums: sums.base!, mass: base,
      massColumns: mass.columns, backend: backend)
    Cut.run(votes, count: groups * run.shape.heads, grain: 1) { part, context in
      let (votes, members) = Cut<SmoothedVotes>.part(part, of: context)
      for member in members { votes.smooth(member) }
    }
    Cut.run(votes, count: groups * run.heads.count, grain: 1) { part, context in
      let (votes, members) = Cut<SmoothedVotes>.part(part, of: context)
      for member in members { votes.reduce(member) }
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
    let rotated = run.shape.style.rotatedWidth ?? layout.headWidth
    let angles = rotaryAngles(headWidth: rotated, positions: cache.positionRoom)
    // The rank of each entry among those that are held, by the place where it lies; of every head where they differ.
    let members = cache.places[index]
    let ranks = members.flatMap { member in
      var ranks = (0..<held + appended).map { Int32($0) }
      for (rank, place) in member.places.enumerated() { ranks[Int(place)] = Int32(rank) }
      return ranks
    }
    ranks.withUnsafeBufferPointer { ranks in
      let rotation = Rotation(
        from: entries, to: Entries(entries, keys: base), heads: run.heads, ranks: ranks, count: held + appended,
        areShared: members.count == 1, angles: angles, rotated: rotated, backend: backend)
      Cut.run(rotation, count: layout.groups * run.heads.count, grain: 1) { part, context in
        let (rotation, members) = Cut<Rotation>.part(part, of: context)
        for member in members { rotation.run(member) }
      }
    }
    return base
  }
}

/// Copies of the keys of a run of heads, each rotated by its entry's rank among those that are held.
private struct Rotation {
  let from, to: Entries<Float>
  let heads: Range<Int>
  /// By place, `count` of them, for all heads or for each one.
  let ranks: UnsafeBufferPointer<Int32>
  let count: Int
  let areShared: Bool
  let angles: RotaryAngles
  /// Features of a head that are rotated.
  let rotated: Int
  let backend: Backend

  /// - Parameter member: a group and a key–value head of the run.
  func run(_ member: Int) {
    let (group, head) = (member / heads.count, heads.lowerBound + member % heads.count)
    let (width, keys) = (from.layout.headWidth, to.keys(group: group, head: head))
    keys.update(from: from.keys(group: group, head: head), count: count * width)
    let ranks = ranks.baseAddress! + (areShared ? 0 : member * count)
    if backend == .fast, rotated == width {
      ck_rotate(count, 1, width, keys, width, angles.cosine, angles.sine, ranks, 0, 1)
    } else {
      for (place, rank) in UnsafeBufferPointer(start: ranks, count: count).enumerated() {
        PlainKernels<Float>.rotate(
          heads: 1, headWidth: width, rotated: rotated, keys + place * width,
          cosine: angles.cosine + Int(rank) * angles.half,
          sine: angles.sine + Int(rank) * angles.half)
      }
    }
  }
}

/// A softmax of its own for every voter, over the entries that it votes for, added up by entry: queries ascending, then
/// the heads that share a key.
private struct Votes {
  let query: UnsafePointer<Float>
  /// Of a group.
  let columns, rows: Int
  let voters: Range<Int>
  /// The entries that are voted for, and how many there were before the pass.
  let voted: Range<Int>
  let found: Int
  let run: CacheRun
  let entries: Entries<Float>
  let mass: UnsafeMutablePointer<Float>
  let massColumns: Int

  /// Entries that a voter votes for: those up to itself.
  private func seen(by voter: Int) -> Int { min(found + voter + 1, voted.upperBound) - voted.lowerBound }

  /// The same with vectors of entries, for every group. The kernel gives each query an entry more than the one before, so
  /// those that stand behind all entries come one at a time.
  func countFast(groups: Int) {
    let (layout, shape) = (entries.layout, run.shape)
    let isBehind = found + voters.lowerBound >= voted.upperBound
    for group in 0..<groups {
      var segment = ck_segment(
        keys: entries.keys(group: group, head: run.heads.lowerBound, entry: voted.lowerBound), values: nil,
        count: voted.count, headStride: layout.headStride, groupStride: layout.groupStride, share: 1)
      withUnsafePointer(to: &segment) { segment in
        for some in isBehind ? voters.map({ $0..<$0 + 1 }) : [voters] {
          var arguments = ck_attention(
            groups: 1, queries: some.count, past: seen(by: some.lowerBound) - 1, window: 0, heads: shape.heads,
            keyValueHeads: run.heads.count, headWidth: shape.headWidth, scale: 1 / Float(shape.headWidth).squareRoot(),
            q: query + (group * rows + some.lowerBound) * columns, ldq: columns, segments: segment, y: nil, ldy: 0,
            mass: mass + group * run.heads.count * massColumns + voted.lowerBound, ldmass: massColumns)
          ck_votes(&arguments)
        }
      }
    }
  }

  /// - Parameter member: a group and a key–value head of the run.
  func count(of member: Int) {
    let (group, head) = (member / run.heads.count, member % run.heads.count)
    let (width, sharing) = (run.shape.headWidth, run.shape.heads / run.heads.count)
    let keys = entries.keys(group: group, head: run.heads.lowerBound + head, entry: voted.lowerBound)
    let sums = mass + member * massColumns + voted.lowerBound
    withUnsafeTemporaryAllocation(of: Float.self, capacity: voted.count) { weights in
      for voter in voters {
        let visible = seen(by: voter)
        for shared in 0..<sharing {
          let row = query + (group * rows + voter) * columns + (head * sharing + shared) * width
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
