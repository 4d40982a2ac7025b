import Architectures
import Foundation
import Quantities
import Scenarios
import Testing

private func scenario(_ text: String, overrides: [String] = []) throws -> Scenario {
  let fixture = try Fixture.library()
  return try Scenario(
    text: text, file: fixture.path + "/s.yaml", options: .init(overrides: overrides, checksHardware: false))
}

struct OverrideTests {
  @Test func `a key of a mapping that is not there makes the mapping, also beside what a preset says`() throws {
    let window = ["model.cache.retention=sliding-window", "model.cache.window=8"]
    #expect(
      try scenario("model: {preset: base}\n", overrides: window).grid.models[0]!.model.cache(at: 1).plan.retention
        == .slidingWindow(8))
    let own = ["model.levels[1].cache.retention=sliding-window", "model.levels[1].cache.window=4"]
    let model = try scenario("model: {preset: base}\n", overrides: window + own).grid.models[0]!.model
    #expect(
      model.cache(at: 1).plan.retention == .slidingWindow(4) && model.cache(at: 2).plan.retention == .slidingWindow(8))
    #expect(
      try scenario("model: {preset: base}\nmeasure:\n", overrides: ["measure.threads=3"]).measure.threads == 3)
  }

  @Test func `an override replaces a value, a list or a range`() throws {
    let text = "model: {preset: base}\nworkload: {prompt: [1, 2], batch: {log2: [1, 4]}}\n"
    let overridden = try scenario(text, overrides: ["workload.prompt=8", "workload.batch=[3, 5]", "name=other"])
    #expect(overridden.name == "other")
    #expect(overridden.grid.points.map { [$0.workload.promptLength, $0.workload.batchSize] } == [[8, 3], [8, 5]])
  }

  @Test func `an override reaches into the levels of a preset and of a list`() throws {
    let inPreset = try scenario("model: {preset: base}\n", overrides: ["model.levels[2].chunk=8"])
    #expect(inPreset.grid.point(at: 0)?.model.levels.map(\.chunkLength) == [4, 8])
    let level = "{chunk: [2, 4], condition: 2, encoder_layers: 1, decoder_layers: 1}"
    let inList = try scenario(
      "model: {preset: base, levels: [\(level)]}\n",
      overrides: ["model.levels[1].chunk=8", "model.levels[1].width=128"])
    #expect(inList.grid.count == 1)
    #expect(inList.grid.point(at: 0)?.model.levels.map(\.chunkLength) == [8])
    #expect(inList.grid.point(at: 0)?.model.levels.map(\.layer.width) == [128])
  }

  @Test func `the last of two overrides wins and nothing restores the default`() throws {
    let text = "model: {preset: base, tied_head: true}\nworkload: {batch: 4}\n"
    let point = try #require(
      try scenario(
        text, overrides: ["model.levels[1].chunk=2", "model.levels[1].chunk=8", "model.tied_head=", "workload="]
      )
      .grid.point(at: 0))
    #expect(point.model.levels[1].chunkLength == 8)
    #expect(!point.model.tiedHead)
    #expect(point.workload.batchSize == 1)
  }

  @Test func `an override of alternatives holds in each of them`() throws {
    let text = "model: [{preset: base}, {preset: base-wide}]\nworkload: [{prompt: 1}, {prompt: 2}]\n"
    let grid = try scenario(text, overrides: ["model.generation=recursive", "workload.generate=9"]).grid
    #expect(grid.count == 4)
    #expect(grid.points.allSatisfy { $0.model.generation == .recursive && $0.workload.generatedLength == 9 })
  }

  @Test func `a fingerprint sees overrides and presets, not comments and layout`() throws {
    let plain = try scenario("model: {preset: base}\n").fingerprint
    #expect(try scenario("# why\nmodel:\n  preset:   base\n").fingerprint == plain)
    #expect(try scenario("model: {preset: base-wide}\n").fingerprint != plain)
    #expect(try scenario("model: {preset: base}\n", overrides: ["workload.batch=2"]).fingerprint != plain)
    #expect(plain.count == 16)
  }
}

struct DefaultTests {
  @Test func `what a scenario leaves out has its documented default`() throws {
    let scenario = try scenario("model: {preset: base}\n")
    #expect(scenario.name == "s")
    #expect(scenario.grid.count == 1)
    let point = try #require(scenario.grid.point(at: 0))
    #expect(point.workload == Workload(promptLength: 2048, generatedLength: 128, batchSize: 1, continuations: 1))
    #expect(point.precision == Precision(weights: .bf16, activations: .bf16, cache: .bf16))
    #expect(point.model.decoderInput == .cascade && point.model.generation == .hierarchical)
    #expect(point.model.layer.keyValueHeads == 4 && point.model.layer.headWidth == 16)
    #expect(point.model.levels.map(\.chunker) == [.concatenation, .linear])
    #expect(scenario.hardware.map(\.name) == ["h200-sxm"])
    #expect(scenario.hardware[0].file?.hasSuffix("/hardware/h200-sxm.yaml") == true)
    #expect(scenario.measure == MeasurementSettings(repetitions: 5, warmup: 1, threads: 2, points: []))
    #expect(scenario.compare.isEmpty && scenario.objective == nil && scenario.quality == nil)
  }

  @Test func `a level's own width brings its own head width, its own heads their own keys`() throws {
    let text = """
      model:
        architecture: photon
        vocabulary: 100
        width: 64
        heads: 4
        head_width: 8
        feed_forward: 128
        levels:
          - {chunk: 4, condition: 2, encoder_layers: 1, decoder_layers: 1}
          - {chunk: 4, condition: 2, encoder_layers: 1, decoder_layers: 1, width: 96, heads: 6}
          - {chunk: 2, condition: 1, encoder_layers: 3, decoder_layers: 2, key_value_heads: 1, feed_forward: 7,
             feed_forward_kind: two-matrix, chunker: convolution}

      """
    let model = try #require(try scenario(text).grid.point(at: 0)).model
    let base = LayerShape(width: 64, heads: 4, headWidth: 8, feedForward: 128)
    #expect(model.layer == base)
    #expect(model.levels[1].layer == base)
    #expect(model.levels[2].layer == LayerShape(width: 96, heads: 6, keyValueHeads: 6, headWidth: 16, feedForward: 128))
    #expect(
      model.levels[3].layer
        == LayerShape(width: 64, heads: 4, keyValueHeads: 1, headWidth: 8, feedForward: 7, feedForwardKind: .twoMatrix))
    #expect(model.levels[3].chunker == .convolution)
  }

  @Test func `every section of the format is read`() throws {
    let fixture = try Fixture.library()
    try fixture.write("quality.csv", Data("a\n".utf8))
    let scenario = try Scenario(
      text: """
        name: full
        model: {preset: base, decoder_input: encoder-state, retain_conditions: true}
        compare: [base, {preset: base-wide, tied_head: true}]
        workload: {prompt: 3, generate: 5, batch: 7, continuations: 9}
        precision: {weights: int4, activations: fp8, cache: int8}
        hardware: [h100-sxm, h200-sxm]
        objective: {maximise: throughput_tokens_per_s, subject_to: ["prefill.time_s <= 0.2", "2 * a.b > 1e-3"]}
        quality: quality.csv
        measure: {repetitions: 2, warmup: 0, threads: 1, doubled: false, fitted_share: 0.25, seed: 9, points: [{prompt: 8, generate: 2}]}

        """, file: fixture.path + "/s.yaml")
    let point = try #require(scenario.grid.point(at: 0))
    #expect(scenario.name == "full")
    #expect(point.model.decoderInput == .encoderState && point.model.retainConditions)
    #expect(point.workload == Workload(promptLength: 3, generatedLength: 5, batchSize: 7, continuations: 9))
    #expect(point.precision == Precision(weights: .int4, activations: .fp8, cache: .int8))
    #expect(scenario.compare.map(\.name) == ["base", "base-wide"])
    #expect(scenario.compare[1].model.tiedHead && scenario.compare[1].model.layer.width == 128)
    #expect(scenario.hardware.map(\.name) == ["h100-sxm", "h200-sxm"])
    let objective = try #require(scenario.objective)
    #expect(objective.sense == .maximise && objective.member == "throughput_tokens_per_s")
    #expect(objective.conditions[0].holds { ["prefill.time_s": 0.2][$0] } == true)
    #expect(objective.conditions[0].holds { ["prefill.time_s": 0.21][$0] } == false)
    #expect(objective.conditions[1].holds { _ in 0.0005 } == false)
    #expect(objective.conditions[1].holds { _ in nil } == nil)
    #expect(scenario.quality?.hasSuffix("/quality.csv") == true)
    #expect(scenario.measure.points == [Workload(promptLength: 8, generatedLength: 2)])
    #expect(!scenario.measure.takesSigns && scenario.measure.fittedShare == 0.25 && scenario.measure.seed == 9)
    #expect(scenario.measure.repetitions == 2 && scenario.measure.warmup == 0 && scenario.measure.threads == 1)
  }
}
