import Quantities
import Scenarios
import Testing

struct PrecisionTests {
  private static let model =
    "model: {architecture: vanilla, vocabulary: 100, width: 64, heads: 4, feed_forward: 128, layers: 2}\n"

  private func scenario(_ rest: String) throws -> Scenario {
    try Scenario(text: Self.model + rest + "\n", file: "s.yaml", options: .init(checksHardware: false))
  }

  private func complaint(_ rest: String, model: String = Self.model) throws -> String {
    try Fixture().complaints(model + rest + "\n")
  }

  @Test(arguments: PrecisionPreset.names)
  func `a format is named alone, as a preset, and by everything that it says`(name: String) throws {
    let precision = try #require(PrecisionPreset.named(name))
    for text in [name, "{preset: \(name)}", precision.flow] {
      #expect(try scenario("precision: \(text)").grid.precisions == [precision], "\(text)")
    }
  }

  @Test func `types replace those of a format, and tables follow the weights where no format says otherwise`() throws {
    let plain = try scenario("precision: {weights: int8, group_size: output}").grid.precisions[0]
    #expect(
      plain == Precision(weights: .int8, groups: WeightGroups(size: nil, hasZeroPoints: false)) && plain.head == .int8)
    let mixed = try scenario("precision: {preset: w4a16, cache: fp8, head: int8, group_size: 64, zero_points: false}")
      .grid.precisions[0]
    #expect(
      mixed
        == Precision(
          weights: .int4, cache: .fp8, embedding: .bf16, head: .int8, norms: .bf16,
          groups: WeightGroups(size: 64, hasZeroPoints: false)))
    #expect(try scenario("precision: {preset: w4a16, weights: bf16}").grid.precisions[0] == Precision())
  }

  @Test func `formats and their parts are axes`() throws {
    let grid = try scenario("precision: [bf16, w4a16, {weights: fp8}]").grid
    #expect(grid.axes.map(\.labels) == [["bf16", "w4a16", "{weights: fp8}"]] && grid.count == 3)
    let sizes = try scenario("precision: {preset: w4a16, group_size: [32, 128]}").grid
    #expect(sizes.precisions.map { $0.groups?.size } == [32, 128])
    let point = try #require(sizes.point(at: 1))
    let again = try Scenario(
      text: Self.model, file: "s.yaml",
      options: .init(
        overrides: PointArguments.arguments(point.question).filter { $0 != "--set" }, checksHardware: false))
    #expect(again.grid.point(at: 0)?.question == point.question)
  }

  @Test func `what cannot be stored is refused at its place`() throws {
    let names = PrecisionPreset.names.joined(separator: ", ")
    #expect(
      try complaint("precision: w4a61")
        == "s.yaml:2:12: error: precision.preset: there is no format \"w4a61\"; accepted: \(names); did you mean w4a16?"
    )
    #expect(
      try complaint("precision: {weights: int4, group_size: 0}")
        == "s.yaml:2:40: error: precision.group_size: found 0; accepted: 1 to 1048576, output or matrix")
    #expect(
      try complaint("precision: {group_size: 128}")
        == "s.yaml:2:25: error: precision.group_size: found scales where every weight has 16 bits or more; accepted: "
        + "weights of 8 bits or fewer")
    #expect(
      try complaint("precision: {weights: fp8, zero_points: true}")
        == "s.yaml:2:40: error: precision.zero_points: there are no groups that could have any; accepted: a group_size "
        + "beside it")
    #expect(
      try complaint(
        "precision: {preset: fp8, head: fp16}",
        model: Self.model.replacing("layers: 2", with: "layers: 2, tied_head: true"))
        == "s.yaml:2:12: error: precision.head: found fp16 beside an embedding in bf16: s has one table for both; "
        + "accepted: the type of the embedding, or model.tied_head: false")
  }
}
