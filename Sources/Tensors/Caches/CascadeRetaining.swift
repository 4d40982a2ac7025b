import Architectures

/// Cascading KV cache: sinks, and circular windows one behind the other.
///
/// Entries leave a window by its old end and enter the next by its new one, and what a token replaces is the newest: so
/// the windows one behind the other are in order of position, the last of them the oldest, and an entry is known by its
/// rank. Only the number of entries in each window has to be known besides, and that follows from how many tokens came.
struct Cascade: Retaining {
  let plan: Cascading
  private let periods: [Int]

  init(plan: Cascading) {
    self.plan = plan
    periods = (0..<plan.cascades).map(plan.period)
  }

  var tallies: Bool { plan.scores }
  var rotatesByPlace: Bool { plan.positions == .cache }
  func fixed(in _: PassPlace) -> Int { plan.sinks }

  func voters(in pass: PassPlace) -> Voters? {
    guard plan.scores else { return nil }
    let smoothing = Smoothing(beta: plan.beta, reduction: plan.reduction, homogeneous: plan.homogeneous)
    return Voters(queries: 0..<pass.queries, candidates: .attended, smoothing: smoothing)
  }

  func survivors(of held: Int, behind pass: PassPlace, votes: UnsafeBufferPointer<Float>?) -> [Range<Int>]? {
    var windows = windows(after: pass.before)
    for token in max(pass.before, plan.sinks)..<max(pass.end, plan.sinks) {
      insert(pass.found + token - pass.before, token, into: &windows) { votes?[$0] ?? 0 }
    }
    let sinks = min(plan.sinks, pass.end)
    let kept = windows.reversed().flatMap(\.entries)
    guard sinks + kept.count < held else { return nil }
    return ranges(Array(0..<sinks) + kept)
  }

  /// Whether a window takes what a token pushes on to it.
  private func takes(_ window: Int, _ token: Int) -> Bool {
    plan.eager && token <= plan.budget || (token - plan.sinks) % periods[window] == 0
  }

  /// Puts a token's entry into the first window and what leaves a window into the next.
  private func insert(_ rank: Int, _ token: Int, into windows: inout [Window], score: (Int) -> Float) {
    var entry = rank
    for index in windows.indices {
      guard takes(index, token) else {
        if windows[index].count == 0 {
          windows[index].append(entry)
        } else if score(entry) >= score(windows[index].newest) {
          windows[index].newest = entry
        }
        return
      }
      windows[index].append(entry)
      guard windows[index].count > plan.window else { return }
      entry = windows[index].removeOldest()
    }
  }

  /// What the windows hold once so many tokens have come, by rank: sinks first, then the last window.
  private func windows(after tokens: Int) -> [Window] {
    var counts = periods.map { _ in 0 }
    for token in plan.sinks..<max(tokens, plan.sinks) {
      // The windows before the last are full once it is.
      if counts[counts.count - 1] == plan.window { break }
      for index in counts.indices {
        let takes = takes(index, token)
        if counts[index] < (takes ? plan.window : 1) {
          counts[index] += 1
          break
        }
        if !takes { break }
      }
    }
    var end = plan.sinks + counts.reduce(0, +)
    return counts.map { count in
      defer { end -= count }
      return Window(entries: Array(end - count..<end))
    }
  }

  /// A window's entries by rank, the oldest first.
  private struct Window {
    private var ranks: [Int]
    private var first = 0

    init(entries: [Int]) { ranks = entries }

    var entries: ArraySlice<Int> { ranks[first...] }
    var count: Int { ranks.count - first }
    var newest: Int {
      get { ranks[ranks.count - 1] }
      set { ranks[ranks.count - 1] = newValue }
    }
    mutating func append(_ rank: Int) { ranks.append(rank) }
    mutating func removeOldest() -> Int {
      first += 1
      return ranks[first - 1]
    }
  }
}
