import Architectures

/// What an entry is made of.
protocol EntryCounts: Sendable {
  /// Elements of the cache's type that one position takes in so many heads of a layer.
  func elements<N: Count>(of row: LayerRow<N>) -> N
}

extension EntryForm {
  /// The counts of each form.
  var counts: any EntryCounts {
    switch self {
    case .keyAndValue: KeyAndValue()
    }
  }
}

/// A key and a value in every head.
struct KeyAndValue: EntryCounts {
  func elements<N: Count>(of row: LayerRow<N>) -> N { row.entryElements }
}
