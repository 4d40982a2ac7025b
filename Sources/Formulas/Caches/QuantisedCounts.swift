import Architectures

/// Groups of neighbouring features in few bits, with a scale, and integers with a zero point too.
struct QuantisedCounts: EntryCounts {
  let plan: Quantisation
  var residual: Int { plan.residual }
  var formsEntries: Bool { true }

  private var elementBits: Int {
    switch plan.format {
    case .int8, .fp8: 8
    case .int4: 4
    }
  }

  /// Scale and zero point of 16 bits each; floating point has no zero point.
  private var groupBits: Int {
    switch plan.format {
    case .int8, .int4: 32
    case .fp8: 16
    }
  }

  /// Of an element of a group: product with the scale, sum with the zero point.
  private var readingElement: Int {
    switch plan.format {
    case .int8, .int4: 2
    case .fp8: 1
    }
  }

  /// Of an element: minimum, maximum, difference, quotient, rounding; for floating point the maximum of magnitudes,
  /// quotient, rounding.
  private var formingElement: Int {
    switch plan.format {
    case .int8, .int4: 5
    case .fp8: 3
    }
  }

  /// Of a group: its range, and the scale as a quotient; for floating point the quotient alone.
  private var formingGroup: Int {
    switch plan.format {
    case .int8, .int4: 2
    case .fp8: 1
    }
  }

  /// ⌈d/g⌉
  private func groups(_ headWidth: Int) -> Int { (headWidth + plan.group - 1) / plan.group }

  private func size<N: Count>(_ elements: N, groups: N) -> EntrySize<N> {
    EntrySize(
      ownBits: elements * N.whole(elementBits) + groups * N.whole(groupBits),
      reading: elements * N.whole(readingElement))
  }

  func size<N: Count>(of row: LayerRow<N>, headWidth: Int) -> EntrySize<N> {
    size(row.entryElements, groups: N.whole(2 * groups(headWidth)) * row.dimensions.keyValueHeads)
  }

  func keySize<N: Count>(of row: LayerRow<N>, headWidth: Int) -> EntrySize<N> {
    size(row.keyElements, groups: N.whole(groups(headWidth)) * row.dimensions.keyValueHeads)
  }

  func forming<N: Count>(of row: LayerRow<N>, headWidth: Int) -> N? {
    row.entryElements * N.whole(formingElement)
      + N.whole(2 * groups(headWidth) * formingGroup) * row.dimensions.keyValueHeads
  }
}
