import Architectures
import Formulas
import GSL
import Quantities
import Rendering
import Testing

@testable import Reports

private func model(_ chunks: [Int], _ conditions: [Int]) -> Model {
  let layer = LayerShape(width: 64, heads: 4, feedForward: 160)
  return .photon(
    vocabulary: 500, layer: layer,
    levels: zip(chunks, conditions).map {
      LevelShape(
        chunkLength: $0, conditionLength: $1, layer: layer, encoderLayers: 1, decoderLayers: 1, chunker: .linear)
    })
}

/// A prefill of 100 tokens, or a decode of 10 steps, in so many seconds.
private func point(
  _ chunks: [Int], _ conditions: [Int] = [2, 2], _ phase: Phase = .decode, batch: Int = 1, prompt: Int = 100,
  generated: Int = 10, measured: Double, predicted: Double, bound: Bound = .memory, margin: Double = 0.1,
  regime: MeasuredRegime? = nil, isDisturbed: Bool = false, isFitted: Bool = false, nodes: [TimedNode] = []
) -> TimedPhasePoint {
  TimedPhasePoint(
    name: "small",
    question: Question(
      model(chunks, conditions), Workload(promptLength: prompt, generatedLength: generated, batchSize: batch)),
    phase: phase, measured: measured, predicted: predicted, spreadPercent: 1, predictedBound: bound,
    predictedMargin: margin, regime: regime, isDisturbed: isDisturbed, isFitted: isFitted, nodes: nodes)
}

/// 1 TFLOP/s and 1 TB/s.
private func subject(_ points: [TimedPhasePoint], generatesMetaContexts: Bool = false) -> TimedSubject {
  TimedSubject(
    title: "small", command: "photon report small.yaml", machine: "a machine", peak: 1e12, bandwidth: 1e12,
    points: points, generatesMetaContexts: generatesMetaContexts)
}

private func regime(_ bound: Bound, _ confidence: MeasuredRegime.Confidence = .high) -> MeasuredRegime {
  MeasuredRegime(bound: bound, margin: 2, confidence: confidence)
}

@Suite struct TimedReportTests {
  /// C_1 from left to right, C_2 from the bottom up.
  private let square = [
    point([2, 2], measured: 40, predicted: 44), point([4, 2], measured: 20, predicted: 15),
    point([2, 4], measured: 30, predicted: 30), point([4, 4], measured: 10, predicted: 18),
  ]

  @Test func `points that differ in two lengths alone are a map with the best cell of each side`() throws {
    let other = point([2, 2], [1, 2], measured: 1, predicted: 1)
    let grids = subject(square + [other]).lengthGrids
    let grid = try #require(grids.first)
    #expect(grids.count == 1 && grid.title == "C_1 × C_2")
    #expect(grid.columns == [2, 4] && grid.rows == [2, 4])
    #expect(grid.cells.map { $0.map { $0?.measuredPerToken } } == [[4, 2], [3, 1]])
    #expect(grid.best(\.measuredPerToken) == (1, 1))
    #expect(grid.best(\.predictedPerToken) == (0, 1))
  }

  @Test func `another workload, a disturbed point and a line make no map`() {
    var moved = square
    moved[3].question.workload.batchSize = 2
    #expect(subject(moved).lengthGrids.isEmpty)
    var disturbed = square
    disturbed[3].isDisturbed = true
    #expect(subject(disturbed).lengthGrids.isEmpty)
    #expect(subject([2, 4, 8, 16].map { point([$0, 2], measured: 1, predicted: 1) }).lengthGrids.isEmpty)
  }

  @Test func `of whole meta-contexts the steps are compared, however many they are`() {
    var meta = square
    for index in meta.indices { meta[index].question.workload.generatedLength = 10 + index }
    #expect(subject(meta).lengthGrids.isEmpty)
    #expect(subject(meta, generatesMetaContexts: true).lengthGrids.count == 1)
  }

  @Test func `a prompt's time is shared out over the tokens of the batch`() {
    let prefill = point([2, 2], [2, 2], .prefill, batch: 4, measured: 8, predicted: 4)
    // 8 s / (4 · 100), 4 s / (4 · 100).
    #expect(prefill.measuredPerToken == 0.02 && prefill.predictedPerToken == 0.01)
  }

  @Test func `regret is what the predicted lengths take longer than the fastest`() throws {
    // The prediction takes C = (4, 2), measured 20 where the best is 10.
    let subject = subject(
      square
        + square.map { own in
          var other = own
          other.question.workload.batchSize = 2
          other.predicted = own.measured
          return other
        })
    let choices = subject.choices
    #expect(choices.map(\.regretPercent) == [100, 0])
    #expect(choices.map(\.stake) == [4, 4])
    #expect(choices[0].chosen.question.model.hierarchyText == "C = (4, 2), R = (2, 2)")
    #expect(
      subject.regretText(choices)
        == "The lengths that the prediction chose are within 3 % of the fastest in **50\u{202F}%** of the slices (1 of 2; "
        + "lengths at random would be in 25\u{202F}%); "
        + "the largest regret is 100.0\u{202F}%.")
  }

  @Test func `errors stand apart by phase and by whether points were fitted`() throws {
    let rows = subject([
      point([2, 2], measured: 10, predicted: 9), point([4, 2], measured: 20, predicted: 24),
      point([8, 2], measured: 10, predicted: 100, isDisturbed: true),
      point([2, 2], [2, 2], .prefill, measured: 10, predicted: 11, isFitted: true),
    ]).errorRows
    #expect(rows.map(\.phase) == [.decode, .prefill] && rows.map(\.isFitted) == [false, true])
    // −10 % and +20 %.
    let errors = rows[0].errors
    #expect(errors.count == 2 && rows[0].family == .photon && rows[0].spread == 1)
    #expect(abs(errors.mean - 15) < 1e-12 && abs(errors.bias - 5) < 1e-12 && abs(errors.worst - 20) < 1e-12)
    #expect(abs(rows[1].errors.bias - 10) < 1e-12)
  }

  @Test func `bounds are compared by who is sure of them`() {
    let points = [
      point([2, 2], measured: 1, predicted: 1, regime: regime(.memory)),
      point([2, 2], measured: 1, predicted: 1, regime: regime(.compute)),
      point([2, 2], measured: 1, predicted: 1, margin: 0.9, regime: regime(.memory)),
      point([2, 2], measured: 1, predicted: 1, regime: regime(.compute, .low)),
      point([2, 2], measured: 1, predicted: 1, bound: .compute, margin: 1.2, regime: regime(.compute, .low)),
      point([2, 2], measured: 1, predicted: 1),
    ]
    func counts(_ sureness: BoundAgreement.Sureness) -> [Int] {
      let agreement = BoundAgreement(points, sureness)
      return [agreement.agreeing, agreement.points]
    }
    #expect(BoundAgreement.Sureness.allCases.map(counts) == [[1, 2], [1, 1], [0, 1], [1, 1]])
    #expect(points.map(\.isContradicted) == [false, true, false, false, false, false])
  }

  /// One node at level 1 with so much work, which takes the whole time.
  private func working(_ flops: Int128, _ bytes: Int128, batch: Int, measured: Double) -> TimedPhasePoint {
    point(
      [2, 2], batch: batch, measured: measured, predicted: measured,
      nodes: [
        TimedNode(
          node: Node(1, .decoder, .projections), measured: measured, predicted: measured,
          work: Work(matmulFlops: flops, weightBits: 8 * bytes), predictedBound: .memory)
      ])
  }

  @Test func `two signs that agree make a bound sure, one alone does not`() {
    // Batch 1 to 2: weights are read once, time stays, at half of 1 TB/s: both signs say memory.
    var weights = subject([
      working(1_000_000_000, 500_000_000_000, batch: 1, measured: 1),
      working(2_000_000_000, 500_000_000_000, batch: 2, measured: 1),
    ])
    weights.readRegimes()
    #expect(weights.points.map(\.regime?.bound) == [.memory, .memory])
    #expect(weights.points.map(\.regime?.confidence) == [.high, .high])
    #expect(weights.points[0].nodes[0].regime?.bound == .memory)
    // 1e9 FLOP over 1e12 FLOP/s against 5e11 byte over 1e12 byte/s.
    #expect(weights.points[0].regime?.margin == 0.002)
    // Time doubles with arithmetic, at half of 1 TFLOP/s.
    var arithmetic = subject([
      working(500_000_000_000, 1_000_000_000, batch: 1, measured: 1),
      working(1_000_000_000_000, 1_000_000_000, batch: 2, measured: 2),
    ])
    arithmetic.readRegimes()
    #expect(
      arithmetic.points.map(\.regime)
        == [500, 1000].map { MeasuredRegime(bound: .compute, margin: $0, confidence: .high) })
    // The same growth far below both ceilings: the elasticity alone.
    var launches = subject([
      working(1_000_000, 1_000_000_000, batch: 1, measured: 1),
      working(2_000_000, 1_000_000_000, batch: 2, measured: 1),
    ])
    launches.readRegimes()
    #expect(launches.points.map(\.regime?.confidence) == [.low, .low])
    // A batch alone has no neighbour, and no sign speaks.
    var alone = subject([working(1_000_000_000, 500_000_000_000, batch: 1, measured: 1)])
    alone.readRegimes()
    #expect(alone.points[0].regime == nil)
  }

  @Test func `a finding says for which lengths a level waits for what`() {
    func node(_ level: Int, _ bound: Bound) -> TimedNode {
      TimedNode(
        node: Node(level, .encoder, .projections), measured: 1, predicted: 1, work: Work(matmulFlops: 1),
        predictedBound: bound, regime: regime(bound))
    }
    let lengths = [2, 4].flatMap { first in [2, 4, 8, 16].map { [first, $0] } }
    let points = lengths.flatMap { chunks in
      [1, 2].map { batch in
        point(
          chunks, [2, 2], .prefill, batch: batch, measured: 1, predicted: 1,
          nodes: [node(1, .compute), node(2, chunks == [2, 2] || batch == 2 ? .compute : .memory)])
      }
    }
    #expect(
      subject(points).levelFindings == [
        "**Prefill of `small`**, measured over 8 choices of C and R: level 1 is compute-bound for all of them, at every batch "
          + "and context; level 2 is compute-bound throughout for 1 (C = (2, 2), R = (2, 2)), bound by either, depending on "
          + "batch and context, for 7 (compute in 56\u{202F}% of all points)."
      ])
    #expect(LevelBounds(points, level: 2).text == "compute (9), memory (7)")
  }

  @Test func `a report draws what its points allow and says what was left out`() async throws {
    let grid = [1, 8].flatMap { batch in
      [100, 200].map { prompt in
        point([8, 8], batch: batch, prompt: prompt, measured: 1, predicted: 1, regime: regime(.compute))
      }
    }
    var disturbed = square[0]
    disturbed.isDisturbed = true
    let report = try await measuredReport(
      subject(square + grid + [working(1_000_000_000, 1_000_000_000, batch: 3, measured: 1), disturbed]))
    #expect(
      report.figures.map(\.name) == ["map-1.svg", "regimes-1.svg", "roofline-decode.svg", "bandwidth.svg"])
    #expect(report.document.text.contains("Other programs disturbed 1 of 10 phases (10.0\u{202F}%)"))
    #expect(report.document.text.contains("4 of 4 bounds that are sure on both sides differ"))
    let small = try await measuredReport(subject([square[0]]))
    #expect(small.figures.isEmpty && !small.document.text.contains("## Time over C and R"))
  }
}
