import Architectures
import Quantities
import Testing
import Validation

struct ExactGridTests {
  @Test func `formulas equal the executed model on every hierarchy of up to two levels`() throws {
    let grid = ExactGrid(maximumLevels: 2)
    var result = ExactResult()
    for index in grid.hierarchies.indices {
      for point in grid.points(of: index) {
        result += try validateExactly(
          point.model, point.workload, Precision(weights: .int8, activations: .bf16, cache: .int4))
      }
    }
    #expect(result.points > 5000)
    #expect(result.mismatchCount == 0, "\(result.mismatches.map(\.description).joined(separator: "\n"))")
  }

  @Test func `formulas equal the executed baselines`() throws {
    let result = try validateExactly(ExactGrid.baselines, Precision(weights: .int4, activations: .fp8, cache: .bf16))
    #expect(result.points == 8 * 8 * 6 + 7 * 8 * 3)
    #expect(result.mismatchCount == 0, "\(result.mismatches.map(\.description).joined(separator: "\n"))")
  }
}
