import Architectures
import Quantities
import Scenarios
import Testing
import Validation

struct ExactGridTests {
  @Test func `formulas equal the executed model on every hierarchy of up to two levels`() throws {
    let grid = ExactGrid(maximumLevels: 2)
    let result = try validateExactly(grid.hierarchies.indices.flatMap(grid.points(of:)))
    #expect(result.points > 5000)
    #expect(result.mismatchCount == 0, "\(result.mismatches.map(\.description).joined(separator: "\n"))")
  }

  @Test func `formulas equal the executed baselines`() throws {
    let result = try validateExactly(ExactGrid.baselines)
    #expect(result.points == 8 * 8 * 6 + 7 * 8 * 3)
    #expect(result.mismatchCount == 0, "\(result.mismatches.map(\.description).joined(separator: "\n"))")
  }

  @Test func `formulas equal the executed caches under every retention, on shapes and on numbers`() throws {
    let points = ExactGrid.cachePlans
    #expect(points.count > 3000)
    for allocates in [false, true] {
      let result = try validateExactly(points, allocates: allocates)
      #expect(result.points == points.count)
      #expect(result.mismatchCount == 0, "\(result.mismatches.map(\.description).joined(separator: "\n"))")
    }
  }

  @Test func `formulas equal the bytes that caches have allocated in real memory`() throws {
    let result = try validateExactly(ExactGrid.baselines + ExactGrid().allPoints(every: 300), allocates: true)
    #expect(result.points > 700)
    #expect(result.mismatchCount == 0, "\(result.mismatches.map(\.description).joined(separator: "\n"))")
  }

  @Test func `every pair of the values that vary along the grid occurs`() {
    // What each point has, property by property.
    let properties: [(name: String, of: @Sendable (Question) -> Int)] = [
      ("batch", { $0.workload.batchSize }), ("continuations", { $0.workload.continuations }),
      ("whole meta-contexts", { $0.workload.promptLength / $0.model.metaContextLength }),
      ("grouped queries", { $0.model.levels[1].layer.keyValueHeads }),
      ("unequal widths", { $0.model.levels[1].layer.width == $0.model.layer.width ? 0 : 1 }),
      ("chunker", { ChunkerKind.allCases.firstIndex(of: $0.model.levels[1].chunker)! }),
      ("encoder layers", { $0.model.levels[1].encoderLayers }),
      ("decoder layers", { $0.model.levels[1].decoderLayers }),
      ("tied head", { $0.model.tiedHead ? 1 : 0 }), ("retained", { $0.model.retainConditions ? 1 : 0 }),
      ("reading", { DecoderInput.allCases.firstIndex(of: $0.model.decoderInput)! }),
    ]
    let points = ExactGrid(maximumLevels: 2).allPoints()
    for (index, left) in properties.enumerated() {
      for right in properties[..<index] {
        let pairs = Set(points.map { [left.of($0), right.of($0)] })
        #expect(
          pairs.count == Set(points.map(left.of)).count * Set(points.map(right.of)).count, "\(left.name), \(right.name)"
        )
        #expect(Set(points.map(left.of)).count > 1)
      }
    }
  }

  @Test func `formulas equal the executed model on a seeded sample of larger models`() throws {
    let sample = SeededSample(count: 200)
    #expect(sample.points.flatMap(\.model.problems) == [])
    let result = try validateExactly(sample.points)
    #expect(result.points == 200)
    #expect(result.mismatchCount == 0, "\(result.mismatches.map(\.description).joined(separator: "\n"))")
  }

  @Test func `the sample reaches every family, reading, mode, chunker and depth`() {
    let models = SeededSample(count: 400).points.map(\.model)
    #expect(Set(models.map(\.family)) == Set(Family.allCases))
    #expect(Set(models.map(\.decoderInput)) == Set(DecoderInput.allCases))
    #expect(Set(models.map(\.generation)) == Set(Generation.allCases))
    #expect(Set(models.flatMap(\.levels).map(\.chunker)) == Set(ChunkerKind.allCases))
    #expect(Set(models.map(\.levelCount)) == Set(0...4))
    #expect(Set(models.map(\.retainConditions)) == [true, false])
    #expect(models.contains { $0.levels.contains { $0.chunkLength == 8 } && $0.levelCount == 4 })
  }

  @Test func `equal seeds give equal samples, other seeds others`() {
    #expect(SeededSample(seed: 3, count: 50).points == SeededSample(seed: 3, count: 50).points)
    #expect(SeededSample(seed: 3, count: 50).points != SeededSample(seed: 4, count: 50).points)
  }

  @Test func `the arguments of a mismatch turn any scenario into the point where it was found`() throws {
    for point in SeededSample(count: 300).points + ExactGrid(maximumLevels: 2).allPoints(every: 97) {
      let arguments = PointArguments.arguments(point)
      #expect(arguments.enumerated().allSatisfy { ($0.element == "--set") == ($0.offset % 2 == 0) })
      let scenario = try Scenario(
        text: "model: {preset: gone}\nworkload: {batch: [1, 2]}\ncompare: [gone]", file: "s.yaml",
        options: ScenarioOptions(overrides: arguments.filter { $0 != "--set" }, checksHardware: false))
      #expect(scenario.grid.count == 1 && scenario.compare.isEmpty)
      let read = try #require(scenario.grid.point(at: 0))
      #expect(read.question == point)
    }
  }

  @Test func `a budget takes evenly spaced positions, and none that is too long by itself`() {
    #expect(affordablePositions(count: 10, budget: 100) { _ in 1 } == Array(0..<10))
    #expect(affordablePositions(count: 10, budget: 5) { _ in 1 } == [0, 2, 4, 6, 8])
    #expect(affordablePositions(count: 10, budget: 100) { $0 == 3 ? 26 : 1 } == [0, 1, 2, 4, 5, 6, 7, 8, 9])
    #expect(affordablePositions(count: 10, budget: 100) { $0 % 2 == 0 ? nil : 1 } == [1, 3, 5, 7, 9])
    #expect(affordablePositions(count: 1_000_000, limit: 4, budget: 100) { _ in 1 } == [0, 250_000, 500_000, 750_000])
    #expect(affordablePositions(count: 0, budget: 100) { _ in 1 }.isEmpty)
  }
}
