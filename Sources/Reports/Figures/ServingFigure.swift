import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

/// What is said of prefill and decode together on one machine.
public enum ServingFigure: CaseIterable, Sendable {
  /// Emitted tokens over prefill and decode time.
  case throughput
  /// Throughput over the GiB of one prompt's caches.
  case throughputPerSampleGibibyte
  case throughputPerOccupiedGibibyte
  case throughputAtLargestBatch, throughputPerSampleGibibyteAtLargestBatch, throughputPerOccupiedGibibyteAtLargestBatch
  /// Of a million emitted tokens, from the price of the machine and from the power of the board.
  case cost, energy
  case costAtLargestBatch, energyAtLargestBatch
  /// Caches and local windows of one prompt, at their peaks.
  case memoryPerPrompt
  /// Prefill and decode.
  case totalTime

  /// The paper's TPM keeps the paper's short name; its unit alone would not tell it from the other rates per GiB.
  var names: FigureNames {
    func names(
      _ label: String, _ unit: FigureUnit, _ key: String, isObjective: Bool = false, compared: String? = nil,
      report: String? = nil, _ reportFormat: NumberFormat? = nil, terminal: String? = nil,
      _ terminalFormat: NumberFormat? = nil
    ) -> FigureNames {
      FigureNames(
        label, unit, json: .machine(key), isObjective: isObjective, compared: compared, sense: sense,
        report: report, reportFormat: reportFormat, terminal: terminal, terminalFormat: terminalFormat)
    }
    let plain = NumberFormat.si(unit: "")
    return switch self {
    case .throughput:
      names(
        "throughput", .tokensPerSecond, "throughput_tokens_per_s", isObjective: true,
        compared: "throughput_tokens_per_s", report: "tok/s", plain, terminal: "tokens/s", .significant(3))
    case .throughputPerSampleGibibyte:
      names(
        "TPM", .tokensPerSecondPerGibibyte, "tpm_tokens_per_s_per_gib", isObjective: true,
        compared: "tpm_tokens_per_s_per_gib", report: "TPM", plain, terminal: "tokens/s/GiB", .significant(3))
    case .throughputPerOccupiedGibibyte:
      names(
        "throughput per occupied GiB", .tokensPerSecondPerGibibyte, "throughput_tokens_per_s_per_occupied_gib")
    case .throughputAtLargestBatch:
      names(
        "throughput at the largest batch", .tokensPerSecond, "throughput_at_largest_batch_tokens_per_s",
        report: "tok/s there", plain)
    case .throughputPerSampleGibibyteAtLargestBatch:
      names(
        "TPM at the largest batch", .tokensPerSecondPerGibibyte, "tpm_at_largest_batch_tokens_per_s_per_gib",
        report: "TPM there", plain)
    case .throughputPerOccupiedGibibyteAtLargestBatch:
      names(
        "throughput per occupied GiB at the largest batch", .tokensPerSecondPerGibibyte,
        "throughput_at_largest_batch_tokens_per_s_per_occupied_gib")
    case .cost:
      names(
        "cost of a million tokens", .dollarsPerMillionTokens, "cost_usd_per_million_tokens", isObjective: true,
        terminal: "cost ($)")
    case .energy:
      names(
        "energy of a million tokens", .joulesPerMillionTokens, "energy_j_per_million_tokens", isObjective: true,
        terminal: "energy")
    case .costAtLargestBatch:
      names(
        "cost of a million tokens at the largest batch", .dollarsPerMillionTokens,
        "cost_at_largest_batch_usd_per_million_tokens", report: "$ per M tok there",
        terminal: "at the largest batch ($)")
    case .energyAtLargestBatch:
      names(
        "energy of a million tokens at the largest batch", .joulesPerMillionTokens,
        "energy_at_largest_batch_j_per_million_tokens", report: "J per M tok there", terminal: "at the largest batch")
    case .memoryPerPrompt:
      // Data of one point have the caches of its batch, and this is what TPM divides by.
      FigureNames(
        "memory per prompt", .bytes, compared: "memory_per_prompt_bytes", sense: sense, report: "cache per prompt")
    case .totalTime:
      // Data have both phases apart; a comparison of two points splits their sum.
      FigureNames("time", .seconds, compared: "time_s", sense: sense)
    }
  }

  private var sense: Objective.Sense {
    switch self {
    case .throughput, .throughputPerSampleGibibyte, .throughputPerOccupiedGibibyte, .throughputAtLargestBatch,
      .throughputPerSampleGibibyteAtLargestBatch, .throughputPerOccupiedGibibyteAtLargestBatch:
      .maximise
    case .cost, .energy, .costAtLargestBatch, .energyAtLargestBatch, .memoryPerPrompt, .totalTime: .minimise
    }
  }

  /// Of rates; zero where nothing is emitted, which `photon explain` calls missing.
  var isRate: Bool {
    switch self {
    case .throughput, .throughputPerSampleGibibyte, .throughputPerOccupiedGibibyte, .throughputAtLargestBatch,
      .throughputPerSampleGibibyteAtLargestBatch, .throughputPerOccupiedGibibyteAtLargestBatch:
      true
    case .cost, .energy, .costAtLargestBatch, .energyAtLargestBatch, .memoryPerPrompt, .totalTime: false
    }
  }

  func cell(of result: ServingResult) -> Cell {
    let (here, largest) = (result.figures, result.atLargestBatch)
    return switch self {
    case .throughput: Cell(here.throughput.perSecond)
    case .throughputPerSampleGibibyte: Cell(here.throughputPerSampleGibibyte)
    case .throughputPerOccupiedGibibyte: Cell(here.throughputPerOccupiedGibibyte)
    case .throughputAtLargestBatch: Cell(largest?.throughput.perSecond)
    case .throughputPerSampleGibibyteAtLargestBatch: Cell(largest?.throughputPerSampleGibibyte)
    case .throughputPerOccupiedGibibyteAtLargestBatch: Cell(largest?.throughputPerOccupiedGibibyte)
    case .cost: Cell(result.cost.dollars)
    case .energy: Cell(result.cost.joules)
    case .costAtLargestBatch: Cell(result.costAtLargestBatch.dollars)
    case .energyAtLargestBatch: Cell(result.costAtLargestBatch.joules)
    case .memoryPerPrompt: .integer(result.memoryPerPrompt)
    case .totalTime: .number(result.time.value)
    }
  }
}

/// What is known of serving a workload on one machine.
struct ServingResult: Sendable {
  let figures: ServingFigures
  let atLargestBatch: ServingFigures?
  let cost: TokenCost
  let costAtLargestBatch: TokenCost
  /// - Unit: byte
  let memoryPerPrompt: Int128
  /// Prefill and decode.
  let time: Seconds

  init(_ timed: TimedPoint) {
    figures = timed.figures
    atLargestBatch = timed.atLargestBatch
    cost = timed.cost
    costAtLargestBatch = timed.costAtLargestBatch
    memoryPerPrompt = timed.memory.bytesPerSequence
    time = timed.prefill.total.time + timed.decode.total.time
  }
}
