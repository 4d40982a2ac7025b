import Quantities
import Scenarios
import Testing

@testable import ServingRows

private let header = "model,precision,prompt,prefill_ms\n"

private func read(_ row: String) -> (precision: Precision?, said: String) {
  do {
    let table = try MeasuredTable(text: header + row + "\n", file: "m.csv")
    return (table.rows[0].precision.precision, table.remarks.map(\.description).joined(separator: "\n"))
  } catch {
    return (nil, error.description)
  }
}

struct NamedPrecisionTests {
  // Names on Hugging Face, and what their cards say is stored and multiplied.
  @Test(arguments: [
    ("Qwen/Qwen3-8B-FP8", "fp8/fp8/bf16"), ("RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8-dynamic", "fp8/fp8/bf16"),
    ("amd/Llama-3.1-8B-Instruct-FP8-KV", "fp8/fp8/fp8"), ("Qwen/Qwen2.5-7B-Instruct-AWQ", "int4/bf16/bf16"),
    ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4", "int4/bf16/bf16"), ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8", "int8/bf16/bf16"),
    ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", "int4/bf16/bf16"),
    ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w8a8", "int8/int8/bf16"),
    ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w8a16", "int8/bf16/bf16"), ("a/Llama-2-7b-INT8", "int8/int8/bf16"),
    ("mlx-community/Meta-Llama-3.1-8B-Instruct-4bit", "int4/bf16/bf16"), ("a/model-fp16", "fp16/fp16/fp16"),
  ])
  func `an empty cell means what the name says, and that is said`(model: String, precision: String) {
    let (found, said) = read("\(model),,8,1")
    #expect(found == PrecisionName(precision)?.precision, "\(said)")
    #expect(said.hasPrefix("m.csv:2:1: warning: precision: ") && said.hasSuffix("is read from the name \"\(model)\""))
  }

  @Test(arguments: [
    "meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-0.6B", "mistralai/Mistral-7B-v0.1", "photon-600m-2x2",
  ])
  func `a name that says nothing means bf16 and is not spoken of`(model: String) {
    #expect(NamedPrecision(model: model) == nil)
    let (found, said) = read("\(model),,8,1")
    #expect(found == Precision() && said.isEmpty)
  }

  @Test(arguments: [
    "TheBloke/Llama-2-7B-GPTQ", "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", "m-Q4_K_M", "nvidia/Llama-3.1-8B-NVFP4",
    "turboderp/Llama-3-8B-exl2", "a/m-w4a8",
  ])
  func `a name that leaves it open demands the column`(model: String) {
    let (found, said) = read("\(model),,8,1")
    #expect(found == nil && said.hasPrefix("m.csv:2:1: error: precision: there is none, and \"\(model)\""), "\(said)")
    #expect(read("\(model),int4,8,1").precision?.weights == .int4)
  }

  @Test func `a column may say it in the words of names, and in no others`() {
    for (cell, meant) in [
      ("w4a16", "int4/bf16/bf16"), ("W8A8", "int8/int8/bf16"), ("AWQ", "int4/bf16/bf16"),
      ("FP8-dynamic", "fp8/fp8/bf16"),
      ("GPTQ-Int8", "int8/bf16/bf16"),
    ] {
      #expect(PrecisionName(cell) == PrecisionName(meant), "\(cell)")
    }
    for cell in ["fp9", "gptq", "fp9/fp8/fp8", "llama-fp8", "w4a8", "gguf", "-", "x"] {
      #expect(PrecisionName(cell) == nil, "\(cell)")
    }
  }

  @Test func `a name and a column that disagree are refused with both`() {
    let (found, said) = read("Qwen/Qwen3-8B-FP8,bf16,8,1")
    #expect(found == nil)
    #expect(
      said == "m.csv:2:19: error: precision: found \"bf16\" beside the model \"Qwen/Qwen3-8B-FP8\"; accepted: "
        + "weights in fp8, or another model")
    #expect(read("a/m-AWQ,fp16,8,1").precision == nil && read("a/m-GPTQ,fp16,8,1").precision == nil)
  }

  @Test func `a column that says more than the name is no disagreement`() {
    for cell in ["fp8", "fp8/fp8/bf16", "fp8/bf16/bf16", "FP8_static"] {
      let (found, said) = read("Qwen/Qwen3-8B-FP8,\(cell),8,1")
      #expect(found == PrecisionName(cell)?.precision && said.isEmpty, "\(said)")
    }
  }
}
