import Architectures

/// The dimensions of a choice of entries: queries of each group, products with keys that are compared, and what is read for
/// it.
public struct ScanShape: Hashable, Sendable {
  /// Sequences.
  public var groups: Int
  /// Rows of each group whose queries are read.
  public var queries: Int
  /// (Query, key) pairs of a group whose products are compared.
  public var pairs: Int
  /// Keys of a group that are compared, each of all key–value heads.
  public var keys: Int
  /// Rows of a group that are added to means, and means that are made.
  public var averaged: Int
  /// Rows of a group whose queries are rotated to another position.
  public var turned: Int
  /// Keys of a group that are rotated, in either direction.
  public var rotatedKeys: Int
  /// Representatives of a group that are read, each a key in the cache's type.
  public var representatives: Int
  /// Representatives of a group that are made, each the mean of so many keys, and written.
  public var made, keysOfEach: Int
  /// Heads and their width.
  public var layer: LayerShape
  /// What is read of keys, all groups together; nil: keys in the cache's type.
  public var traffic: EntryTraffic?

  /// Counts are those of a group.
  public init(
    groups: Int, queries: Int, pairs: Int, keys: Int, averaged: Int = 0, turned: Int = 0, rotatedKeys: Int = 0,
    representatives: Int = 0,
    made: Int = 0, keysOfEach: Int = 0, layer: LayerShape, traffic: EntryTraffic? = nil
  ) {
    self.groups = groups
    self.queries = queries
    self.pairs = pairs
    self.keys = keys
    self.averaged = averaged
    self.turned = turned
    self.rotatedKeys = rotatedKeys
    self.representatives = representatives
    self.made = made
    self.keysOfEach = keysOfEach
    self.layer = layer
    self.traffic = traffic
  }

  /// Keys of a group that are read: those that are compared, and those that representatives are made of.
  var keysRead: Int { keys + made * keysOfEach + representatives }
}

/// What the queries of a group read where entries are chosen for them.
public struct ChosenReads: Hashable, Sendable {
  /// (Query, key) pairs of a group.
  public var pairs: Int
  /// Entries of a group: once for each block of rows.
  public var entries: Int

  public init(pairs: Int, entries: Int) { (self.pairs, self.entries) = (pairs, entries) }
}
