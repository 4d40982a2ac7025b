import Testing

@testable import Serving

/// Traces of docs/simulation.md, §10, and every reason for which a row is bad.
@Suite struct TraceTests {
  private static func read(
    _ format: TraceFormat, _ lines: String..., skipping: Bool = false, empty: Bool = false
  ) throws -> Trace {
    try Trace(
      lines.joined(separator: "\n"), file: "t", format: format, skipsBadRows: skipping, allowsEmptyPrompts: empty)
  }

  private static let azure = "TIMESTAMP,ContextTokens,GeneratedTokens"

  @Test func `Azure's rows are counted from the first`() throws {
    let trace = try Self.read(
      .azure, Self.azure, "2023-11-16 18:15:46.6805900,374,44", "2023-11-16 18:15:50.9951690,396,109",
      "2024-02-29 00:00:00,1,1", "2024-03-01 00:00:00.5,1,1")
    // 104 days, 5 h 44 min 13.31941 s; then a leap day.
    #expect(
      trace.requests.map(\.arrival) == [0, 4_314_579_000, 9_006_253_319_410_000, 9_092_653_819_410_000])
    #expect(trace.requests[0].prompt == 374 && trace.requests[1].output == 109)
  }

  @Test func `BurstGPT's seconds have decimals, and its other columns do not count`() throws {
    let trace = try Self.read(
      .burstgpt, "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type",
      "5,ChatGPT,472,18,490,Conversation log", "45.25,GPT-4,1087,230,1317,API log")
    #expect(
      trace.requests == [
        Request(arrival: 0, prompt: 472, output: 18), Request(arrival: 40_250_000_000, prompt: 1087, output: 230),
      ])
  }

  @Test func `Mooncake's hashes are the keys of blocks of 512`() throws {
    let trace = try Self.read(
      .mooncake, #"{"timestamp": 3, "input_length": 1024, "output_length": 5, "hash_ids": [46, 47]}"#, "",
      #"{"hash_ids":[46],"x":{"y":["z",1.5]},"output_length":1,"input_length":1,"timestamp":3}"#)
    #expect(
      trace.requests == [
        Request(arrival: 3_000_000, prompt: 1024, output: 5, keys: .hashes([46, 47], tokensPerHash: 512)),
        Request(arrival: 3_000_000, prompt: 1, output: 1, keys: .hashes([46], tokensPerHash: 512)),
      ])
  }

  @Test func `our rows say everything, in any order`() throws {
    let trace = try Self.read(
      .own, "prompt,arrival_ns,output,prefix_id,prefix_tokens,priority,continuations", "8,70,2,3,5,1,2", "9,7,1,,,,")
    #expect(
      trace.requests == [
        Request(arrival: 70, prompt: 8, output: 2, continuations: 2, priority: 1, keys: .prefix(id: 3, tokens: 5)),
        Request(arrival: 7, prompt: 9, output: 1),
      ])
    #expect(try Self.read(.own, "arrival_ns,prompt,output", "0,0,1", empty: true).requests[0].prompt == 0)
  }

  private static let rows: [(TraceFormat, [String], String)] = [
    (.azure, ["TIMESTAMP,ContextTokens", "2023-01-01 00:00:00,1"], "1:1: missing-column"),
    (.azure, [], "1:1: missing-column"),
    (.azure, [azure, "2023-01-01 00:00:00,1"], "2:1: missing-column"),
    (.azure, [azure, "2023-02-29 00:00:00,1,1"], "2:1: not-a-number"),
    (.azure, [azure, "2023-01-01 00:00:00.1234567890,1,1"], "2:1: not-a-number"),
    (.azure, [azure, "2023-01-01 00:00:00,x,1"], "2:21: not-a-number"),
    (.azure, [azure, "2023-01-01 00:00:00,1,-1"], "2:23: negative"),
    (.azure, [azure, "2023-01-01 00:00:00,0,0"], "2:21: zero-prompt"),
    (.azure, [azure, "2023-01-01 00:00:00,1,0"], "2:23: zero-output"),
    (.azure, [azure, "2023-01-01 00:00:01,1,1", "", "2023-01-01 00:00:00,1,1"], "4:1: decreasing-arrival"),
    (.azure, [azure, "2023-01-01 00:00:00,1,2147483648"], "2:23: overflow"),
    (.own, ["arrival_ns,prompt,output", "9223372036854775808,1,1"], "2:1: overflow"),
    (.own, ["arrival_ns,prompt,output", "-1,x,1"], "2:4: not-a-number"),
    (.mooncake, [#"{"timestamp":1,"input_length":513,"output_length":1,"hash_ids":[1]}"#], "1:64: hash-count"),
    (.mooncake, [#"{"timestamp":1,"input_length":513,"output_length":1}"#], "1:1: missing-column"),
    (.mooncake, [#"{"timestamp":[],"input_length":513,"output_length":1,"hash_ids":[1]}"#], "1:14: not-a-number"),
    (.mooncake, [#"{"timestamp":1 "input_length""#], "1:16: not-a-number"),
    (
      .mooncake, [#"{"timestamp":9999999999999999,"input_length":1,"output_length":1,"hash_ids":[1]}"#],
      "1:14: overflow"
    ),
  ]

  @Test(arguments: rows)
  func `a bad row is told with its place`(format: TraceFormat, lines: [String], complaint: String) throws {
    do {
      _ = try Trace(lines.joined(separator: "\n"), file: "t", format: format)
      Issue.record("\(lines) is read")
    } catch {
      #expect("\(error)" == "t:" + complaint)
    }
  }

  @Test func `bad rows may be passed over, and are counted`() throws {
    let trace = try Self.read(
      .own, "arrival_ns,prompt,output", "5,1,1", "x,1,1", "6,0,1", "7,1,1", "y,1,1", skipping: true)
    #expect(trace.requests.map(\.arrival) == [5, 7] && trace.skipped == [.notANumber: 2, .zeroPrompt: 1])
    #expect(
      trace.firstSkipped.map(\.description) == ["t:3:1: not-a-number", "t:4:3: zero-prompt", "t:6:1: not-a-number"])
    #expect(throws: TraceError.self) { try Self.read(.own, "prompt", "1", skipping: true) }
  }
}
