import Architectures

/// What an entry is made of, and what it takes to make it so and to read it.
///
/// An entry has two states: the newest entries of a head may stay as they came, a key and a value in the cache's element
/// type; once they are older they get the form in which they are kept. All counts are those of so many heads of a layer.
protocol EntryCounts: Sendable {
  /// Newest entries of a head that stay as they came; 0 where each gets its form at once.
  var residual: Int { get }
  /// Whether entries come otherwise than they are kept.
  var formsEntries: Bool { get }
  /// What one position takes in its form.
  func size<N: Count>(of row: LayerRow<N>, headWidth: Int) -> EntrySize<N>
  /// What its key takes.
  func keySize<N: Count>(of row: LayerRow<N>, headWidth: Int) -> EntrySize<N>
  /// Element-wise FLOP that give one position its form; nil where it comes so.
  func forming<N: Count>(of row: LayerRow<N>, headWidth: Int) -> N?
}

extension EntryCounts {
  var residual: Int { 0 }
  var formsEntries: Bool { false }
  func forming<N: Count>(of _: LayerRow<N>, headWidth _: Int) -> N? { nil }
}

/// What one position takes.
struct EntrySize<N: Count>: Hashable, Sendable {
  /// Elements of the cache's type.
  var elements: N?
  /// Bits of its own, whatever the cache's type.
  var ownBits: N?
  /// Element-wise FLOP that make of it what attention reads; nil where it is that.
  var reading: N?

  /// - Parameter element: bits of the cache's type.
  func bits(in element: N) -> N {
    switch (elements, ownBits) {
    case (let elements?, let ownBits?): elements * element + ownBits
    case (let elements?, nil): elements * element
    case (nil, let ownBits?): ownBits
    case (nil, nil): 0
    }
  }
}

extension EntryForm {
  /// The counts of each form.
  var counts: any EntryCounts {
    switch self {
    case .keyAndValue: KeyAndValue()
    case .quantised(let plan): QuantisedCounts(plan: plan)
    }
  }
}

/// A key and a value in every head.
struct KeyAndValue: EntryCounts {
  func size<N: Count>(of row: LayerRow<N>, headWidth _: Int) -> EntrySize<N> { EntrySize(elements: row.entryElements) }
  func keySize<N: Count>(of row: LayerRow<N>, headWidth _: Int) -> EntrySize<N> { EntrySize(elements: row.keyElements) }
}

/// Entries of a head by their states.
struct EntryAmount: Hashable, Sendable {
  /// In the form in which they are kept.
  var formed: Int
  /// As they came.
  var fresh: Int

  init(formed: Int, fresh: Int) { (self.formed, self.fresh) = (formed, fresh) }

  /// So many entries behind a pass, the newest of which are fresh.
  init(_ count: Int, residual: Int) {
    fresh = min(residual, count)
    formed = count - fresh
  }
}
