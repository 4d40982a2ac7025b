import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

/// The rows of a grid on several machines; docs/sweep-columns.md says what the columns mean.
package struct Sweep: Sendable {
  /// Points that a thread prices at a time.
  package static let chunkLength = 1024

  /// What is priced.
  package let grid: Grid
  /// On which every point is priced, in order.
  package let hardware: [HardwareProfile]
  /// The columns of a row.
  package let schema: RowSchema
  /// For each precision of the grid one entry per profile.
  private let machines: [Precision: [SweptMachine]]

  /// - Parameter estimates: whether dispatched operations are priced besides the totals of phases.
  /// - Throws: `HardwareError` where a profile cannot multiply a precision of the grid; nothing has been written then.
  package init(_ grid: Grid, hardware: [HardwareProfile], estimates: Bool = false) throws(HardwareError) {
    self.grid = grid
    self.hardware = hardware
    schema = RowSchema(Self.columns(grid) + (estimates ? SweptMachine.columns : []))
    var machines: [Precision: [SweptMachine]] = [:]
    for precision in grid.precisions where machines[precision] == nil {
      var row: [SweptMachine] = []
      for profile in hardware { row.append(try SweptMachine(profile, precision, estimates: estimates)) }
      machines[precision] = row
    }
    self.machines = machines
  }

  /// Stretches of `chunkLength` points, the last one shorter.
  package var chunkCount: Int { (grid.count + Self.chunkLength - 1) / Self.chunkLength }

  /// Prices every chunk and hands it to the writer.
  /// - Returns: the chunks written; fewer than `chunkCount` after an interrupt.
  /// - Throws: `CountOverflow`, `FileFailure`
  package func run(
    _ encoding: RowEncoding, threads: Int, to writer: RowWriter, _ progress: ProgressBar, _ interrupt: InterruptFlag
  ) throws -> Int {
    try forEachChunk(
      count: chunkCount, threads: threads, isStopped: { interrupt.isRaised },
      worker: { SweepWorker(RowBuilder(schema, encoding, capacity: 1 << 20), grid.axes.map(\.isLiteral)) }
    ) { index, worker in
      let start = index * Self.chunkLength
      let end = min(start + Self.chunkLength, grid.count)
      for position in start..<end {
        guard let point = grid.point(at: position) else { continue }
        try worker.append(point, machines[point.precision]!)
      }
      try writer.write(worker.rows.takeChunk(), at: index)
      progress.advance(by: end - start)
    }
  }

  /// The names of a grid's columns without those of `--estimates`; docs/sweep-columns.md explains each.
  package static func columns(_ grid: Grid) -> [String] {
    let identity = [
      "name", "architecture", "decoder_input", "generation", "prompt_length", "generated_length", "batch_size",
      "continuations", "weights_type", "activations_type", "cache_type", "parameters",
    ]
    let work = Phase.allCases.flatMap { phase in
      Work<Int64>.zero.figures.map { "\(phase.rawValue)_\($0.name)" }
    }
    let cache = ["cache_after_prefill_bytes", "cache_at_end_bytes", "cache_peak_bytes", "local_peak_bytes"]
    let time = [
      "hardware", "prefill_roofline_time_s", "prefill_roofline_bound", "prefill_roofline_margin",
      "decode_roofline_time_s", "decode_roofline_time_per_token_s", "decode_roofline_bound",
      "decode_roofline_margin", "roofline_throughput_tokens_per_s", "roofline_cost_usd_per_million_tokens",
      "roofline_energy_j_per_million_tokens", "devices",
    ]
    return ["point"] + grid.axes.map(\.path) + identity + work + cache + time
  }
}

/// What one thread keeps: its tables, its rows, and the parameters of the model it saw last.
package struct SweepWorker {
  /// Those of the chunk in work.
  package var rows: RowBuilder
  /// Which axes have numbers for values.
  private let literalAxes: [Bool]
  private var pricer = Pricer()
  private var parameters: (modelIndex: Int, total: Int128)?

  /// - Parameter literalAxes: which axes have numbers for values.
  package init(_ rows: RowBuilder, _ literalAxes: [Bool]) {
    self.rows = rows
    self.literalAxes = literalAxes
  }

  /// Adds the rows of a point, one per machine.
  package mutating func append(_ point: ScenarioPoint, _ machines: [SweptMachine]) throws(CountOverflow) {
    let totals = try pricer.price(point.question)
    for machine in machines {
      let roofline = machine.roofline
      appendIdentity(point)
      if let narrow = pricer.narrowTotals {
        appendWork(narrow.prefill)
        appendWork(narrow.decode)
        appendCache(totals.cache)
        appendTimes(roofline.profile, roofline.plain(narrow.prefill), roofline.plain(narrow.decode), point)
      } else {
        appendWork(totals.prefill)
        appendWork(totals.decode)
        appendCache(totals.cache)
        appendTimes(roofline.profile, roofline.plain(totals.prefill), roofline.plain(totals.decode), point)
      }
      machine.appendEstimates(of: point, to: &rows)
      rows.endRow()
    }
  }

  private mutating func appendIdentity(_ point: ScenarioPoint) {
    let (model, workload) = (point.model, point.workload)
    rows.append(point.index)
    for (value, isLiteral) in zip(point.axisValues, literalAxes) {
      if isLiteral { rows.append(literal: value) } else { rows.append(value) }
    }
    rows.append(point.name)
    rows.append(model.family.rawValue)
    if model.family.hasReadings {
      rows.append(model.decoderInput.rawValue)
      rows.append(model.generation.rawValue)
    } else {
      rows.appendMissing()
      rows.appendMissing()
    }
    rows.append(workload.promptLength)
    rows.append(workload.generatedLength)
    rows.append(workload.batchSize)
    rows.append(workload.continuations)
    rows.append(point.precision.weights.rawValue)
    rows.append(point.precision.activations.rawValue)
    rows.append(point.precision.cache.rawValue)
    if parameters?.modelIndex != point.modelIndex {
      parameters = (point.modelIndex, Formulas.parameters(of: model).total)
    }
    rows.append(parameters!.total)
  }

  /// The order of `Work.figures`, without the array.
  private mutating func appendWork<Integer>(_ work: Work<Integer>) {
    append(work.matmulFlops)
    append(work.elementwiseFlops)
    append(bytes(work.trafficBits))
    append(bytes(work.weightBits))
    append(bytes(work.activationBits))
    append(bytes(work.cacheReadBits))
    append(bytes(work.cacheWriteBits))
    append(bytes(work.localReadBits))
    append(work.sequentialPasses)
    append(work.sequentialLayers)
  }

  private mutating func append<Integer: FixedWidthInteger & SignedInteger>(_ value: Integer) {
    if Integer.bitWidth <= 64 { rows.append(Int64(truncatingIfNeeded: value)) } else { rows.append(Int128(value)) }
  }

  private mutating func appendCache(_ cache: CacheFigures) {
    rows.append(cache.bytesAfterPrefill)
    rows.append(cache.bytesAtEnd)
    rows.append(cache.peakBytes)
    rows.append(cache.localPeakBytes)
  }

  private mutating func appendTimes(
    _ profile: HardwareProfile, _ prefill: TimeFigure, _ decode: TimeFigure, _ point: ScenarioPoint
  ) {
    let generated = Double(point.workload.generatedLength)
    let tokens = Double(point.workload.batchSize) * Double(point.workload.continuations) * generated
    rows.append(profile.name)
    rows.append(prefill.time.value)
    rows.appendBound(prefill)
    rows.append(decode.time.value)
    rows.append(generated > 0 ? decode.time.value / generated : nil)
    rows.appendBound(decode)
    let throughput = Rate<Token>(tokens > 0 ? tokens / (prefill.time + decode.time).value : 0)
    rows.append(generated > 0 ? throughput.perSecond : nil)
    let cost = TokenCost(profile, at: throughput)
    rows.append(cost.dollars)
    rows.append(cost.joules)
    rows.append(profile.devices)
  }
}
