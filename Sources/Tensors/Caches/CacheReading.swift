import Architectures
import Quantities

/// What queries read, and what it takes to hold it.
extension KeyValueCache {
  /// The held entries that the queries of the next pass read in the heads of a run; nil: all of them.
  func chosen(run: Int) -> [Range<Int>]? { runs[run].methods.lookingUp?.chosen(of: held(run: run)) }

  /// How many those are.
  func count(of chosen: [Range<Int>]?, run: Int) -> Int {
    chosen.map { $0.reduce(0) { $0 + $1.count } } ?? held(run: run)
  }

  /// How many of those lie in the host's memory.
  func countAtHost(of chosen: [Range<Int>]?, run: Int) -> Int {
    let held = held(run: run)
    let away = runs[run].methods.placing.atHost(of: held)
    return chosen.map { $0.reduce(0) { $0 + $1.clamped(to: away).count } } ?? away.clamped(to: 0..<held).count
  }

  /// What a query reads in the heads of a run, in order of position; nothing for shapes and after a release.
  /// - Parameters:
  ///   - chosen: of the entries held, the prefix's included; nil: all of them.
  ///   - appended: entries that the layer has appended and that are not yet marked as held.
  ///   - keys: of the layer, where they are not those that the cache holds.
  /// - Note: allocates nothing.
  func withSegments<Result>(
    run: Int, chosen: [Range<Int>]? = nil, appended: Int, keys: UnsafeMutablePointer<Float>? = nil,
    _ body: (UnsafeBufferPointer<Segment<Float>>) -> Result
  ) -> Result {
    let (layer, heads, shared) = (runs[run].layer, runs[run].heads, prefix?.ownHeld(run: run) ?? 0)
    let end = shared + ownHeld(run: run)
    let order = placesUnderMask(run: run)
    let breaks = order.indices.dropFirst().count { order[$0] != order[$0 - 1] + 1 }
    let most = 2 * (chosen?.count ?? 0) + 2 + breaks
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
      if let chosen {
        for range in chosen { add(range) }
        add(end..<end + appended)
      } else {
        add(0..<end + appended)
      }
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

  // MARK: Sizes

  /// What the own entries take of the device's memory: the sum over layers and runs of heads.
  /// - Unit: bit, at the given element type; the executed memory is float32.
  public func bitsHeld(in element: ElementType) -> Int128 { bits(in: element) { ownHeld(run: $0) } }

  /// What this many entries of every group and head take in all layers.
  /// - Unit: bit
  public func bits(ofEntries count: Int, in element: ElementType) -> Int128 { bits(in: element) { _ in count } }

  private func bits(in element: ElementType, entries: (_ run: Int) -> Int) -> Int128 {
    runs.indices.reduce(0) { sum, index in
      let (run, width) = (runs[index], layout.headWidth)
      let heads = Int128(groups * run.heads.count) * Int128(run.methods.placing.allocated(for: entries(index)))
      return sum + heads * Int128(run.methods.form.bits(headWidth: width, in: element))
    }
  }

  /// Bytes of float32 that the memory has, or would have for shapes.
  var fullBytes: Int { 2 * layout.elements * MemoryLayout<Float>.stride }
}
