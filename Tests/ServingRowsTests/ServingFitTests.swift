import Architectures
import Formulas
import GSL
import Hardware
import Quantities
import Scenarios
import Testing

@testable import ServingRows

struct ServingFitTests {

  /// The pull to typical values is worth 3 % of error of one row, so that 20 exact rows move coefficients little.
  @Test func `a fit finds the shares that made the rows`() throws {
    let points = try rows(small, on: truth())
    let fit = try ServingFit(points, base: machine(), form: .overlap)
    for (value, expected) in zip(fit.values, [0.71, 0.52, 0.63, 0.4]) {
      #expect(abs(value.value - expected) < 0.03, "\(value.coefficient.rawValue) is \(value.value)")
      #expect(value.standardError > 0 && value.standardError < 0.05)
    }
    let calibration = try #require(fit.profile.calibration)
    #expect(calibration.rows == 20 && calibration.parameters == 4)
    #expect(calibration.meanAbsolutePercentageError < 0.5)
  }

  @Test(arguments: [MeasuredColumn.concurrency, .prompt, .generated])
  func `groups that a fit did not see are predicted`(column: MeasuredColumn) throws {
    let points = try rows(small, on: truth())
    let found = try ServingHoldOut(points, base: machine()).predictions(leavingOut: column)
    let tokens = found.filter { $0.metric == .timePerOutputToken }
    #expect(tokens.count == 20)
    #expect(ServingAccuracy(tokens).mean < 2)
    #expect(tokens.allSatisfy { $0.fittedTo.contains("without \(column.rawValue) ") })
  }

  @Test func `a column whose other rows are too few is dropped with the reason`() throws {
    // Without one of two concurrencies 3 of the 6 rows remain; without one of three output lengths 4 do.
    let points = try rows(
      small, on: truth(), prompts: [(512, 128), (512, 512), (512, 4096)], concurrencies: [1, 64])
    let held = try ServingHoldOut(points, base: machine()).columns()
    #expect(held.errors.map(\.column) == [.generated])
    #expect(held.dropped.map(\.column) == [.concurrency])
    let reason = try #require(held.dropped.first?.reason)
    #expect(reason.contains("3 measured times cannot determine 4 coefficients"), "\(reason)")
    #expect(held.residuals.count == 5)
  }

  @Test func `coefficients of one model hold for another one`() throws {
    let points = try rows(small, on: truth()) + rows(large, named: "large", on: truth())
    let found = try ServingHoldOut(points, base: machine()).predictions(leavingOut: .model)
    #expect(ServingAccuracy(found.filter { $0.metric == .timePerOutputToken }).mean < 2)
    #expect(found.allSatisfy { $0.extrapolated.contains("parameters") })
  }

  @Test func `time for every sequence is found where it is what rows show`() throws {
    var profile = machine()
    ServingCoefficient.weightBandwidth.set(0.7, in: &profile)
    ServingCoefficient.cacheBandwidth.set(0.6, in: &profile)
    ServingCoefficient.arithmetic.set(0.65, in: &profile)
    ServingCoefficient.sequence.set(4e-5, in: &profile)
    let fit = try chosenFit(rows(small, on: profile), base: machine())
    #expect(fit.form == .sequence)
    #expect(abs(fit.profile.sequenceOverhead.value - 4e-5) < 2e-6)
  }

  @Test func `fewer times than coefficients and collinear rows are refused`() throws {
    let points = try rows(small, on: truth())
    #expect(throws: ServingFitError.tooFewRows(rows: 3, parameters: 4)) {
      try ServingFit(Array(points.prefix(3)), base: machine(), form: .overlap)
    }
    let same = [ServingPoint](repeating: points[2], count: 8)
    #expect(throws: ServingFitError.collinear(coefficients: ["cache_bandwidth", "arithmetic", "overlap"])) {
      try ServingFit(same, base: machine(), form: .overlap)
    }
  }

  @Test func `a coefficient that two workloads cannot tell is said to be a typical value`() throws {
    let points = try rows(small, on: truth(), prompts: [(64, 4096), (128, 4096)], concurrencies: [1, 2, 4])
    let fit = try ServingFit(points, base: machine(), form: .overlap)
    #expect(fit.values.map(\.isDetermined) == [true, true, true, false])
  }

  @Test func `what lies outside the fitted rows is marked`() throws {
    let points = try rows(small, on: truth())
    let fit = try ServingFit(points, base: machine(), form: .overlap)
    #expect(fit.predictions.allSatisfy { $0.extrapolated.isEmpty })
    let beyond = try rows(small, on: truth(), prompts: [(8192, 512)], concurrencies: [16, 512])
    let found = try ServingPrediction.predict(beyond, on: fit.profile)
    #expect(
      found.map(\.extrapolated) == [["prompt"], ["prompt"], ["prompt", "concurrency"], ["prompt", "concurrency"]])
  }

  /// Weights of 3.5 GB and caches of 0.2 GB for each request leave room for 17 of 128 on 8 GB.
  @Test func `requests that wait tell the memory that the engine uses`() throws {
    var real = truth(machine(memoryBytes: 8_000_000_000))
    real.reserve = 0.1
    real.serving = ServingBehaviour(admission: .whole)
    let points = try rows(small, on: real, prompts: [(512, 4096), (4096, 512)], concurrencies: [1, 4, 16, 64, 128])
    #expect(try ServingCase(points[4], memoryOf: real).active < 128)
    var sheet = machine(memoryBytes: 8_000_000_000)
    sheet.reserve = 0.05
    let fitted = try withFittedMemory(servingCases(points, memoryOf: sheet), sheet)
    #expect(fitted.serving?.admission == .whole)
    #expect(abs(fitted.usableBytes / real.usableBytes - 1) < 0.04)
    let fit = try ServingFit(points, base: sheet, form: .overlap)
    #expect(ServingAccuracy(fit.predictions.filter { $0.metric == .timePerOutputToken }).mean < 3)
  }

  @Test(arguments: [
    ServingBehaviour(passBudget: .tokens(8192)), ServingBehaviour(idleSlots: 1), ServingBehaviour(lengthRatio: 0.8),
  ])
  func `first tokens tell how many prompts share a pass and whether a place stays empty`(habit: ServingBehaviour) throws
  {
    var real = truth()
    real.serving = habit
    let fit = try ServingFit(rows(small, on: real), base: machine(), form: .overlap)
    var found = try #require(fit.profile.serving)
    #expect(found.firstTokenOverhead.value < 0.001)
    found.firstTokenOverhead = .zero
    #expect(found == habit)
    #expect(ServingAccuracy(fit.predictions.filter { $0.metric == .timeToFirstToken }).mean < 1)
  }

  @Test func `few rows of another model are explained by what the first one reached`() throws {
    let known = try ServingFit(rows(small, on: truth()), base: machine(), form: .overlap).profile
    let points = try rows(large, named: "large", on: truth())
    let few = [points[0], points[7], points[14]]
    #expect(throws: ServingFitError.tooFewRows(rows: 3, parameters: 4)) {
      try ServingFit(few, base: machine(), form: .overlap)
    }
    let fit = try ServingFit(few, base: machine(), form: .overlap, pull: ServingPull(towards: known))
    let all = try ServingPrediction.predict(points, on: fit.profile)
    #expect(ServingAccuracy(all.filter { $0.metric == .timePerOutputToken }).mean < 3)
  }

  @Test func `rows of several machines share what is reached of each one's peaks`() throws {
    var faster = machine()
    (faster.name, faster.memoryBandwidth) = ("faster", Rate(9e12))
    let points = try [machine(), faster].flatMap { card in
      try rows(small, on: truth(card)).map { ServingPoint(row: $0.row, model: $0.model, machine: card) }
    }
    let fit = try ServingFit(points, base: machine(), form: .overlap)
    #expect(ServingAccuracy(fit.predictions.filter { $0.metric == .timePerOutputToken }).mean < 1)
    // Fitted to one machine and applied to the other.
    let one = try ServingFit(rows(small, on: truth()), base: machine(), form: .overlap).profile
    let applied = try ServingPrediction.predict(rows(small, on: truth(faster)), on: faster.reaching(one))
    #expect(ServingAccuracy(applied).mean < 2)
  }

  @Test func `prefills and decode steps are fitted like tokens`() throws {
    let profile = truth()
    let points = try [(64, 1), (512, 1), (4096, 1), (64, 16), (512, 64), (4096, 32)].map { length, batch in
      var row = MeasuredRow(
        position: Position(file: "m.csv", line: 1), identifier: "", model: "small", prompt: length, concurrency: batch,
        context: length)
      let served = try ServingCase(ServingPoint(row: row, model: small), memoryOf: profile)
      for metric in [MeasuredMetric.prefill, .decodeStep] {
        row.times[metric] = try served.predicted(metric, on: profile)
      }
      return ServingPoint(row: row, model: small)
    }
    let fit = try ServingFit(points, base: machine(), form: .overlap)
    #expect(ServingAccuracy(fit.predictions).mean < 1)
  }

  @Test func `a fitted profile survives its file`() throws {
    var fit = try chosenFit(rows(small, on: truth()), base: machine())
    fit.profile.name = "fitted"
    fit.profile.sequenceOverhead = Seconds(1e-6)
    fit.profile.serving?.admission = .held
    fit.profile.typeShares = [.fp8: 0.7]
    let text = HardwareFile.text(fit.profile)
    #expect(try HardwareFile.parse(text, file: "fitted.yaml", name: "fitted") == fit.profile)
  }
}
