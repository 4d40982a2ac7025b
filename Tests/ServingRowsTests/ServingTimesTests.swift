import Architectures
import Formulas
import Hardware
import Quantities
import Scenarios
import Testing

@testable import ServingRows

private func dataSheet(
  _ name: String, bf16: Double, bandwidth: Double, memory: Int = 10_000_000_000_000
) -> HardwareProfile {
  HardwareProfile(
    name: name, peaks: PeakRates([(.bf16, Rate(bf16))]), elementwise: Rate(bf16 / 15), memoryBandwidth: Rate(bandwidth),
    memoryBytes: memory)
}

/// NVIDIA's data sheets: dense bf16 and the bandwidth of the memory.
private let h100 = dataSheet("h100-sxm", bf16: 989e12, bandwidth: 3.35e12)
private let rtx4090 = dataSheet("rtx-4090", bf16: 165.2e12, bandwidth: 1.008e12)

/// config.json of meta-llama/Llama-3.1-8B
private let llama8B = Model.vanilla(
  vocabulary: 128_256, layer: LayerShape(width: 4096, heads: 32, keyValueHeads: 8, feedForward: 14336), layers: 32)

/// config.json of Qwen/Qwen3-4B
private let qwen4B = Model.vanilla(
  vocabulary: 151_936,
  layer: LayerShape(width: 2560, heads: 32, keyValueHeads: 8, headWidth: 128, feedForward: 9728), tiedHead: true,
  layers: 36)

private func row(
  _ model: Model, prompt: Int, generated: Int, concurrency: Int = 1, change: (inout MeasuredRow) -> Void = { _ in }
) -> ServingPoint {
  var row = MeasuredRow(
    position: Position(file: "rows.csv", line: 1), identifier: "a", model: "model", prompt: prompt,
    generated: generated,
    concurrency: concurrency)
  change(&row)
  return ServingPoint(row: row, model: model)
}

private func times(_ point: ServingPoint, on profile: HardwareProfile) throws -> (first: Double, token: Double) {
  let served = try ServingCase(point, memoryOf: profile)
  return try (
    served.predicted(.timeToFirstToken, on: profile) ?? .nan, served.predicted(.timePerOutputToken, on: profile) ?? .nan
  )
}

struct ServingTimesTests {
  /// The decode step alone: a request that is by itself waits for no prefill between its tokens. Milliseconds of the issue
  /// that found the fault, by the formulas of the data sheet.
  @Test(arguments: [
    (llama8B, h100, 8192, 4.805), (llama8B, h100, 32768, 5.767), (qwen4B, rtx4090, 4096, 8.594),
  ])
  func `a request does not wait for its own prefill between its tokens`(
    model: Model, profile: HardwareProfile, prompt: Int, milliseconds: Double
  ) throws {
    let token = try times(row(model, prompt: prompt, generated: 128), on: profile).token
    #expect(abs(1000 * token - milliseconds) < 0.0005, "\(1000 * token)")
  }

  /// N prefills and G steps are all that happens in a round, so that no habit of an engine changes their sum.
  @Test(arguments: [PassBudget.prompts(1), .prompts(3), .tokens(2048)], [1, 2, 8, 64])
  func `each prefill is charged once`(budget: PassBudget, concurrency: Int) throws {
    var profile = h100
    profile.serving = ServingBehaviour(passBudget: budget)
    let (prompt, generated) = (1024, 256)
    let point = row(llama8B, prompt: prompt, generated: generated, concurrency: concurrency)
    let (first, token) = try times(point, on: profile)
    let workload = Workload(promptLength: prompt, generatedLength: generated, batchSize: concurrency)
    let decode = DispatchedWorkload(Question(llama8B, workload, Precision())).decode
    let alone = DispatchedWorkload(Question(llama8B, workload.with(batchSize: 1), Precision())).prefill
    let roofline = try Roofline(profile, Precision())
    let perPass = min(Double(concurrency), budget.prompts(of: prompt))
    let shared = SharedPrefill(of: alone, prompts: perPass, into: decode)
    let prefill = (roofline.time(shared.together) - roofline.time(shared.apart)).value / perPass
    let round = roofline.time(decode).value + Double(concurrency) * prefill
    #expect(abs((first + Double(generated - 1) * token) / round - 1) < 0.01)
  }

  @Test func `a prefill that shares a pass costs less than one alone, and its arithmetic at least`() throws {
    let workload = Workload(promptLength: 512, generatedLength: 64, batchSize: 8)
    let dispatched = DispatchedWorkload(Question(llama8B, workload, Precision()))
    let alone = DispatchedWorkload(Question(llama8B, workload.with(batchSize: 1), Precision())).prefill
    let roofline = try Roofline(h100, Precision())
    let shared = SharedPrefill(of: alone, prompts: 1, into: dispatched.decode)
    let marginal = (roofline.time(shared.together) - roofline.time(shared.apart)).value
    let full = roofline.estimate(alone, levelCount: 0).total
    #expect(marginal < full.time.value)
    // What does not hide behind the decode step's weights: arithmetic less what that step has free.
    #expect(marginal > full.compute.value - roofline.time(dispatched.decode).value / 64)
  }

  @Test func `what a row says of its run decides who waits`() throws {
    func first(_ change: (inout MeasuredRow) -> Void) throws -> Double {
      try times(row(llama8B, prompt: 1024, generated: 256, concurrency: 32, change: change), on: h100).first
    }
    let usual = try first { _ in }
    #expect(try first { $0.requests = 320 } == usual)
    #expect(try first { $0.requests = 32 } > usual)
    #expect(try first { $0.tokenBudget = 8192 } > usual)
    #expect(try first { $0.maxRunning = 16 } > 10 * usual)
    #expect(try first { $0.lengthRatio = 0.5 } < usual)
  }

  @Test func `lengths drawn from a share of the nominal ones are their mean`() throws {
    let drawn = try times(row(llama8B, prompt: 1000, generated: 200) { $0.lengthRatio = 0.8 }, on: h100)
    let mean = try times(row(llama8B, prompt: 900, generated: 180), on: h100)
    #expect(drawn == mean)
  }
}
