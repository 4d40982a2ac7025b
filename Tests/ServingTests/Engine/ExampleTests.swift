import Testing

@testable import Serving

/// The worked examples of docs/simulation.md, §12, by their numbers.
@Suite struct ExampleTests {
  private typealias Settings = ServingSettings

  private static func request(
    _ arrival: Int, _ prompt: Int, _ output: Int, continuations: Int = 1, hashes: [Int]? = nil
  ) -> Request {
    Request(
      arrival: arrival, prompt: prompt, output: output, continuations: continuations,
      keys: hashes.map { .hashes($0, tokensPerHash: 4) } ?? .own)
  }

  /// Runs to the end; the laws are walked after every event.
  private static func run(
    _ settings: Settings, _ load: Load, shape: StateShape = StateShape(bytesPerToken: 1), context: Int = 0,
    levels: [LinearPrice.Level] = [],
    requests: RequestShape = .init(.apart(prompt: .fixed(1), output: .fixed(1)))
  ) throws -> Simulation<LinearPrice> {
    let price = LinearPrice(pass: 100, fillToken: 10, row: 5, context: context, levels: levels)
    var run = try Simulation(
      ServingQuestion(settings, shape, load, requests: requests), price: price, recording: [.tokens, .passes])
    while try run.step() { if let problem = run.problem { Issue.record("\(problem)") } }
    #expect(run.finalProblem == nil)
    return run
  }

  private static func passes(_ run: Simulation<LinearPrice>) -> [String] {
    run.passes.map { pass in
      let rows = pass.rows.map { row in
        switch row.kind {
        case .fill(_, let tokens, _): "\(row.id)f\(tokens)"
        case .decode: "\(row.id)d"
        }
      }
      return "\(pass.start)–\(pass.end): \(rows.joined(separator: "+"))"
    }
  }

  private static func paged(_ blocks: Int, _ tokens: Int, hasTree: Bool = false) -> Settings.Memory {
    .paged(.init(blocks: blocks, blockBytes: tokens, hasTree: hasTree))
  }

  private static func memory(_ run: Simulation<LinearPrice>) throws -> PagedMemory {
    guard case .paged(let memory) = run.replicas[0].memory else { throw ServingError.settings("no blocks") }
    return memory
  }

  @Test func `1: one request`() throws {
    let run = try Self.run(.init(.continuous(budget: 16)), .requests([Self.request(0, 10, 4)]), context: 1)
    #expect(run.served[0].tokens == [200, 316, 433, 551])
    #expect(
      run.served[0].line(withTokens: true) == """
        {"id":0,"arrival":0,"state":"finished","replica":0,"scheduled":0,"first":200,"last":551,"hit":0,"hit_again":0,\
        "preemptions":0,"tokens":[200,316,433,551]}
        """)
  }

  @Test func `2: continuous batching reads whole prompts`() throws {
    let requests = [(0, 8, 3), (0, 8, 2), (0, 20, 2), (10, 4, 2), (335, 4, 1)].map { Self.request($0.0, $0.1, $0.2) }
    let run = try Self.run(.init(.continuous(budget: 16), maxRunning: 3), .requests(requests))
    #expect(
      Self.passes(run) == ["0–260: 0f8+1f8", "260–570: 0d+1d+2f20", "570–720: 0d+2d+3f4", "720–865: 3d+4f4"])
    #expect(run.served.map(\.tokens) == [[260, 570, 720], [260, 570], [570, 720], [720, 865], [865]])
  }

  @Test func `3: chunked prefill fills the budget`() throws {
    let requests = [(0, 6, 3), (0, 10, 2), (150, 3, 2)].map { Self.request($0.0, $0.1, $0.2) }
    let run = try Self.run(.init(.chunked(budget: 8)), .requests(requests))
    #expect(Self.passes(run) == ["0–180: 0f6+1f2", "180–355: 0d+1f7", "355–500: 0d+1f1+2f3", "500–610: 1d+2d"])
    #expect(run.served.map(\.tokens) == [[180, 355, 500], [500, 610], [500, 610]])
  }

  @Test func `4: a static batch ends before the next begins`() throws {
    let requests = [(0, 4, 1), (0, 6, 3), (5, 2, 2)].map { Self.request($0.0, $0.1, $0.2) }
    let run = try Self.run(.init(.static(batch: 2)), .requests(requests))
    #expect(run.served.map(\.tokens) == [[200], [200, 305, 410], [530, 635]])
  }

  @Test func `5: a victim is computed again`() throws {
    var settings = Settings(.continuous(budget: 64), memory: Self.paged(5, 4))
    settings.watermark = 1
    let requests = [(0, 8, 4), (0, 7, 4), (0, 17, 5)].map { Self.request($0.0, $0.1, $0.2) }
    let run = try Self.run(settings, .requests(requests))
    #expect(run.served.map(\.tokens) == [[250, 360, 465, 570], [250, 360, 760, 865], []])
    #expect(run.served[2].rejection == .neverFits && run.served[1].preemptions == 1)
    #expect(Self.passes(run).contains("570–760: 1f9"))
    #expect(try Self.memory(run).pool.queue == [1, 0, 4, 2, 3])
    #expect(
      run.served[2].line() == """
        {"id":2,"arrival":0,"state":"rejected","replica":null,"scheduled":null,"first":null,"last":null,"hit":0,\
        "hit_again":0,"preemptions":0,"reason":"never_fits"}
        """)
  }

  @Test func `6: a victim waits on the host`() throws {
    let swap = Settings.Swap(hostBlocks: 4, link: .init(bandwidth: 1_000_000_000_000, latency: 3))
    var settings = Settings(
      .continuous(budget: 64), memory: .paged(.init(blocks: 5, blockBytes: 4000, swap: swap)))
    settings.watermark = 1
    let run = try Self.run(
      settings, .requests([Self.request(0, 8, 4), Self.request(0, 7, 4)]), shape: StateShape(bytesPerToken: 1000))
    #expect(
      Self.passes(run) == [
        "0–250: 0f8+1f7", "250–360: 0d+1d", "360–476: 0d", "476–581: 0d", "581–697: 1d", "697–802: 1d",
      ])
    #expect(run.served.map(\.tokens) == [[250, 360, 476, 581], [250, 360, 697, 802]])
    #expect(run.passes.map(\.swap) == [0, 0, 11, 0, 11, 0])
  }

  @Test func `7: prompts stay in a tree`() throws {
    let (a, b, c, d, e, f, g) = (1, 2, 3, 4, 5, 6, 7)
    let requests = [
      Self.request(0, 12, 2, hashes: [a, b, c]), Self.request(0, 9, 1, hashes: [a, b, 8]),
      Self.request(500, 12, 1, hashes: [a, b, c]), Self.request(1000, 16, 1, hashes: [d, e, f, g]),
      Self.request(2000, 12, 1, hashes: [a, b, c]),
    ]
    let settings = Settings(.continuous(budget: 64), maxRunning: 2, memory: Self.paged(6, 4, hasTree: true))
    let run = try Self.run(settings, .requests(requests))
    #expect(run.served.map(\.tokens) == [[310, 415], [310], [640], [1260], [2140]])
    #expect(run.served.map(\.hit) == [0, 0, 8, 0, 8])
    let nodes = try #require(try Self.memory(run).tree).entries
    #expect(nodes.map(\.id) == [0, 1, 3, 4, 5, 7])
    #expect(nodes.map(\.blocks) == [[0], [1], [5], [3], [4], [2]])
  }

  @Test func `8: continuations share blocks until they write`() throws {
    let run = try Self.run(
      .init(.continuous(budget: 64), memory: Self.paged(8, 4)),
      .requests([Self.request(0, 6, 4, continuations: 3)]), context: 1)
    #expect(run.served[0].tokens == [160, 296, 435, 577])
    #expect(try Self.memory(run).pool.queue == [7, 6, 5, 4, 3, 2, 1, 0])
    #expect(try Self.memory(run).copies == 2)
  }

  @Test func `9: users wait for answers`() throws {
    let loop = ClosedLoop(users: 3, requests: 6, stagger: 20, delay: 50)
    let run = try Self.run(
      .init(.chunked(budget: 16), maxRunning: 2), .closed(loop),
      requests: .init(.inTurn([.init(prompt: 8, output: 2), .init(prompt: 8, output: 3)])))
    #expect(run.served.map(\.request.arrival) == [0, 20, 40, 415, 710, 710])
    #expect(run.served.map(\.first) == [180, 365, 550, 840, 1025, 1315])
    #expect(run.served.map(\.last) == [365, 660, 660, 1135, 1135, 1525])
  }

  @Test func `10: prompts are read on one replica, tokens made on others`() throws {
    var settings = Settings(.continuous(budget: 16), maxRunning: 2)
    (settings.replicas, settings.router) = (3, .leastLoaded)
    settings.disaggregation = .init(prefillReplicas: 1, link: .init(bandwidth: 100_000_000_000, latency: 20))
    let requests = [(0, 8, 3), (0, 6, 3), (0, 5, 1), (0, 4, 2)].map { Self.request($0.0, $0.1, $0.2) }
    let run = try Self.run(settings, .requests(requests), shape: StateShape(bytesPerToken: 1000))
    #expect(run.served.map(\.tokens) == [[240, 445, 550], [240, 525, 630], [430], [430, 655]])
    #expect(run.served.map(\.replica) == [1, 2, 0, 1])
    #expect(run.totals.movedBytes == 18_000)
  }

  @Test func `11: levels close, and lower ones are dropped`() throws {
    let shape = StateShape(
      levels: [.init(tokens: 4, bytes: 64), .init(tokens: 8, bytes: 128)], windows: .fixed(100), isRecursive: true)
    let settings = Settings(.continuous(budget: 64), memory: .paged(.init(blocks: 5, blockBytes: 128)))
    let run = try Self.run(
      settings, .requests([Self.request(0, 6, 8), Self.request(0, 5, 8)]), shape: shape,
      levels: [.init(pass: 7, row: 2), .init(pass: 30, row: 11)])
    let times = [210, 320, 480, 640, 750, 860, 979, 1098]
    #expect(run.served.map(\.tokens) == [times, times])
    #expect(try Self.memory(run).pool.queue == [3, 4, 0, 1, 2])
  }

  @Test func `12: a router, a short queue and little memory`() throws {
    var settings = Settings(.chunked(budget: 8), maxRunning: 1, memory: .contiguous(bytes: 12))
    (settings.replicas, settings.router, settings.queueLimit) = (2, .leastLoaded, 1)
    let requests = [(0, 8, 2), (0, 4, 2), (0, 10, 4), (0, 3, 1), (0, 3, 1), (0, 2, 1), (140, 3, 1)].map {
      Self.request($0.0, $0.1, $0.2)
    }
    let run = try Self.run(settings, .requests(requests))
    #expect(run.served.map(\.replica) == [0, 1, nil, nil, nil, nil, 0])
    #expect(run.served.map(\.rejection) == [nil, nil, .neverFits, .queueFull, .queueFull, .queueFull, nil])
    #expect(run.served.map(\.tokens) == [[180, 285], [140, 245], [], [], [], [], [415]])
  }
}
