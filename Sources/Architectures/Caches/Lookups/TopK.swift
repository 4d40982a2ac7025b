/// Dynamic sparsity in its purest form: every query reads the entries whose keys it has the largest products with, and its
/// own. The scores of all entries are computed for that. A reference point for methods that search.
public struct TopK: Hashable, Sendable {
  /// Entries before a query that it reads.
  public var k: Int

  public init(k: Int) { self.k = k }

  init?(_ settings: some CacheSettings) {
    guard let k = settings.integer("k", in: 1...Limits.promptLength, usual: nil) else { return nil }
    self.init(k: k)
  }

  var settings: [(key: String, value: CacheSetting)] { [("k", .integer(k))] }
}
