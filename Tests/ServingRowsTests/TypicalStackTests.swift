import Formulas
import Foundation
import GSL
import Hardware
import Quantities
import Scenarios
import Testing

@testable import ServingRows

/// The public rows with their models, each on its own machine's data sheet.
private enum Anchors {
  static let scenarios =
    URL(filePath: #filePath).pathComponents.dropLast(3).joined(separator: "/").replacing("//", with: "/") + "/scenarios"

  static let points: [ServingPoint] = {
    do {
      let file = scenarios + "/measurements/public-anchors.csv"
      let points = try ModelNames(files: [:], searchPaths: [scenarios], near: file).points(
        MeasuredTable(file: file).rows)
      let library = HardwareLibrary(files: ScenarioFiles(searchPaths: [scenarios]), directory: scenarios)
      return try points.compactMap { point in
        let machine = try library.profile(point.row.hardware, at: point.row.position)
        // The Xeon's sheet has no rate for a cache in fp16.
        do { try point.row.check(on: machine) } catch { return nil }
        return ServingPoint(row: point.row, model: point.model, machine: machine)
      }
    } catch {
      fatalError("\(error)")
    }
  }()

  /// Reports in an order that a seed decides, so that a third of the rows is in none of the fits.
  static let heldOut: Set<String> = {
    let random = RandomStream(seed: 1, name: "public anchors")
    var reports: [(name: String, order: Double)] = []
    for name in Set(points.map(\.row.source)).sorted() { reports.append((name, random.uniform())) }
    var chosen: Set<String> = []
    for report in reports.sorted(by: { $0.order < $1.order })
    where 3 * points.count(where: { chosen.contains($0.row.source) }) < points.count {
      chosen.insert(report.name)
    }
    return chosen
  }()

  /// measured ÷ predicted of every time that is not a first token, by report.
  static func ratios(_ points: [ServingPoint], on fitted: HardwareProfile) throws -> [(report: String, ratio: Double)] {
    try ServingPrediction.predict(points, on: fitted).filter { $0.metric != .timeToFirstToken }.map {
      ($0.row.source, $0.measured / $0.predicted)
    }
  }
}

@Suite struct TypicalStackTests {
  private let card = Anchors.points[0].machine!

  @Test func `there are enough public rows, each with its source`() {
    let rows = Anchors.points.map(\.row)
    #expect(rows.count >= 40 && rows.allSatisfy { !$0.source.isEmpty })
    #expect(Set(rows.map(\.hardware)).count >= 8 && Set(rows.map(\.model)).count >= 12)
    let share = Double(rows.count { Anchors.heldOut.contains($0.source) }) / Double(rows.count)
    #expect(share > 0.33 && share < 0.45, "\(share)")
  }

  /// The constants are those that a fit to the rows finds, to their printed digits.
  @Test func `the typical stack is fitted to two thirds of the reports`() throws {
    let training = Anchors.points.filter { !Anchors.heldOut.contains($0.row.source) }
    let fit = try ServingFit(training, base: card, form: .launch)
    let found = fit.values.map(\.value)
    print("typical stack:", found, "standard errors", fit.values.map(\.standardError))
    let stack = HardwareProfile.typicalStack
    let product = stack.efficiency.matrixProduct
    let known = [product.bandwidth, product.compute.limit, product.overlap, product.overhead.value]
    for (found, known) in zip(found, known) {
      #expect(abs(found - known) < max(0.005, 0.01 * known), "\(found) \(known)")
    }
    let ratios = try Anchors.ratios(training, on: card.reaching(stack)).map(\.ratio)
    for quantile in stack.calibration?.residuals ?? [] {
      let found = Statistics.quantile(quantile.probability, of: ratios) - 1
      print("quantile", quantile.probability, found, ratios.count)
      #expect(abs(found - quantile.value) < 0.01, "\(quantile.probability): \(found)")
    }
  }

  /// 90 % ± 7 of rows that no fit has seen.
  @Test func `nine tenths of held-out reports lie in the range, and the estimate in their middle`() throws {
    let held = Anchors.points.filter { Anchors.heldOut.contains($0.row.source) }
    let ratios = try Anchors.ratios(held, on: card.reaching(.typicalStack)).map(\.ratio)
    let calibration = try #require(HardwareProfile.typicalStack.calibration)
    let (low, high) = (calibration.residual(probability: 0.05)!, calibration.residual(probability: 0.95)!)
    let coverage = Double(ratios.count { 1 + low <= $0 && $0 <= 1 + high }) / Double(ratios.count)
    let median = Statistics.median(ratios)
    print("coverage of \(ratios.count) held-out times: \(coverage), median measured ÷ predicted \(median)")
    #expect(coverage > 0.83 && coverage < 0.97)
    #expect(median > 0.9 && median < 1.2)
  }

  /// Each report judged by the quantiles of all others.
  @Test func `nine tenths of every report's rows lie in the range of the others`() throws {
    let all = try Anchors.ratios(Anchors.points, on: card.reaching(.typicalStack))
    var inside = 0
    for (report, own) in Dictionary(grouping: all, by: \.report) {
      let others = all.filter { $0.report != report }.map(\.ratio)
      let (low, high) = (Statistics.quantile(0.05, of: others), Statistics.quantile(0.95, of: others))
      inside += own.count { low <= $0.ratio && $0.ratio <= high }
    }
    let coverage = Double(inside) / Double(all.count)
    print("coverage, leaving out one report at a time: \(inside) of \(all.count), \(coverage)")
    #expect(coverage > 0.83 && coverage < 0.97)
  }
}
