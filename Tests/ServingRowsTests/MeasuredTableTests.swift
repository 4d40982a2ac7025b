import Architectures
import Foundation
import Hardware
import Quantities
import Scenarios
import Testing

@testable import ServingRows

private let header =
  "id,model,hardware,engine,precision,prompt,generated,concurrency,time_to_first_token_ms,time_per_output_token_ms\n"

private func complaints(_ text: String, latency: MeasuredTable.Latency = .exclusive) -> [String] {
  do {
    _ = try MeasuredTable(text: text, file: "m.csv", latency: latency)
    return []
  } catch {
    return error.diagnostics.map(\.description)
  }
}

/// The presets that the program ships.
private let names = ModelNames(
  files: [:], searchPaths: [URL(filePath: #filePath).pathComponents.dropLast(3).joined(separator: "/") + "/scenarios"],
  near: "m.csv")

struct MeasuredTableTests {
  @Test func `rows keep what is measured; comments, spaces and quotes mean nothing`() throws {
    let text = "# made up\n" + header + "a,\"m, n\",h100_sxm,vllm ,,1024,512,8,,12.5\r\n\nb,x,h,e,fp8,1,1,1,3,\n"
    let rows = try MeasuredTable(text: text, file: "m.csv").rows
    #expect(rows.map(\.identifier) == ["a", "b"])
    #expect(rows[0].model == "m, n" && rows[0].engine == "vllm")
    #expect(rows[0].position == Position(file: "m.csv", line: 3, column: 3))
    #expect(rows[0].times == [.timePerOutputToken: 0.0125])
    #expect(rows[1].times == [.timeToFirstToken: 0.003])
  }

  @Test func `spellings of a machine and of an engine mean the same`() throws {
    let text = header + "a,m,h100_sxm,vLLM,fp8,1,1,1,3,\nb,m,H100-SXM,vllm,FP8,1,1,1,3,\n"
    let rows = try MeasuredTable(text: text, file: "m.csv").rows
    for column in [MeasuredColumn.hardware, .engine, .precision] { #expect(column.values(of: rows).count == 1) }
  }

  @Test func `an empty precision is bf16, and parts of one can be named`() throws {
    #expect(PrecisionName("")?.precision == Precision(weights: .bf16, activations: .bf16, cache: .bf16))
    #expect(PrecisionName("FP8")?.precision == Precision(weights: .fp8, activations: .fp8, cache: .fp8))
    #expect(PrecisionName("fp8/fp8/bf16")?.precision == Precision(weights: .fp8, activations: .fp8, cache: .bf16))
    #expect(PrecisionName("int4")?.precision == Precision(weights: .int4, activations: .bf16, cache: .bf16))
    #expect(PrecisionName("fp7") == nil)
  }

  @Test func `phases have columns of their own`() throws {
    let rows = try MeasuredTable(
      text: "model,prompt,concurrency,context,prefill_ms,decode_step_ms\nx,64,2,,3,\nx,,2,128,,4\n", file: "m.csv"
    ).rows
    #expect(rows.map(\.times) == [[.prefill: 0.003], [.decodeStep: 0.004]])
  }

  @Test func `columns of the model section change the named model in their row`() throws {
    let text =
      "model,prompt,prefill_ms,spread_percent,model.levels[1].chunk,model.decoder_input\n"
      + "photon-tiny,64,3,0.5,8,\nphoton-tiny,64,3,,,reconstruction\nphoton-tiny,64,3,,,\n"
    let table = try MeasuredTable(text: text, file: "m.csv")
    let points = try names.points(table.rows)
    #expect(points.map { $0.model.levels[1].chunkLength } == [8, 4, 4])
    #expect(points.map { $0.model.decoderInput } == [.cascade, .reconstruction, .cascade])
  }

  @Test func `a setting that the model refuses is said with its cell`() throws {
    let text = "model,prompt,prefill_ms,model.levels[1].chunk,model.colour\nphoton-tiny,64,3,0,1\n"
    let rows = try MeasuredTable(text: text, file: "m.csv").rows
    #expect(throws: ScenarioError.self) { try names.points(rows) }
    do { _ = try names.points(rows) } catch {
      #expect(
        Set(error.diagnostics.map(\.position)) == [
          .init(file: "m.csv", line: 2, column: 18),
          .init(file: "m.csv", line: 2, column: 20),
        ])
    }
  }

  @Test func `everything that is wrong is said with its place`() {
    let text = header + "a,m,h,e,fp9,1024,0,8,NaN,-1\nb,m,h,e,,,4,8,1\n"
    #expect(
      complaints(text) == [
        "m.csv:2:9: error: precision: found \"fp9\"; accepted: fp32, bf16, fp16, fp8, int8, int4, "
          + "WEIGHTS/ACTIVATIONS/CACHE, w4a16, w8a8, w8a16, or nothing for what the model's name says, else bf16",
        "m.csv:2:18: error: generated: found \"0\"; accepted: an integer from 1 to 16777216",
        "m.csv:2:22: error: time_to_first_token_ms: found \"NaN\"; accepted: a time above 0 in milliseconds, or nothing",
        "m.csv:2:26: error: time_per_output_token_ms: found \"-1\"; accepted: a time above 0 in milliseconds, or nothing",
        "m.csv:3:1: error: found 9 cells; accepted: 10, as the header has",
      ])
  }

  @Test func `unknown, repeated and missing columns are errors`() {
    let found = complaints("id,colour,id,prefill_ms\na,b,c,1\n")
    #expect(found.contains("m.csv:1:1: error: model: the column is missing"))
    #expect(
      found.contains { $0.hasPrefix("m.csv:1:4: error: colour: there is no column of this name; accepted: id, ") })
    #expect(found.contains("m.csv:1:11: error: id: the column stands here a second time"))
    #expect(complaints("model,prompt\nx,1\n").first?.contains("no column holds a time") == true)
    #expect(complaints("# nothing\n").first?.contains("there is no header") == true)
    #expect(complaints(header).first?.contains("no row below the header") == true)
    #expect(complaints(header + "a,\"m,h,e,,1,1,1,1,1\n").contains("m.csv:2:3: error: a quotation mark is not closed"))
  }

  @Test func `a time needs the counts that define it`() {
    let found = complaints(header + "a,m,h,e,,,4,8,1,\n")
    #expect(found.first?.hasPrefix("m.csv:2:10: error: prompt: there is none") == true)
    #expect(complaints("model,decode_step_ms\nx,1\n").first?.contains("context: there is none") == true)
  }

  @Test func `a time per output token that counts the first token is converted`() throws {
    let text = header + "a,m,h,e,,1024,11,8,100,20\n"
    let row = try MeasuredTable(text: text, file: "m.csv", latency: .inclusive).rows[0]
    // 11 tokens of 20 ms are 220 ms; without the first 100 ms the other ten take 12 ms each.
    #expect(abs((row.times[.timePerOutputToken] ?? 0) - 0.012) < 1e-15)
    #expect(complaints(header + "a,m,h,e,,1024,11,8,,20\n", latency: .inclusive).count == 1)
  }

  @Test func `what decides a row besides is read, and what cannot be is refused`() throws {
    let columns =
      "model,hardware,engine_version,devices,prompt,generated,concurrency,requests,token_budget,max_running,"
    let header = columns + "length_ratio,whole_ms,source,note\n"
    let row = try MeasuredTable(text: header + "m,h,0.6.3,2,1,4,8,16,2048,4,0.8,500,\"a, b\",n\n", file: "m.csv").rows[
      0]
    #expect(row.engineVersion == "0.6.3" && row.devices == 2 && row.requests == 16 && row.tokenBudget == 2048)
    #expect(row.maxRunning == 4 && row.lengthRatio == 0.8 && row.times == [.whole: 0.5] && row.source == "a, b")
    #expect(
      MeasuredColumn.engineVersion.value(of: row) == "0.6.3" && MeasuredColumn.devices.value(of: row) == "2"
        && row.note == "n")
    #expect(
      complaints(header + "m,h,,0,1,,8,7,0,-1,1.5,500,,\n") == [
        "m.csv:2:6: error: devices: found \"0\"; accepted: an integer from 1 to 1024",
        "m.csv:2:10: error: generated: there is none, and whole_ms needs it",
        "m.csv:2:13: error: requests: found 7 beside a concurrency of 8; accepted: all requests of the run, at least 8",
        "m.csv:2:15: error: token_budget: found \"0\"; accepted: an integer from 1 to 16777216",
        "m.csv:2:17: error: max_running: found \"-1\"; accepted: an integer from 1 to 16777216",
        "m.csv:2:20: error: length_ratio: found \"1.5\"; accepted: a number from 0 to 1, or nothing",
      ])
  }

  @Test func `devices that a model or a machine cannot share are refused at the row`() throws {
    let text = "model,prompt,devices,prefill_ms\nphoton-tiny,64,3,3\nphoton-tiny,64,2,3\n"
    let rows = try MeasuredTable(text: text, file: "m.csv").rows
    let error = #expect(throws: ScenarioError.self) { try names.points(rows) }
    #expect(error?.description.hasPrefix("m.csv:2:1: error: devices: photon-tiny, ") == true)
    // The machine of round numbers has no link.
    let unlinked = #expect(throws: ScenarioError.self) { try rows[1].check(on: machine()) }
    #expect(unlinked?.description.hasPrefix("m.csv:3:1: error: devices: ") == true)
    var linked = machine()
    linked.deviceLink = Rate(1e12)
    try rows[1].check(on: linked)
  }

  @Test func `a row that says the same again is named, whatever it is called`() throws {
    let text = header + "a,m,h,e,,1,1,1,3,\nb,m,h,e,,1,1,1,3,\nc,m,h,e,,1,1,1,4,\n"
    #expect(
      try MeasuredTable(text: text, file: "m.csv").remarks.map(\.description) == [
        "m.csv:3:3: warning: the row repeats that of line 2: it counts twice"
      ])
  }

  @Test func `empty and missing cells can be filled, others stay`() throws {
    let text = "model,engine,prompt,prefill_ms\n,vllm,8,1\nm,,8,2\n"
    let rows = try MeasuredTable(
      text: text, file: "m.csv", filling: ["model": "x", "engine": "trtllm", "devices": "2"]
    ).rows
    #expect(rows.map(\.model) == ["x", "m"] && rows.map(\.engine) == ["vllm", "trtllm"])
    #expect(rows.map(\.devices) == [2, 2] && rows.map(\.position.line) == [2, 3])
  }

  @Test func `the public anchors are read, every one`() throws {
    let file =
      URL(filePath: #filePath).pathComponents.dropLast(3).joined(separator: "/")
      + "/scenarios/measurements/public-anchors.csv"
    let table = try MeasuredTable(file: file)
    // docs/public-anchors.md: 251 measured times, 15 cards, 23 models, 19 engines, 27 reports.
    #expect(table.rows.count == 251 && table.remarks.isEmpty, "\(table.remarks)")
    let columns: [(MeasuredColumn, Int)] = [(.hardware, 15), (.model, 23), (.engine, 19), (.source, 27)]
    for (column, count) in columns { #expect(column.values(of: table.rows).count == count, "\(column)") }
  }

  @Test func `names of Hugging Face mean presets`() {
    #expect(ModelNames.presets(for: "meta-llama/Llama-3.1-70B-Instruct").contains("llama-3.1-70b"))
    #expect(ModelNames.presets(for: "meta-llama/Meta-Llama-3-8B").contains("llama-3.1-8b"))
    for name in ["Qwen/Qwen3-8B-FP8", "Qwen3-8B-AWQ", "RedHatAI/Qwen3-8B-quantized.w4a16", "Qwen3-8B-FP8-dynamic"] {
      #expect(ModelNames.presets(for: name).contains("qwen3-8b"), "\(name)")
    }
    #expect(ModelNames.presets(for: "Llama-2-7B-Chat-GPTQ-Int4").contains("llama-2-7b"))
    #expect(ModelNames.presets(for: "Meta-Llama-3.1-8B-Instruct-AWQ-INT4").contains("llama-3.1-8b"))
    #expect(ModelNames.presets(for: "mistralai/Mistral-7B-Instruct-v0.2").contains("mistral-7b"))
  }
}
