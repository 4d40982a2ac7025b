import Architectures
import Formulas
import Foundation
import GSL
import Hardware
import Quantities
import Scenarios
import ServingRows

/// A published number beside what each engine predicts.
struct PredictedRow {
  var row: PublishedRow
  /// In the order of `PublishedSubject.engines`; in the unit of the row's value.
  var predictions: [Double]

  func ratio(_ engine: Int) -> Double { predictions[engine] / row.value }
}

/// A ratio of two published numbers that a paper draws attention to.
struct PublishedClaim {
  var first: PredictedRow
  var second: PredictedRow
  /// The same ratio of the published throughputs.
  var throughputGain: Double
  /// What each engine makes of it.
  var waterfalls: [Waterfall]

  var ratio: Double { second.row.value / first.row.value }
}

/// Published tables beside the predictions of three engines: `ideal`, `eager`, and one `fitted` to the Block
/// Transformer paper's throughput and memory alone.
public struct PublishedSubject: Sendable {
  let scenario: Scenario
  let command: String
  let tables: [PublishedTable]
  /// What is worth a word about them.
  public var remarks: [Diagnostic] { tables.flatMap(\.remarks) }
  let fit: EngineFit
  private let models: [String: Model]
  private let profiles: [String: HardwareProfile]
  let precision: Precision

  var engines: [Engine] { [.ideal, .eager, fit.engine] }

  /// The source whose rows the fitted engine sees.
  static let fittedSource = "arXiv:2406.02657 Table 1"

  /// - Parameters:
  ///   - scenario: whose grid has the models, and which names the tables.
  ///   - command: what a reader types for the same report.
  ///   - profile: the machine of a name that is written at a place.
  /// - Throws: `ScenarioError` for a wrong table, too few rows, and a model that the grid lacks, `GSLError`, `HardwareError`,
  ///   `CountOverflow`
  public init(_ scenario: Scenario, command: String, profile: (String, Position) throws -> HardwareProfile) throws {
    self.scenario = scenario
    self.command = command
    tables = try scenario.published.map { try PublishedTable(file: $0) }
    precision = scenario.grid.precisions.first ?? Precision()
    var models: [String: Model] = [:]
    for named in scenario.grid.models.compactMap({ $0 }) { models[named.name] = named.model }
    var profiles: [String: HardwareProfile] = [:]
    for table in tables {
      for row in table.rows {
        guard models[row.model] != nil else {
          throw ScenarioError([
            Diagnostic(
              row.position, path: "published", found: "model \"\(row.model)\" is not in the scenario",
              accepted: models.keys.sorted().joined(separator: ", "))
          ])
        }
        if profiles[row.hardware] == nil {
          let profile = try profile(row.hardware, row.position)
          do throws(HardwareError) {
            try profile.check(precision)
          } catch {
            throw ScenarioError(error, at: row.position, path: "hardware")
          }
          profiles[row.hardware] = profile
        }
      }
    }
    self.models = models
    self.profiles = profiles
    let fitted = tables.flatMap(\.rows).filter { $0.source == Self.fittedSource }
    let precision = precision
    let measured = fitted.filter { $0.quantity == .memory }.compactMap { memory -> MeasuredServing? in
      let throughput = fitted.first {
        $0.quantity == .throughput && $0.model == memory.model && $0.prompt == memory.prompt
      }
      return throughput.map {
        MeasuredServing(
          Question(
            models[memory.model]!, Workload(promptLength: memory.prompt, generatedLength: memory.generated), precision),
          on: profiles[memory.hardware]!, bytesPerSequence: memory.value, throughput: Rate($0.value))
      }
    }
    func refusal(_ found: String, _ accepted: String) -> ScenarioError {
      let rows = "\(measured.count) rows of \(Self.fittedSource) with both memory and throughput"
      return ScenarioError([
        scenario.diagnostic("", Problem("published", "\(rows) \(found)", accepted: accepted))
      ])
    }
    guard measured.count >= EngineFit.leastRows else {
      throw refusal("are too few to fit an engine to", "at least \(EngineFit.leastRows)")
    }
    do {
      fit = try EngineFit(measured, from: .eager, name: "fitted")
    } catch let error as GSLError where error.isUndetermined {
      throw refusal("do not determine an engine (\(error.reason))", "rows of different models and prompts")
    }
  }

  /// Whether a row is the vanilla model that another row's hierarchy is compared with, under the same protocol. Papers
  /// call models by one size that have as many layers of one shape over one vocabulary.
  func isBaseline(_ baseline: PublishedRow, of row: PublishedRow) -> Bool {
    guard let vanilla = models[baseline.model], let model = models[row.model] else { return false }
    switch (vanilla.structure, model.structure) {
    case (.stack, .stack), (.hierarchy, .stack), (.hierarchy, .hierarchy): return false
    case (.stack, .hierarchy):
      let layers = model.levels.reduce(0) { $0 + $1.encoderLayers + $1.decoderLayers }
      return vanilla.layer == model.layer && vanilla.vocabulary == model.vocabulary && vanilla.layers == layers
        && baseline.prompt == row.prompt
    }
  }

  func point(_ row: PublishedRow, _ engine: Engine) throws -> ComparedPoint {
    try ComparedPoint(
      Question(models[row.model]!, Workload(promptLength: row.prompt, generatedLength: row.generated), precision),
      on: profiles[row.hardware]!, engine: engine)
  }

  func predicted(_ row: PublishedRow) throws -> PredictedRow {
    PredictedRow(row: row, predictions: try engines.map { try prediction(row, point(row, $0)) })
  }

  private func prediction(_ row: PublishedRow, _ point: ComparedPoint) throws -> Double {
    switch row.quantity {
    case .memory: Double(point.memory.bytesPerSequence)
    case .throughput: point.throughput(batch: point.batch)
    case .tpm: point.throughputPerSampleGibibyte
    case .timePerSample: point.seconds(of: row, batch: point.batch) / Double(point.batch)
    case .timePerLayer: point.secondsPerLayer(of: row)
    }
  }

  /// The published ratio of two models' TPM under one protocol, and how each engine splits its own.
  func claim(_ first: String, _ second: String, prompt: Int) throws -> PublishedClaim? {
    func find(_ name: String, _ quantity: PublishedRow.Quantity) -> PublishedRow? {
      tables.flatMap(\.rows).first { $0.quantity == quantity && $0.model == name && $0.prompt == prompt }
    }
    guard let one = find(first, .tpm), let other = find(second, .tpm), let slow = find(first, .throughput),
      let fast = find(second, .throughput)
    else { return nil }
    let waterfalls = try engines.compactMap { engine in
      PointComparison(try point(one, engine), try point(other, engine)).throughputPerGibibyte
    }
    // Where a model does not fit under an engine, its throughput has no factors; the table of rows still shows it.
    guard waterfalls.count == engines.count else { return nil }
    return PublishedClaim(
      first: try predicted(one), second: try predicted(other), throughputGain: fast.value / slow.value,
      waterfalls: waterfalls)
  }
}

/// The geometric mean by which predictions miss, in either direction: 1 is perfect, 2 is a factor of two.
func geometricError(_ ratios: [Double]) -> Double {
  exp(ratios.reduce(0) { $0 + abs(log($1)) } / Double(max(1, ratios.count)))
}

extension ComparedPoint {
  /// Time of a batch in the part of a model that a row names; the whole phase where it names none.
  fileprivate func seconds(of row: PublishedRow, batch: Int) -> Double {
    let phases = TimedPhases(question.with(batchSize: batch), roofline)
    let phase = phases[row.phase ?? .decode]
    /// A vanilla stack is the decoder of level 0; a block decoder is the encoder of level 1, a token decoder its decoder.
    func time(_ side: Side, _ components: [Component]) -> Double {
      let (level, side): (Int, Side) =
        switch question.model.structure {
        case .stack: (0, .decoder)
        case .hierarchy: (1, side)
        }
      return components.reduce(0) { $0 + phase[Node(level, side, $1)].time.value }
    }
    let attention: [Component] = [.projections, .attention]
    switch row.part {
    case .halfStackAttention: return time(.decoder, attention) / 2
    case .halfStackFeedForward: return time(.decoder, [.feedForward]) / 2
    case .blockDecoderAttention: return time(.encoder, attention)
    case .blockDecoderFeedForward: return time(.encoder, [.feedForward])
    case .tokenDecoderAttention: return time(.decoder, attention)
    case .tokenDecoderFeedForward: return time(.decoder, [.feedForward])
    case .layerAttention, .lastQueriesAttention, nil: return phase.total.time.value
    }
  }

  /// Attention of one layer: of one decoded token, or of the prompt's last 32 768 queries.
  fileprivate func secondsPerLayer(of row: PublishedRow) -> Double {
    let attention = Node(0, .decoder, .attention)
    func prefill(_ prompt: Int) -> Double {
      TimedPhases(question.with(promptLength: prompt), roofline).prefill[attention].time.value
    }
    let phases = TimedPhases(question, roofline)
    let time =
      row.phase == .decode
      ? phases.decode[attention].time.value
      : prefill(question.workload.promptLength)
        - prefill(max(0, question.workload.promptLength - PublishedRow.Part.lastQueries))
    return time / Double(question.model.layers)
  }
}
