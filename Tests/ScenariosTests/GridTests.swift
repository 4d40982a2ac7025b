import Architectures
import Foundation
import Quantities
import Scenarios
import Testing

private let vanilla =
  "model: {architecture: vanilla, vocabulary: 100, width: 64, heads: 4, feed_forward: 128, layers: 2}\n"

private func scenario(_ text: String, overrides: [String] = []) throws -> Scenario {
  let fixture = try Fixture.library()
  return try Scenario(
    text: text, file: fixture.path + "/s.yaml", options: .init(overrides: overrides, checksHardware: false))
}

struct GridTests {
  @Test func `axes run in the order of the text, the last one fastest`() throws {
    let grid = try scenario(
      """
      workload: {batch: [1, 2], prompt: [8, 16, 32]}
      precision: {cache: [fp16, int8]}
      \(vanilla)
      """
    ).grid
    #expect(grid.axes.map(\.path) == ["workload.batch", "workload.prompt", "precision.cache"])
    #expect(grid.count == 12)
    let found = grid.points.map {
      "\($0.workload.batchSize) \($0.workload.promptLength) \($0.precision.cache.rawValue)"
    }
    var expected: [String] = []
    for batch in [1, 2] {
      for prompt in [8, 16, 32] {
        for cache in ["fp16", "int8"] { expected.append("\(batch) \(prompt) \(cache)") }
      }
    }
    #expect(found == expected)
    #expect(grid.points.map(\.index) == Array(0..<12))
    #expect(grid.points.allSatisfy { $0.precision.weights == .bf16 && $0.workload.generatedLength == 128 })
  }

  @Test func `a point's labels are the values that it was made from`() throws {
    let grid = try scenario(
      """
      model:
        preset: base
        levels[1].chunk: [2, 4]
        width: [64, 128]
      workload: {prompt: {log2: [1, 8]}}

      """
    ).grid
    #expect(grid.axes.map(\.path) == ["model.levels[1].chunk", "model.width", "workload.prompt"])
    #expect(grid.axes[2].labels == ["1", "2", "4", "8"])
    for point in grid.points {
      #expect(
        point.axisValues == [
          "\(point.model.levels[1].chunkLength)", "\(point.model.layer.width)", "\(point.workload.promptLength)",
        ])
      #expect(point.model.levels.map(\.layer.width) == [point.model.layer.width, point.model.layer.width])
    }
    #expect(Set(grid.points.map(\.modelIndex)) == [0, 1, 2, 3])
  }

  @Test func `an axis is literal where all its values are numbers or truth values`() throws {
    let grid = try scenario(
      """
      model: {preset: base, tied_head: [true, false], generation: [hierarchical, recursive]}
      workload: {prompt: {log2: [1, 8]}, batch: [1_000, 2]}
      precision: [{cache: int8}, {cache: fp8}]

      """
    ).grid
    #expect(grid.axes.map(\.isLiteral) == [true, false, true, true, false])
    #expect(grid.axes[3].labels == ["1000", "2"])
  }

  @Test func `a linear range is spread evenly over whole numbers`() throws {
    func prompts(_ range: String) throws -> [Int] {
      try scenario(vanilla + "workload: {prompt: {linear: \(range)}}\n").grid.points.map(\.workload.promptLength)
    }
    #expect(try prompts("[100, 500, 5]") == [100, 200, 300, 400, 500])
    #expect(try prompts("[1, 8, 3]") == [1, 5, 8])
    #expect(try prompts("[7, 7, 1]") == [7])
    #expect(try prompts("[1, 4, 4]") == [1, 2, 3, 4])
  }

  @Test func `a list of models or workloads is one axis`() throws {
    let grid = try scenario(
      """
      model: [{preset: base}, {preset: base, width: 128}, {preset: base-wide}]
      workload:
        - {prompt: 64, generate: 2}
        - {generate: 64, batch: 3}

      """
    ).grid
    #expect(grid.count == 6)
    #expect(
      grid.axes.map(\.labels) == [
        ["base", "{preset: base, width: 128}", "base-wide"], ["{prompt: 64, generate: 2}", "{generate: 64, batch: 3}"],
      ])
    #expect(grid.points.map(\.name) == ["base", "base", "base", "base", "base-wide", "base-wide"])
    #expect(grid.point(at: 2)?.model == grid.point(at: 4)?.model)
    #expect(grid.point(at: 1)?.workload == Workload(promptLength: 2048, generatedLength: 64, batchSize: 3))
  }

  @Test func `precisions vary key by key or as a list of alternatives`() throws {
    func cells(_ section: String) throws -> [String] {
      try scenario(vanilla + "precision: " + section + "\n").grid.points.map { point in
        "\(point.precision.weights) \(point.precision.activations) \(point.precision.cache)"
      }
    }
    #expect(
      try cells("{weights: [int4, int8], cache: [fp8, fp16]}") == [
        "int4 bf16 fp8", "int4 bf16 fp16", "int8 bf16 fp8", "int8 bf16 fp16",
      ])
    #expect(try cells("[{weights: int4}, {cache: fp32, activations: fp16}]") == ["int4 bf16 bf16", "bf16 fp16 fp32"])
  }

  @Test func `presets and whole hierarchies can be axes`() throws {
    let grid = try scenario(
      """
      model:
        preset: [base, base-wide]
        levels:
          - [{chunk: 8, condition: 1, encoder_layers: 1, decoder_layers: 1}]
          - - {chunk: 4, condition: 1, encoder_layers: 1, decoder_layers: 1}
            - {chunk: 2, condition: 1, encoder_layers: 1, decoder_layers: 1}

      """
    ).grid
    #expect(
      grid.points.map { "\($0.model.layer.width) \($0.model.metaContextLength)" } == ["64 8", "64 8", "128 8", "128 8"])
    #expect(grid.points.map(\.model.levelCount) == [1, 2, 1, 2])
  }

  @Test func `an unknown key with a list is a complaint beside constraints too`() throws {
    // The constraints ask for points; the options of an unknown key set nothing.
    for constraints in ["", "constraints: [\"prompt > 0\"]\n", "constraints:\n"] {
      let text = "model: {preset: [base, base-wide]}\nworkload: {promt: [1, 2]}\n" + constraints
      #expect(throws: ScenarioError.self) { try scenario(text) }
    }
  }

  @Test func `constraints leave out points and keep the numbering`() throws {
    let grid = try scenario(
      """
      model:
        preset: base
        levels[1].chunk: [2, 4, 8]
        levels[2].chunk: [2, 4, 8]
      workload: {batch: [1, 2, 4], prompt: [8, 16]}
      constraints:
        - levels[1].chunk <= levels[2].chunk
        - workload.batch * workload.prompt < 64
        - model.levels[3].chunk == 7

      """
    ).grid
    #expect(grid.count == 54)
    var expected: [[Int]] = []
    for first in [2, 4, 8] {
      for second in [2, 4, 8] where first <= second {
        for batch in [1, 2, 4] {
          for prompt in [8, 16] where batch * prompt < 64 { expected.append([first, second, batch, prompt]) }
        }
      }
    }
    #expect(
      grid.points.map { point in
        point.model.levels.map(\.chunkLength) + [point.workload.batchSize, point.workload.promptLength]
      } == expected)
    #expect(grid.models.count { $0 == nil } == 3)
    #expect(grid.point(at: 5) == nil)
  }

  @Test func `an excluded combination need not be possible`() throws {
    let text = """
      model:
        architecture: photon
        vocabulary: 100
        width: [64, 96]
        heads: 4
        feed_forward: 128
        levels:
          - {chunk: [3, 4], condition: 2, encoder_layers: 1, decoder_layers: 1}
      constraints: ["width * levels[1].chunk != 192"]

      """
    #expect(try scenario(text).grid.points.map(\.axisValues) == [["64", "4"], ["96", "3"], ["96", "4"]])
  }

  @Test func `a vanilla model without a prompt is accepted where a constraint excludes it`() throws {
    let text = vanilla + "workload: {prompt: [0, 8]}\nconstraints: [\"prompt > 0\"]\n"
    #expect(try scenario(text).grid.points.map(\.workload.promptLength) == [8])
  }

  @Test func `any point of a million is found by its number alone`() throws {
    let grid = try load("chunk-condition-sweep", overrides: ["workload.generate={linear: [1, 44, 44]}"]).grid
    #expect(grid.count == 256 * 10 * 44 * 9)
    // Spread over the whole grid; the order of axes decides which values a position means.
    for index in stride(from: 0, to: grid.count, by: 99_991) {
      let point = try #require(grid.point(at: index))
      #expect(point.axisValues[5] == "\(index / 9 % 44 + 1)")
      #expect(point.axisValues[6] == "\(1 << (index % 9))")
    }
  }
}

/// Lengths of axes: products of like ones, of such with common factors, and of primes.
private let grids = [
  [1], [7], [64], [4, 4, 4, 4], [2, 2, 2, 2, 2, 2, 2], [4, 4, 10, 9], [6, 4, 9, 10], [10, 4, 6], [3, 1, 5, 7],
  [16, 8, 4, 2],
  [5, 12, 18], [2, 48],
]

struct CoveringOrderTests {
  @Test(arguments: grids) func `every point of a grid is visited once`(lengths: [Int]) {
    let order = CoveringOrder(lengths)
    #expect(order.count == lengths.reduce(1, *))
    #expect(Set((0..<order.count).map(order.position)) == Set(0..<order.count))
  }

  /// The bound that the order's comment derives.
  @Test(arguments: grids)
  func `in every beginning no value of an axis comes more than twice more often than another`(lengths: [Int]) {
    let order = CoveringOrder(lengths)
    var counts = lengths.map { [Int](repeating: 0, count: $0) }
    for place in 0..<order.count {
      var rest = order.position(at: place)
      for axis in lengths.indices.reversed() {
        counts[axis][rest % lengths[axis]] += 1
        rest /= lengths[axis]
      }
      #expect(counts.allSatisfy { $0.max()! - $0.min()! <= 2 }, "\(counts) after \(place + 1)")
    }
  }

  @Test func `the first values of a long axis lie apart`() {
    let order = CoveringOrder([64])
    #expect((0..<8).map(order.position) == [0, 32, 16, 48, 8, 40, 24, 56])
  }

  /// Chosen lengths: 64 places are what all pairs of four axes of four values could be shown in four times over.
  @Test func `axes of one length do not move side by side`() {
    let order = CoveringOrder([4, 4, 4, 4])
    for (first, second) in [(1, 4), (1, 16), (1, 64), (4, 16), (4, 64), (16, 64)] {
      let pairs = (0..<64).map(order.position).map { [$0 / first % 4, $0 / second % 4] }
      #expect(Set(pairs).count == 16, "axes of strides \(first) and \(second)")
    }
  }
}
