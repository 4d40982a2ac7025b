import Architectures
import Formulas
import Hardware
import Quantities
import Scenarios
import Testing

@testable import ServingRows

private func point(_ times: [MeasuredMetric: Double], concurrency: Int = 1) -> ServingPoint {
  let row = MeasuredRow(
    position: Position(file: "rows.csv", line: 2), identifier: "a", model: "small", prompt: 512, generated: 128,
    concurrency: concurrency, context: 512, times: times)
  return ServingPoint(row: row, model: small)
}

struct ImpossibleTimeTests {
  /// The exact bytes and products of one decode step, and of one prompt, at the machine's peaks.
  private func floors(concurrency: Int) throws -> (step: Double, prompt: Double) {
    let profile = machine()
    let roofline = try Roofline(profile, Precision())
    let steps = try price(
      Question(small, Workload(promptLength: 512, generatedLength: 128, batchSize: concurrency), Precision())
    ).totals.decode
    let prompt = try price(Question(small, Workload(promptLength: 512, generatedLength: 1), Precision())).totals
    return (
      roofline.plain(steps).time.value / 128,
      roofline.plain(prompt.prefill).time.value + roofline.plain(prompt.decode).time.value
    )
  }

  @Test(arguments: [1, 64])
  func `times below the floor are named, first tokens too, and no others`(concurrency: Int) throws {
    let (step, prompt) = try floors(concurrency: concurrency)
    let below = point([.timePerOutputToken: step * 0.99, .timeToFirstToken: prompt * 0.99], concurrency: concurrency)
    let above = point([.timePerOutputToken: step * 1.01, .timeToFirstToken: prompt * 1.01], concurrency: concurrency)
    let found = try ImpossibleTime.all(in: [above, below], on: machine())
    #expect(found.map(\.metric) == [.timePerOutputToken, .timeToFirstToken])
    #expect(abs(found[0].floor - step) < 1e-12 && abs(found[1].floor - prompt) < 1e-12)
    #expect(found.allSatisfy { !$0.refusesFit })
  }

  @Test func `a prefill, a step and a whole run have floors, and what a fit says about efficiencies has none`() throws {
    let times: [MeasuredMetric: Double] = [.prefill: 1e-9, .decodeStep: 1e-9, .whole: 1e-9]
    let found = try ImpossibleTime.all(in: [point(times, concurrency: 4)], on: machine())
    #expect(found.map(\.metric) == [.prefill, .decodeStep, .whole])
    #expect(found[2].floor > found[0].floor + 100 * found[1].floor)
    #expect(try ImpossibleTime.all(in: [point(times, concurrency: 4)], on: truth()) == found)
  }

  @Test func `several devices reach their peaks together`() throws {
    var two = point([.timePerOutputToken: 1e-9])
    two.row.devices = 2
    var linked = machine()
    linked.deviceLink = Rate(1e12)
    let one = try ImpossibleTime.all(in: [point([.timePerOutputToken: 1e-9])], on: linked)[0].floor
    #expect(abs(try ImpossibleTime.all(in: [two], on: linked)[0].floor - one / 2) < 1e-15)
  }

  @Test func `every time of another unit is refused at its row, a first token never`() throws {
    let rows = [point([.timePerOutputToken: 1e-6]), point([.timeToFirstToken: 1e-6]), point([.prefill: 1e-6])]
    let found = try ImpossibleTime.all(in: rows, on: machine())
    #expect(found.count == 3)
    let error = #expect(throws: ScenarioError.self) { try ImpossibleTime.refuse(found, path: "x") }
    #expect(error?.diagnostics.map { $0.found.contains("prefill") } == [false, true])
    #expect(
      error?.description.hasPrefix("rows.csv:2:1: error: x: row a: time_per_output_token of 0.001 ms is less") == true)
  }
}
