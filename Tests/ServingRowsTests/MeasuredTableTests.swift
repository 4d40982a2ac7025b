import Architectures
import Foundation
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
          + "WEIGHTS/ACTIVATIONS/CACHE, or nothing for bf16",
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

  @Test func `names of Hugging Face mean presets`() {
    #expect(ModelNames.presets(for: "meta-llama/Llama-3.1-70B-Instruct").contains("llama-3.1-70b"))
    #expect(ModelNames.presets(for: "meta-llama/Meta-Llama-3-8B").contains("llama-3.1-8b"))
    #expect(ModelNames.presets(for: "Qwen/Qwen3-8B-FP8").contains("qwen3-8b"))
    #expect(ModelNames.presets(for: "mistralai/Mistral-7B-Instruct-v0.2").contains("mistral-7b"))
  }
}
