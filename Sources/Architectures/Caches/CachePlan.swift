/// How persistent caches keep, read and store keys and values: four choices that do not depend on one another.
///
/// Values only. What a choice costs stands in Formulas/Caches and what it does in Tensors/Caches, one file for each
/// method; CONTRIBUTING.md lists the files of a new one. Local windows of decoders keep and read everything.
public struct CachePlan: Hashable, Sendable {
  /// Which entries stay.
  public var retention: Retention
  /// Which of the stored entries a query reads.
  public var lookup: Lookup
  /// What an entry is.
  public var entry: EntryForm
  /// Where it lies.
  public var placement: Placement

  /// Every choice that is not made is the trivial one.
  @inlinable
  public init(
    retention: Retention = .everything, lookup: Lookup = .everything, entry: EntryForm = .keyAndValue,
    placement: Placement = .contiguous
  ) {
    self.retention = retention
    self.lookup = lookup
    self.entry = entry
    self.placement = placement
  }

  /// A key and a value of every position, one behind another, each read by every later query.
  @inlinable public static var full: CachePlan { CachePlan() }

  /// Whether everything is kept and read, as it is and where it is.
  @inlinable public var isFull: Bool { self == .full }

  /// What keeps the choices' settings from working, each by itself and together.
  public var problems: [Problem] {
    retention.problems + lookup.problems + entry.problems + placement.problems + residualProblems + lookupProblems
      + placementProblems
  }

  /// How many entries change their form in a pass must not depend on votes: what votes can evict has to have changed
  /// before.
  private var residualProblems: [Problem] {
    guard let latest = retention.keptLatest, entry.residual > latest else { return [] }
    return [
      Problem(
        "residual", "\(entry.residual) newest entries where \(retention.method.rawValue) keeps \(latest)",
        accepted: Problem.accepted(0...latest))
    ]
  }
}
