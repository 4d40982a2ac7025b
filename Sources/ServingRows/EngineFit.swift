import Architectures
import Formulas
import Foundation
import GSL
import Hardware
import Quantities

/// A published measurement of one model under the max-batch protocol.
public struct MeasuredServing: Sendable {
  /// What was served, over the lengths of one sequence; the batch is the largest that fits.
  public var question: Question
  /// The machine.
  public var profile: HardwareProfile
  /// - Unit: byte
  public var bytesPerSequence: Double
  /// Emitted tokens over prefill and decode time.
  public var throughput: Rate<Token>

  /// - Parameters:
  ///   - question: what one sequence asked; the batch is what memory allows.
  ///   - profile: the machine.
  ///   - bytesPerSequence: memory that one more sequence takes.
  ///   - throughput: of the whole batch, over prefill and decode.
  public init(
    _ question: Question, on profile: HardwareProfile,
    bytesPerSequence: Double, throughput: Rate<Token>
  ) {
    self.question = question
    self.profile = profile
    self.bytesPerSequence = bytesPerSequence
    self.throughput = throughput
  }
}

/// An engine whose coefficients reproduce published measurements best, with how sure they are.
public struct EngineFit: Sendable {
  /// With the fitted coefficients.
  public var engine: Engine
  /// Measurements that were fitted.
  public var rows: Int
  /// Relative standard errors of what was fitted, in the order of `coefficientNames`.
  public var relativeErrors: [Double]

  /// The fitted properties of `Engine`, those of memory first.
  public static let coefficientNames = [
    "heldCaches", "heldScores", "launchOverhead", "cacheTraffic", "scoreTraffic",
  ]

  /// Measurements that determine what time costs: as many as its coefficients.
  public static let leastRows = 3

  /// Fits first what memory holds, then what time costs at the batches that this memory allows.
  ///
  /// Residuals are logarithms of predicted over published, so that a factor of two too much weighs as much as one too
  /// little and no row counts more because it is faster. Coefficients are fitted as logarithms too: they stay positive.
  /// - Parameters:
  ///   - rows: `leastRows` or more.
  ///   - start: where the search begins, and what is not fitted.
  ///   - name: what the fitted engine is called.
  /// - Throws: `GSLError` where the rows do not determine the coefficients, `HardwareError`, `CountOverflow`
  public init(_ rows: [MeasuredServing], from start: Engine, name: String) throws {
    var memoryEngine = start
    memoryEngine.name = name
    let cacheBytes = try rows.map { row in
      try MemoryDemand(row.question).bytesPerSequence
    }
    func held(_ values: [Double]) -> Engine {
      var engine = memoryEngine
      (engine.heldCaches, engine.heldScores) = (exp(values[0]), exp(values[1]))
      return engine
    }
    let memory = try nonlinearFit(start: [log(start.heldCaches), log(start.heldScores)], tolerance: 1e-8) { values in
      let engine = held(values)
      return zip(rows, cacheBytes).map { row, cache in
        let bytes = engine.bytesPerSequence(cacheBytes: cache, row.question)
        return log(Double(bytes) / row.bytesPerSequence)
      }
    }
    memoryEngine = held(memory.parameters)

    func timed(_ values: [Double]) -> Engine {
      var engine = memoryEngine
      engine.launchOverhead = Seconds(exp(values[0]))
      (engine.cacheTraffic, engine.scoreTraffic) = (exp(values[1]), exp(values[2]))
      return engine
    }
    let points = try rows.map { row in
      try ComparedPoint(row.question, on: row.profile, engine: memoryEngine)
    }
    let origin = [log(start.launchOverhead.value), log(start.cacheTraffic), log(start.scoreTraffic)]
    let time = try nonlinearFit(start: origin, tolerance: 1e-8, mustConverge: false) { values in
      let engine = timed(values)
      return zip(rows, points).map { row, point in
        log(point.throughput(batch: point.batch, on: engine) / row.throughput.perSecond)
      }
    }
    engine = timed(time.parameters)
    self.rows = rows.count
    relativeErrors = memory.standardErrors + time.standardErrors
  }
}

extension ComparedPoint {
  /// The throughput that another engine reaches at a batch.
  func throughput(batch: Int, on engine: Engine) -> Double {
    var point = self
    point.roofline.engine = engine
    return point.throughput(batch: batch)
  }
}
