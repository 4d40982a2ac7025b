import Architectures
import Quantities

/// What queries read, and what it takes to hold it.
extension KeyValueCache {
  /// How many of the entries that the heads of a run hold lie in the host's memory.
  func countAtHost(run: Int) -> Int {
    let held = held(run: run)
    return runs[run].methods.placing.atHost(of: held).clamped(to: 0..<held).count
  }

  /// The entries of a head of a run in one group, wherever they lie; nil for shapes and after a release.
  func headEntries(run index: Int, group: Int, head: Int) -> HeadEntries? {
    let run = runs[index]
    guard let own = entries(run.layer) else { return nil }
    return HeadEntries(
      shared: prefix?.entries(run.layer), sharedCount: prefix?.ownHeld(run: index) ?? 0, sharedGroup: group / share,
      own: own, group: group, head: run.heads.lowerBound + head)
  }

  /// What a query reads in the heads of a run, in order of position; nothing for shapes and after a release.
  /// - Parameters:
  ///   - appended: entries that the layer has appended and that are not yet marked as held.
  ///   - keys: of the layer, where they are not those that the cache holds.
  /// - Note: allocates nothing.
  func withSegments<Result>(
    run: Int, appended: Int, keys: UnsafeMutablePointer<Float>? = nil,
    _ body: (UnsafeBufferPointer<Segment<Float>>) -> Result
  ) -> Result {
    let (layer, heads, shared) = (runs[run].layer, runs[run].heads, prefix?.ownHeld(run: run) ?? 0)
    let end = shared + ownHeld(run: run)
    let order = placesUnderMask(run: run)
    let breaks = order.indices.dropFirst().count { order[$0] != order[$0 - 1] + 1 }
    let most = 2 + breaks
    return withUnsafeTemporaryAllocation(of: Segment<Float>.self, capacity: most) { segments in
      var count = 0
      func add(_ entries: Entries<Float>?, _ range: Range<Int>, share: Int) {
        guard let entries, !range.isEmpty else { return }
        segments.initializeElement(
          at: count,
          to: Segment(
            entries: entries, firstHead: heads.lowerBound, firstEntry: range.lowerBound, count: range.count,
            share: share))
        count += 1
      }
      /// A range of all entries, the prefix's first.
      func add(_ range: Range<Int>) {
        if let prefix { add(prefix.entries(layer), range.clamped(to: 0..<shared), share: share) }
        let own = range.clamped(to: shared..<end + appended)
        let entries = entries(layer).map { entries in keys.map { Entries(entries, keys: $0) } ?? entries }
        addOwn(entries, own.lowerBound - shared..<own.upperBound - shared)
      }
      /// A range of the own entries, each piece of it that lies side by side.
      func addOwn(_ entries: Entries<Float>?, _ range: Range<Int>) {
        guard !order.isEmpty else { return add(entries, range, share: 1) }
        func place(_ entry: Int) -> Int { entry < order.count ? Int(order[entry]) : entry }
        var start = range.lowerBound
        while start < range.upperBound {
          var end = start + 1
          while end < range.upperBound, place(end) == place(end - 1) + 1 { end += 1 }
          add(entries, place(start)..<place(start) + end - start, share: 1)
          start = end
        }
      }
      add(0..<end + appended)
      return body(UnsafeBufferPointer(rebasing: segments[..<count]))
    }
  }

  /// Where the entries of a run lie, in order of position, if a mask counts them in that order; empty where their order
  /// does not matter.
  private func placesUnderMask(run: Int) -> [Int32] {
    guard let retaining = runs[run].methods.retaining, retaining.mask > 0 else { return [] }
    precondition(!retaining.tallies, "a mask over entries that every head has in an order of its own")
    return places[run][0].places
  }

  // MARK: Reads

  /// What attention of a pass reads in the heads of a run, in all groups together.
  /// - Parameters:
  ///   - shape: of the attention; groups that bring as many rows as it says.
  /// - Returns: nil where all of it is keys and values in the cache's type.
  func reads(_ shape: AttentionShape, run index: Int) -> EntryTraffic? {
    let (run, found, queries) = (runs[index], held(run: index), shape.queries)
    guard !storesKeysAndValues else { return nil }
    // Where entries are chosen, all of them have their form.
    if let chosen = shape.chosen { return run.traffic(formed: chosen.entries, fresh: 0).map { shape.groups * $0 } }
    let formedEntries = 0..<formed(run: index, behind: queries)
    /// Entries that a number of rows sees, and those among them that have their form.
    func seen(by rows: Range<Int>) -> (all: Int, formed: Int) {
      let end = found + rows.upperBound
      let range = (shape.window == 0 ? 0 : max(found + rows.lowerBound + 1 - shape.window, 0))..<end
      return (range.count, range.clamped(to: formedEntries).count)
    }
    let parts = shape.readsOnce ? [seen(by: 0..<queries)] : (0..<queries).map { seen(by: $0..<$0 + 1) }
    let (all, formed) = parts.reduce((0, 0)) { ($0.0 + $1.all, $0.1 + $1.formed) }
    return run.traffic(formed: formed, fresh: all - formed).map { shape.groups * $0 }
  }

  // MARK: Sizes

  /// What the own entries take of the device's memory: the sum over layers and runs of heads.
  /// - Unit: bit, at the given element type; the executed memory is float32.
  public func bitsHeld(in element: ElementType) -> Int128 {
    bits(in: element) { (ownHeld(run: $0) - ownAtHost(run: $0), fresh: ownFresh(run: $0)) }
  }

  /// What this many entries of every group and head take in all layers.
  /// - Unit: bit
  public func bits(ofEntries count: Int, in element: ElementType) -> Int128 {
    bits(in: element) { (count, fresh: min(count, runs[$0].methods.form.residual)) }
  }

  private func bits(in element: ElementType, entries: (_ run: Int) -> (held: Int, fresh: Int)) -> Int128 {
    runs.indices.reduce(0) { sum, index in
      let (run, entries) = (runs[index], entries(index))
      let formed = run.methods.placing.allocated(for: entries.held) - entries.fresh
      let traffic =
        run.traffic(formed: formed, fresh: entries.fresh) ?? run.plainTraffic(formed + entries.fresh)
      return sum + Int128(groups) * traffic.bits(in: Int128(element.bits))
    }
  }

  /// Bytes of float32 that the memory has, or would have for shapes.
  var fullBytes: Int { 2 * layout.elements * MemoryLayout<Float>.stride }
}
