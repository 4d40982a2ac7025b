import GSL
import Testing

@testable import Serving

/// The simulator against a slow one that was written from docs/simulation.md.
@Suite struct SlowTests {
  /// A small workload that leaves little out.
  private struct Case {
    let random: RandomStream

    init(_ seed: Int) { random = RandomStream(seed: UInt64(seed), name: "workload") }

    func number(_ range: ClosedRange<Int>) -> Int { random.integer(in: range.lowerBound..<range.upperBound + 1) }
    func one<Value>(of values: [Value]) -> Value { values[number(0...values.count - 1)] }
    func isOne(in count: Int) -> Bool { number(1...count) == 1 }

    func shape() -> StateShape {
      switch number(0...3) {
      case 0, 1: return StateShape(bytesPerToken: number(1...3))
      case 2:
        let chunk = number(1...4)
        return StateShape(levels: [.init(tokens: chunk, bytes: number(1...4))], windows: .fixed(number(0...6)))
      default:
        let chunk = number(1...3)
        let levels = [
          StateShape.Level(tokens: chunk, bytes: number(1...4)),
          .init(tokens: chunk * number(1...3), bytes: number(1...4)),
        ]
        return StateShape(levels: levels, windows: .fixed(number(0...6)), isRecursive: isOne(in: 2))
      }
    }

    func settings() -> ServingSettings {
      let scheduler = one(of: [
        ServingSettings.Scheduler.static(batch: number(1...4)), .continuous(budget: number(1...20)),
        .chunked(budget: number(1...12)), .chunked(budget: number(1...12)),
      ])
      let isStatic = if case .static = scheduler { true } else { false }
      var memory = ServingSettings.Memory.none
      if isOne(in: 6) {
        memory = .contiguous(bytes: number(20...90))
      } else if !isOne(in: 6) {
        var paging = ServingSettings.Paging(blocks: number(6...24), blockBytes: number(4...9))
        paging.hasTree = !isStatic && isOne(in: 2)
        if !isStatic, isOne(in: 3) {
          paging.swap = .init(hostBlocks: number(0...12), link: .init(bandwidth: number(1...3) * 1_000_000_000))
        }
        memory = .paged(paging)
      }
      var settings = ServingSettings(scheduler, maxRunning: number(1...5), memory: memory)
      settings.watermark = number(0...2)
      settings.queueLimit = isOne(in: 4) ? number(0...4) : nil
      settings.replicas = number(1...3)
      settings.router = one(of: ServingSettings.Router.allCases)
      if !isStatic, settings.replicas > 1, isOne(in: 2) {
        let link = ServingSettings.Link(bandwidth: number(1...4) * 100_000_000, latency: number(0...30))
        settings.disaggregation = .init(prefillReplicas: number(1...settings.replicas - 1), link: link)
      }
      return settings
    }

    func load(_ shape: StateShape) -> (Load, RequestShape) {
      let least = shape.closesUnits ? 0 : 1
      let continuations = isOne(in: 3) ? number(2...3) : 1
      if isOne(in: 4) {
        let pairs = (0..<number(1...4)).map { _ in Lengths.Pair(prompt: number(least...14), output: number(1...8)) }
        let loop = ClosedLoop(
          users: number(1...4), requests: number(1...12), stagger: number(0...30), delay: number(0...60),
          think: .fixed(number(0...40)))
        return (.closed(loop), RequestShape(.inTurn(pairs), continuations: continuations))
      }
      let pace = one(of: [1, 50, 300])
      let requests = (0..<number(1...12)).map { _ in
        Request(
          arrival: number(0...10) * pace, prompt: number(least...20), output: number(1...9),
          continuations: continuations, priority: isOne(in: 4) ? number(0...2) : 0,
          keys: isOne(in: 4) ? .own : .prefix(id: number(0...1), tokens: number(0...20)))
      }
      return (.requests(requests), RequestShape(.apart(prompt: .fixed(1), output: .fixed(1))))
    }

    func price() -> LinearPrice {
      LinearPrice(
        pass: number(0...100), fillToken: number(0...10), row: number(0...5), context: number(0...2),
        levels: [.init(pass: number(0...9), row: number(0...3)), .init(pass: number(0...9), row: number(0...3))])
    }
  }

  @Test func `a thousand workloads end in the same lines`() throws {
    var seen = ServingTotals()
    var (hits, rejected, tried) = (0, 0, 0)
    for seed in 0..<operationCount(1000) {
      let random = Case(seed)
      let (shape, settings) = (random.shape(), random.settings())
      let (load, requests) = random.load(shape)
      guard settings.problem(for: shape) == nil else { continue }
      let question = ServingQuestion(settings, shape, load, requests: requests)
      let price = random.price()
      var run = try Simulation(question, price: price, recording: [.tokens, .gaps])
      while try run.step() {
        guard let problem = run.problem else { continue }
        Issue.record("workload \(seed): \(problem)")
        return
      }
      #expect(run.finalProblem == nil, "workload \(seed)")
      let slow = SlowSimulator(question, price)
      slow.run()
      let lines = run.served.map { $0.line(withTokens: true) }
      guard lines == slow.requests.map(\.line), Self.blocks(run) == Self.blocks(slow) else {
        Issue.record(
          """
          workload \(seed): \(settings) \(shape)
          \(zip(lines, slow.requests.map(\.line)).filter { $0 != $1 }.map { "\($0)\nslow: \($1)" }.joined(separator: "\n"))
          \(Self.blocks(run)) \(Self.blocks(slow))
          """)
        return
      }
      #expect(
        run.gaps.sorted == Tally(run.served.flatMap { zip($0.tokens.dropFirst(), $0.tokens).map { $0 - $1 } }).sorted)
      seen.preemptions += run.totals.preemptions
      seen.swappedIn += run.totals.swappedIn
      seen.movedBytes += run.totals.movedBytes
      hits += run.served.reduce(0) { $0 + $1.hit + $1.hitAgain }
      rejected += run.served.count { $0.rejection == .queueFull }
      tried += 1
    }
    // What never happens is not compared.
    #expect(
      tried > 300 && seen.preemptions > 0 && seen.swappedIn > 0 && seen.movedBytes > 0 && hits > 0 && rejected > 0)
  }

  /// Queues of free blocks and trees, of every replica.
  private static func blocks(_ run: Simulation<LinearPrice>) -> [[String]] {
    run.replicas.map { replica in
      guard case .paged(let memory) = replica.memory else { return [] }
      return ["\(memory.pool.queue)"] + (memory.tree?.entries ?? []).map { "\($0.id) \($0.lastUse) \($0.blocks)" }
    }
  }

  private static func blocks(_ slow: SlowSimulator) -> [[String]] {
    slow.machines.map { machine in
      guard let memory = machine.memory else { return [] }
      return ["\(memory.queue)"]
        + memory.tree.values.sorted { $0.id < $1.id }.map { "\($0.id) \($0.lastUse) \($0.blocks)" }
    }
  }
}
