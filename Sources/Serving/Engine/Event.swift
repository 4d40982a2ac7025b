/// Something that happens; the order is that of docs/simulation.md, §2.
struct Event: Comparable, Sendable {
  /// What happens, earlier ones first at the same time.
  enum Kind: Int, Sendable {
    case passEnds
    case transferEnds
    case requestArrives
    case passBegins
  }

  var time: Int
  var kind: Kind
  /// Of a replica, or of a request.
  var number: Int

  static func < (left: Self, right: Self) -> Bool {
    (left.time, left.kind.rawValue, left.number) < (right.time, right.kind.rawValue, right.number)
  }
}

/// Who goes first: smaller is more senior.
struct Seniority: Comparable, Sendable {
  var priority, arrival, id: Int

  static func < (left: Self, right: Self) -> Bool {
    (left.priority, left.arrival, left.id) < (right.priority, right.arrival, right.id)
  }
}
