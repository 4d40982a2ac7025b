import Architectures
import Foundation
import Quantities

/// What a person asks of two phase times: rates, latencies and rates per memory.
public struct ServingFigures: Hashable, Sendable {
  /// Prefill and the emission of one token: the head, and the converters and condition passes that it opens.
  public var timeToFirstToken: Seconds
  /// Decode time over emitted tokens of one sequence; nil when none are emitted.
  public var timePerOutputToken: Seconds?
  /// batch · continuations · G over prefill and decode time.
  public var throughput: Rate<Token>
  /// Throughput over the GiB of one prompt's caches: the paper's definition, which counts memory twice when the
  /// throughput is taken at the largest batch; nil where a sequence needs no memory.
  /// - Unit: token/s/GiB
  /// - Source: v2 §3
  public var throughputPerSampleGibibyte: Double?
  /// Throughput over the GiB that weights, caches and activations really occupy.
  /// - Unit: token/s/GiB
  public var throughputPerOccupiedGibibyte: Double

  /// The figures of one workload, whose batch, continuations and length tell how many tokens the times are for.
  public init(
    workload: Workload, prefill: Seconds, decode: Seconds, emission: Seconds, memory: MemoryDemand
  ) {
    let generated = Double(workload.generatedLength)
    let tokens = Double(workload.batchSize) * Double(workload.continuations) * generated
    let time = prefill + decode
    timeToFirstToken = prefill + emission
    timePerOutputToken = workload.generatedLength > 0 ? Seconds(decode.value / generated) : nil
    throughput = Rate(tokens == 0 ? 0 : tokens / time.value)
    throughputPerSampleGibibyte =
      memory.bytesPerSequence > 0 ? throughput.perSecond / gibibytes(memory.bytesPerSequence) : nil
    throughputPerOccupiedGibibyte =
      throughput.perSecond / gibibytes(memory.occupiedBytes(batchSize: Int128(workload.batchSize)))
  }
}

/// 2^30 bytes are one GiB, the unit of the paper's memory columns.
public func gibibytes(_ bytes: Int128) -> Double { Double(bytes) / 1_073_741_824 }

/// The exponent of growth between two points, d log time / d log x: 1 where time is proportional to x, 0 where it does
/// not depend on it.
/// - Precondition: both abscissae differ; all values are positive. No number where a time is none (`Seconds.isNumber`).
public func elasticity(from first: (x: Double, time: Seconds), to second: (x: Double, time: Seconds)) -> Double {
  log(second.time.value / first.time.value) / log(second.x / first.x)
}

/// The elasticity over one doubling of an integer property (batch, context) of a closed form.
public func elasticity(doubling value: Int, of time: (Int) -> Seconds) -> Double {
  elasticity(from: (Double(value), time(value)), to: (Double(2 * value), time(2 * value)))
}
