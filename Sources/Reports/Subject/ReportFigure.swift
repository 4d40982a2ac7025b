import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

/// A figure of a grid's point that an objective can name; the raw value is its name in scenarios and in data files.
public enum ReportFigure: String, CaseIterable, Sendable {
  /// Of the whole batch.
  case prefillTime = "prefill.time_s"
  /// Of all generated tokens of the whole batch.
  case decodeTime = "decode.time_s"
  /// Between two tokens of one sequence.
  case decodeTimePerToken = "decode.time_per_token_s"
  /// Prefill and the emission of one token.
  case timeToFirstToken = "time_to_first_token_s"
  /// Emitted tokens over prefill and decode time.
  case throughput = "throughput_tokens_per_s"
  /// Throughput over the GiB of one prompt's caches.
  case throughputPerGibibyte = "tpm_tokens_per_s_per_gib"
  /// Of a million emitted tokens, from the price of the machine.
  case cost = "cost_usd_per_million_tokens"
  /// Of a million emitted tokens, from the power of the board.
  case energy = "energy_j_per_million_tokens"
  /// Prompts that fit into the memory.
  case largestBatch = "largest_batch"
  /// From the scenario's quality table.
  case quality
  /// Without start latents.
  case parameters = "parameters.total"
  /// Persistent caches of the batch.
  case cacheAfterPrefill = "cache.bytes_after_prefill"
  /// Persistent caches of the batch.
  case cacheAtEnd = "cache.bytes_at_end"
  /// Persistent caches of the batch, at their largest.
  case cachePeak = "cache.peak_bytes"
  /// Matrix products and attention of the batch.
  case prefillFlops = "prefill.matmul_flops"
  /// Matrix products and attention of the batch.
  case decodeFlops = "decode.matmul_flops"
  /// Everything that moves between memory and processor.
  case prefillTraffic = "prefill.traffic_bytes"
  /// Everything that moves between memory and processor.
  case decodeTraffic = "decode.traffic_bytes"

  /// How reports name and write it.
  var style: FigureStyle {
    switch self {
    case .prefillTime: .time("prefill time")
    case .decodeTime: .time("decode time")
    case .decodeTimePerToken: .time("decode time per token")
    case .timeToFirstToken: .time("time to first token")
    case .throughput: FigureStyle(label: "throughput", format: .si(unit: "tok/s"), unit: "tok/s")
    case .throughputPerGibibyte: FigureStyle(label: "TPM", format: .si(unit: "tok/s/GiB"), unit: "tok/s/GiB")
    case .cost:
      FigureStyle(label: "cost of a million tokens", format: .significant(3), unit: "$ per million tokens")
    case .energy:
      FigureStyle(label: "energy of a million tokens", format: .si(unit: "J"), unit: "J per million tokens")
    case .largestBatch: .count("largest batch")
    case .quality: FigureStyle(label: "quality", format: .significant(4), unit: "quality")
    case .parameters: .count("parameters")
    case .cacheAfterPrefill: .bytes("cache after prefill")
    case .cacheAtEnd: .bytes("cache at the end")
    case .cachePeak: .bytes("peak cache")
    case .prefillFlops: .flops("prefill matmul FLOP")
    case .decodeFlops: .flops("decode matmul FLOP")
    case .prefillTraffic: .bytes("prefill traffic")
    case .decodeTraffic: .bytes("decode traffic")
    }
  }
}

/// The figures that an objective of a report can name.
public let reportFigureNames = ReportFigure.allCases.map(\.rawValue)

extension PointSummary {
  /// A figure in the unit of its name; nil where the point has none.
  func value(_ figure: ReportFigure) -> Double? {
    switch figure {
    case .prefillTime: prefill.time.value
    case .decodeTime: decode.time.value
    case .decodeTimePerToken: figures.timePerOutputToken?.value
    case .timeToFirstToken: figures.timeToFirstToken.value
    case .throughput: figures.throughput.perSecond
    case .throughputPerGibibyte: figures.throughputPerSampleGibibyte
    case .cost: cost.dollars
    case .energy: cost.joules
    case .largestBatch: largestBatch.map(Double.init)
    case .quality: quality
    case .parameters: Double(parameterCount)
    case .cacheAfterPrefill: Double(totals.cache.bytesAfterPrefill)
    case .cacheAtEnd: Double(totals.cache.bytesAtEnd)
    case .cachePeak: Double(totals.cache.peakBytes)
    case .prefillFlops: Double(totals.prefill.matmulFlops)
    case .decodeFlops: Double(totals.decode.matmulFlops)
    case .prefillTraffic: Double(bytes(totals.prefill.trafficBits))
    case .decodeTraffic: Double(bytes(totals.decode.trafficBits))
    }
  }

  /// The figure of a name; nil where there is no such figure or the point has none.
  func value(_ name: String) -> Double? { ReportFigure(rawValue: name).flatMap(value) }
}

/// How a figure is named in words and how its values are written.
struct FigureStyle {
  /// In words: `decode time per token`.
  let label: String
  let format: NumberFormat
  let unit: String

  /// What a comparison of two points states of them and an objective cannot name.
  private static let compared: [String: FigureStyle] = [
    "time_s": .time("time"), "memory_per_prompt_bytes": .bytes("memory per prompt"),
  ]

  /// The style of a figure by its name in data files; a name that nobody knows stands for a count.
  static func named(_ name: String) -> FigureStyle {
    ReportFigure(rawValue: name)?.style ?? compared[name] ?? .count(name)
  }

  static func time(_ label: String) -> Self { Self(label: label, format: .si(unit: "s"), unit: "s") }
  static func bytes(_ label: String) -> Self { Self(label: label, format: .binaryBytes, unit: "B") }
  static func flops(_ label: String) -> Self { Self(label: label, format: .si(unit: "FLOP"), unit: "FLOP") }
  static func count(_ label: String) -> Self { Self(label: label, format: .exact, unit: "count") }

  func text(_ value: Double?) -> String { value.map(format.text) ?? "–" }
}

extension Objective {
  /// How the figure that it looks at is named and written.
  var style: FigureStyle { .named(member) }
}
