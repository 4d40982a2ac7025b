import Architectures
import Quantities
import TestModels
import Testing

@testable import Formulas

/// Closed forms of retentions against a walk over positions that knows only how many entries there are.
struct EntrySumTests {
  /// One key–value head, pass by pass, in the papers' words.
  struct Head {
    let retention: Retention
    let prompt: Int
    private(set) var held = 0
    private(set) var position = 0
    /// Entries found and brought, over the passes.
    private(set) var pairs = 0

    init(_ retention: Retention, prompt: Int) { (self.retention, self.prompt) = (retention, prompt) }

    /// - Parameter ahead: rows behind those that look ahead, which leave nothing.
    mutating func pass(_ rows: Int, ahead: Int = 0) {
      if case .streaming(let plan) = retention, plan.evicts == .before, held + rows > plan.sinks + plan.window {
        held = min(plan.sinks, held) + min(plan.window - rows, max(held - plan.sinks, 0))
      }
      for row in 1...rows + ahead {
        if case .slidingWindow(let window) = retention {
          pairs += min(held + row, window)
        } else {
          pairs += held + row
        }
      }
      position += rows
      held += rows
      held = left(rows)
    }

    private func left(_ rows: Int) -> Int {
      switch retention {
      case .everything: held
      case .slidingWindow(let window): min(held, window - 1)
      case .streaming(let plan): min(held, plan.sinks + plan.window)
      case .heavyHitters(let plan): min(held, plan.heavy + plan.recent)
      case .snapKV(let votes): position == prompt ? min(held, votes.budget) : held
      case .pyramidKV(let plan): position == prompt ? min(held, Self.budget(plan, of: prompt)) : held
      case .chunked(let plan):
        position <= prompt ? held - rows + min(rows, kept(plan, of: rows)) : held
      case .cascading(let plan): Self.cascaded(plan, position)
      }
    }

    /// Token by token: each is taken by the first window, and pushes one entry on from each that is full and takes it.
    static func cascaded(_ plan: Cascading, _ position: Int) -> Int {
      var windows = [Int](repeating: 0, count: plan.cascades)
      for token in plan.sinks..<max(position, plan.sinks) {
        var index = 0
        while index < plan.cascades {
          let isTaken =
            plan.eager && token <= plan.sinks + plan.cascades * plan.window
            || (token - plan.sinks) % plan.period(ofWindow: index) == 0
          guard isTaken else {
            windows[index] = max(windows[index], 1)
            break
          }
          if windows[index] < plan.window {
            windows[index] += 1
            break
          }
          index += 1
        }
      }
      return min(position, plan.sinks) + windows.reduce(0, +)
    }

    private func kept(_ plan: ChunkedEviction, of rows: Int) -> Int {
      let share = Int((1 - plan.sparsity) * Double(rows))
      // Patched, the window comes on top in every chunk but the last.
      let budget = plan.patched && position < prompt ? share + plan.window : max(share, plan.window)
      guard plan.budgets == .pyramid else { return budget }
      var pyramid = PyramidKV(votes: SnapKV(budget: budget, window: plan.window), beta: plan.beta)
      (pyramid.layer, pyramid.layers) = (plan.layer, plan.layers)
      return Self.budget(pyramid, of: rows)
    }

    static func budget(_ plan: PyramidKV, of prompt: Int) -> Int {
      let window = plan.votes.window
      let mean = plan.votes.budget - window
      if prompt < plan.votes.budget { return prompt }
      if prompt < 2 * mean || plan.layers == 1 { return plan.votes.budget }
      let most = min(2 * mean - mean / plan.beta, prompt - window)
      let least = 2 * mean - most
      return most - plan.layer * ((most - least) / (plan.layers - 1)) + window
    }
  }

  /// Passes of a prompt, and of the tokens generated behind it, as groups.
  static func groups(prompt: Int, chunk: Int, ahead: Int, generated: Int, rows: Int) -> [PassGroup<Int128>] {
    func group(_ before: Int, _ own: Int, _ ahead: Int, _ count: Int) -> PassGroup<Int128> {
      let rows = own + ahead
      var group = PassGroup<Int128>(
        level: 0, side: .decoder, kind: .units, feed: .embedding, normed: .none, rows: Int128(rows),
        indices: Int128(count), pairs: Int128(rows * before + rows * (rows + 1) / 2),
        pairsSlope: count > 1 ? Int128(rows * own) : 0)
      group.before = Int128(before)
      group.lookahead = Int128(ahead)
      return group
    }
    let whole = (prompt - 1) / chunk
    return [
      group(0, chunk, ahead, whole), group(whole * chunk, prompt - whole * chunk, 0, 1),
      group(prompt, rows, 0, generated),
    ].filter { !$0.isEmpty }
  }

  @Test(arguments: Retention.Method.allCases)
  func `the sum of stored entries over passes is that of a walk`(method: Retention.Method) {
    for retention in retentions(method) + roomy(method, for: 5) {
      for layer in 0..<3 {
        let own = retention.at(layer: layer, of: 3)
        for prompt in 1...17 {
          for chunk in 1...min(prompt, own.mostRows) {
            for rows in 1...min(3, own.mostRows) {
              let ahead = min(own.lookahead, prompt)
              let planned = PlannedHeads(
                CachePlan(retention: own), PromptPasses(units: prompt, chunk: chunk, lookahead: own.lookahead))
              var head = Head(own, prompt: prompt)
              var (agree, sums) = (true, [Int]())
              for start in stride(from: 0, to: prompt, by: chunk) {
                head.pass(min(chunk, prompt - start), ahead: start + chunk < prompt ? ahead : 0)
                agree = agree && planned.held(after: head.position) == head.held
              }
              sums.append(head.pairs)
              for _ in 0..<12 {
                head.pass(rows)
                agree = agree && planned.held(after: head.position) == head.held
                sums.append(head.pairs)
              }
              #expect(agree, "\(own), \(prompt) by \(chunk)")
              for generated in [0, 1, 7, 12] {
                let sum = Self.groups(prompt: prompt, chunk: chunk, ahead: ahead, generated: generated, rows: rows)
                  .reduce(Int128(0)) { sum, group in planned.passes(group).reduce(sum) { $0 + $1.allPairs } }
                #expect(
                  sum == Int128(sums[generated]),
                  "\(own), \(prompt) by \(chunk), \(generated) of \(rows) behind it")
              }
            }
          }
        }
      }
    }
  }

  /// What is held is the most in the last whole pass of a prompt, or in the shorter one behind it.
  @Test(arguments: Retention.Method.allCases)
  func `no pass of a prompt finds less than an equally long one before it`(method: Retention.Method) {
    for retention in retentions(method) + roomy(method, for: 5) {
      for prompt in 1...17 {
        for chunk in 1...min(prompt, retention.mostRows) {
          let planned = PlannedHeads(CachePlan(retention: retention), PromptPasses(units: prompt, chunk: chunk))
          let found = (0..<prompt / chunk).map { planned.found(after: $0 * chunk, rows: chunk) }
          #expect(found == found.sorted(), "\(retention), \(prompt) by \(chunk)")
        }
      }
    }
  }

  /// §11 of the method's code, `pyramidkv_utils.py`: worked examples without the window.
  @Test func `PyramidKV's budgets fall as in its worked examples`() {
    for (layers, prompt, budget, beta, first, last, sum) in [
      (32, 32768, 2048, 20, [3869, 3748, 3627], 118, 63792), (4, 1000, 164, 20, [195, 132, 69], 6, 402),
      (1, 1000, 164, 20, [100], 100, 100),
    ] {
      let budgets = (0..<layers).map { layer in
        var plan = PyramidKV(votes: SnapKV(budget: budget, window: 64), beta: beta)
        (plan.layer, plan.layers) = (layer, layers)
        return pyramidCapacity(plan, prompt: prompt) - 64
      }
      #expect(Array(budgets.prefix(3)) == first)
      #expect(budgets.last == last && budgets.reduce(0, +) == sum)
      // The floor of the step always raises the sum.
      #expect(sum >= layers * (budget - 64))
    }
  }

  /// (Mean budget, prompt): what fits stays, a prompt below twice the budget is cut alike in all layers, and no layer
  /// keeps more than there is.
  @Test func `PyramidKV's cases meet`() {
    for layers in 2...5 {
      for budget in 2...24 {
        for prompt in 1...64 {
          let budgets = (0..<layers).map { layer in
            var plan = PyramidKV(votes: SnapKV(budget: budget, window: 2), beta: 3)
            (plan.layer, plan.layers) = (layer, layers)
            return pyramidCapacity(plan, prompt: prompt)
          }
          #expect(budgets == budgets.sorted(by: >))
          #expect(budgets.allSatisfy { min(2, prompt) <= $0 && $0 <= prompt })
          if prompt < budget { #expect(budgets.allSatisfy { $0 == prompt }) }
          if budget <= prompt { #expect(budgets.reduce(0, +) >= layers * budget) }
        }
      }
    }
  }
}
