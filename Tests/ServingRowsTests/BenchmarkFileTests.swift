import Foundation
import Quantities
import Scenarios
import Testing

@testable import ServingRows

/// Objects as the tools write them, with what is not read left out.
private enum Results {
  // Made up and consistent: 32 / 6.9414 = 4.61 s, 0.5124 + 127 · 0.0319 = 4.56 s. Keys: vLLM, benchmarks/serve.py.
  static let vllm = """
    {"date": "20250806-143015", "endpoint_type": "vllm", "backend": "vllm", "model_id": "meta-llama/Llama-3.1-8B-Instruct",
     "num_prompts": 320, "request_rate": "inf", "burstiness": 1.0, "max_concurrency": 32, "completed": 320,
     "total_input_tokens": 327680, "total_output_tokens": 40960, "request_throughput": 6.9414, "request_goodput": null,
     "mean_ttft_ms": 512.4, "median_ttft_ms": 488.0, "mean_tpot_ms": 31.9, "median_tpot_ms": 32.2, "mean_itl_ms": 31.7,
     "itls": [[0.03, 0.03], []], "errors": ["", ""]}
    """
  // A line of a public repository, shortened.
  static let sglang = """
    {"backend": "sglang", "dataset_name": "sharegpt", "request_rate": 5.0, "max_concurrency": 256, "random_input_len": 1024,
     "random_output_len": 1024, "duration": 204.53694480800186, "completed": 1000, "total_input_tokens": 302118,
     "total_output_tokens": 195775, "request_throughput": 4.88909229058201, "mean_e2e_latency_ms": 2409.499004891637,
     "mean_ttft_ms": 91.69221715730964, "mean_tpot_ms": 11.808901276564441, "mean_itl_ms": 11.917698144217361,
     "concurrency": 11.780263008980727, "accept_length": null}
    """
  // Made up and consistent: (160.7 + 127 · 6.79) / 128 = 7.992, the time per output token with the first one in it.
  static let guide = """
    {"benchmarks": [{"config": {"strategy": {"type_": "concurrent", "streams": 8}, "backend": {"model": "llama-3.1-8b"}},
     "metrics": {"request_totals": {"successful": 56, "incomplete": 0, "errored": 0, "total": 56},
       "request_concurrency": {"successful": {"mean": 7.95}}, "request_latency": {"successful": {"mean": 1.023}},
       "prompt_token_count": {"successful": {"mean": 1024.0}}, "output_token_count": {"successful": {"mean": 128.0}},
       "time_to_first_token_ms": {"successful": {"mean": 160.7, "percentiles": {"p50": 155.0}}},
       "time_per_output_token_ms": {"successful": {"mean": 7.992}},
       "inter_token_latency_ms": {"successful": {"mean": 6.79}}}}]}
    """
}

private func read(
  _ text: String, _ filling: [String: String] = [:]
) throws(ScenarioError) -> MeasuredTable {
  try MeasuredTable(text: text, file: "r.json", filling: filling)
}

private func complaint(_ text: String) -> String {
  do {
    _ = try read(text, ["model": "m"])
    return "none"
  } catch {
    return error.description
  }
}

struct BenchmarkFileTests {
  @Test func `vLLM's object is a row of a closed loop`() throws {
    let table = try read(Results.vllm)
    let row = table.rows[0]
    #expect(table.remarks.isEmpty && row.model == "meta-llama/Llama-3.1-8B-Instruct" && row.engine == "vllm")
    #expect(row.prompt == 1024 && row.generated == 128 && row.concurrency == 32 && row.requests == 320)
    #expect(row.times == [.timeToFirstToken: 0.5124, .timePerOutputToken: 0.0319])
    #expect(row.identifier == "result 1" && row.position.line == 1)
  }

  @Test func `requests that came at a rate have the mean of those in flight, which is said`() throws {
    let table = try read(Results.sglang, ["model": "llama-3.1-8b"])
    let row = table.rows[0]
    // 2.4095 s · 4.889 requests/s = 11.78 by Little's law, which the file prints too; 302118 / 1000 and 195775 / 1000 tokens.
    #expect(row.prompt == 302 && row.generated == 196 && row.concurrency == 12 && row.engine == "sglang")
    #expect(row.times[.timePerOutputToken] == 11.808901276564441 / 1000)
    #expect(table.remarks.map(\.path) == ["request_rate"] && table.remarks[0].severity == .warning)
    let own = Results.sglang.replacing("\"concurrency\": 11.780263008980727, ", with: "")
    #expect(try read(own, ["model": "m"]).rows[0].concurrency == 12)
  }

  // GuideLLM's column of our name counts the first token; its inter-token latency is what we mean.
  @Test func `GuideLLM's time per output token is not read, its latency between tokens is`() throws {
    let row = try read(Results.guide).rows[0]
    #expect(row.times == [.timeToFirstToken: 160.7 / 1000, .timePerOutputToken: 6.79 / 1000])
    let withFirst: Double = (160.7 + 127 * 6.79) / 128
    #expect(abs(withFirst - 7.992) < 5e-4)
    #expect(row.prompt == 1024 && row.generated == 128 && row.concurrency == 8 && row.requests == 56)
    #expect(row.model == "llama-3.1-8b" && row.engine.isEmpty)
    let old = Results.guide.replacing("\"config\"", with: "\"args\"").replacing("concurrent", with: "synchronous")
    #expect(try read(old).rows[0].concurrency == 1)
  }

  @Test func `several results are several rows, in JSON Lines, in a list and in a table`() throws {
    let lines = [Results.vllm, Results.sglang].map { $0.replacing("\n", with: "") }
    for text in [lines.joined(separator: "\n") + "\n", "[" + lines.joined(separator: ",") + "]"] {
      let rows = try read(text, ["model": "llama-3.1-8b"]).rows
      #expect(rows.map(\.identifier) == ["result 1", "result 2"] && rows.map(\.concurrency) == [32, 12])
    }
    let csv = """
      model_id,backend,max_concurrency,completed,total_input_tokens,total_output_tokens,mean_ttft_ms,mean_tpot_ms,p99_tpot_ms
      m,vllm,8,80,8192,800,20.5,7.25,9

      """
    let row = try read(csv).rows[0]
    #expect(
      row.concurrency == 8 && row.prompt == 102 && row.generated == 10 && row.times[.timePerOutputToken] == 0.00725)
  }

  @Test func `what a person added says what the tool does not`() throws {
    let text = Results.vllm.replacing(
      "\"date\"", with: "\"devices\": \"4\", \"precision\": \"fp8\", \"hardware\": \"H100-SXM\", \"date\"")
    let row = try read(text, ["engine_version": "0.9.1", "precision": "bf16"]).rows[0]
    #expect(
      row.devices == 4 && row.precision.name == "fp8" && row.hardware == "h100-sxm" && row.engineVersion == "0.9.1")
  }

  @Test func `what makes a result less than it seems is said`() throws {
    let remarks = { (text: String) in try read(text, ["model": "m"]).remarks.map(\.found) }
    #expect(
      try remarks(Results.vllm.replacing("\"completed\": 320", with: "\"completed\": 300")) == [
        "300 of 320 requests were answered"
      ])
    #expect(
      try remarks(Results.vllm.replacing("\"backend\": \"vllm\"", with: "\"backend\": \"openai-chat\""))
        == ["found \"openai-chat\", which several engines speak"])
    #expect(
      try remarks(Results.guide.replacing("\"errored\": 0", with: "\"errored\": 3")).last == "3 requests are errored")
    let burst = Results.vllm.replacing("\"max_concurrency\": 32", with: "\"max_concurrency\": null")
    #expect(try read(burst).rows[0].concurrency == 320)
    // One token has no time between two; the tools write the mean of nothing as 0.
    let single = Results.vllm.replacing("40960", with: "320").replacing(
      "\"mean_tpot_ms\": 31.9", with: "\"mean_tpot_ms\": 0.0")
    #expect(try read(single).rows[0].times == [.timeToFirstToken: 0.5124])
  }

  @Test(arguments: [
    ("{}", "r.json:1:1: error: found no result of a benchmark; accepted: the JSON that vllm bench serve"),
    ("[]", "r.json:1:1: error: there are no results"),
    (
      #"{"avg_latency": 1.5, "latencies": [1.5]}"#,
      "r.json:1:1: error: an offline run says nothing about the times of requests;"
    ),
    (#"{"mean_tpot_ms": 3}"#, "r.json:1:1: error: completed: there is none; accepted: how many requests were answered"),
    (#"{"mean_tpot_ms": 3, "completed": 0}"#, "r.json:1:34: error: completed: found \"0\"; accepted:"),
    (
      #"{"mean_tpot_ms": 3, "completed": 4}"#,
      "r.json:1:1: error: total_input_tokens: the totals of tokens are missing;"
    ),
    (
      Results.sglang.replacing("\"accept_length\": null", with: "\"accept_length\": 2.5"),
      "r.json:5:54: error: accept_length: found \"2.5\": a draft model ran beside it;"
    ),
    (#"{"benchmarks": [{"metrics": {}}]}"#, "r.json:1:29: error: prompt_token_count: there is no mean of the requests"),
    (
      "Benchmark,Time to First Token,Inter Token Latency\nStrategy,Successful ms,Successful ms\n,Mean,Mean\nconcurrent,1,2\n",
      "r.json:1:1: error: found GuideLLM's table, with three lines of names; accepted: its benchmarks.json"
    ),
    ("{\"mean_tpot_ms\": 3", "r.json:1:19: error: the text ends; accepted: a comma or }"),
  ])
  func `what is no result is refused at its place`(text: String, found: String) {
    #expect(complaint(text).hasPrefix(found), "\(complaint(text))")
  }

  @Test func `the definition of the latency is the format's`() {
    let error = #expect(throws: ScenarioError.self) {
      try MeasuredTable(text: Results.vllm, file: "r.json", latency: .inclusive)
    }
    #expect(error?.description.contains("--latency: found inclusive beside results of a benchmark tool") == true)
  }
}
