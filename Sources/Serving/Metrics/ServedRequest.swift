/// What became of a request.
public struct ServedRequest: Hashable, Sendable {
  /// In the order of creation, from 0.
  public var id: Int
  /// As it came.
  public var request: Request
  /// Finished or rejected, once a run has ended.
  public var state: RequestState
  /// Why it got nothing.
  public var rejection: Rejection?
  /// The last one that it was on.
  public var replica: Int?
  /// Start of its first pass.
  /// - Unit: ns
  public var scheduled: Int?
  /// Its first token, of all continuations at once.
  /// - Unit: ns
  public var first: Int?
  /// Its last one so far.
  /// - Unit: ns
  public var last: Int?
  /// Tokens of the prompt that it found in the prefix tree.
  public var hit: Int
  /// The same, when it was filled again.
  public var hitAgain: Int
  /// How often it gave way.
  public var preemptions: Int
  /// When each token came; empty unless they were recorded.
  public var tokens: [Int]

  /// One line of JSON, with the keys of docs/simulation.md, §9.
  /// - Parameter withTokens: whether it has the times of tokens.
  public func line(withTokens: Bool = false) -> String {
    func text(_ value: Int?) -> String { value.map(String.init) ?? "null" }
    var line =
      "{\"id\":\(id),\"arrival\":\(request.arrival),\"state\":\"\(state.rawValue)\",\"replica\":\(text(replica))"
    line += ",\"scheduled\":\(text(scheduled)),\"first\":\(text(first)),\"last\":\(text(last))"
    line += ",\"hit\":\(hit),\"hit_again\":\(hitAgain),\"preemptions\":\(preemptions)"
    if let rejection { line += ",\"reason\":\"\(rejection.rawValue)\"" }
    if withTokens { line += ",\"tokens\":[\(tokens.map(String.init).joined(separator: ","))]" }
    return line + "}"
  }
}

extension Simulation {
  /// Every request so far, in the order of ids.
  public var served: [ServedRequest] {
    func known(_ value: Int) -> Int? { value < 0 ? nil : value }
    return members.indices.map { id in
      let member = members[id]
      return ServedRequest(
        id: id, request: member.request, state: member.state, rejection: member.rejection,
        replica: known(member.replica), scheduled: known(member.scheduled), first: known(member.first),
        last: known(member.last), hit: member.hit, hitAgain: member.hitAgain, preemptions: member.preemptions,
        tokens: member.tokens)
    }
  }
}
