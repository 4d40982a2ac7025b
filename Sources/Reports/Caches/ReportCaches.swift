import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

/// One model at the explained workload, as the table of cache methods lists it.
struct CacheRow: ModelBearing {
  let name: String
  let model: Model
  let footprint: ModelFootprint
  /// On each of the report's profiles.
  let timed: [TimedPoint]
  /// On each of them: whether the workload's batch fits.
  var fits: [Bool] { timed.map { $0.largestBatch.map { $0 >= 1 } ?? true } }
}

extension ReportSubject {
  /// Profiles of the table: the first on which everything is priced, and one more.
  private var cacheProfiles: [HardwareProfile] { [profile] + otherProfiles.prefix(1) }

  /// Every model of the grid and of `compare`, at the explained workload; empty where none has a cache of its own.
  private func cacheRows() throws -> [CacheRow] {
    let named = summaries.map { NamedModel(name: $0.point.name, model: $0.point.model) } + scenario.compare
    guard named.contains(where: { !$0.model.hasFullCaches }) else { return [] }
    var rows: [CacheRow] = []
    for entry in named where !rows.contains(where: { $0.model == entry.model }) {
      let question = question.asked(of: entry.model)
      rows.append(
        CacheRow(
          name: entry.name, model: entry.model, footprint: try ModelFootprint(question),
          timed: try cacheProfiles.map { try TimedPoint(question, on: $0) }))
    }
    return CacheClass.allCases.flatMap { kind in rows.filter { $0.model.cacheClass == kind } }
  }

  /// Methods that evict beside full attention and hierarchies: what is held and read, and what that saves in time.
  func cacheMethodSection(_ report: inout ReportBuilder) throws {
    let rows = try cacheRows()
    guard !rows.isEmpty else { return }
    report.document.heading("Cache methods")
    report.document.paragraph(
      "At \(describe(workload)). *Held* is the memory of the caches over all tokens, as a share of what full attention "
        + "with the same layers holds: the KV footprint, in bytes. *Read* is the share of entries that queries read. "
        + "*Peak* is the most memory held at once, as a share of full attention's at the end; methods that wait for the "
        + "end of the prompt hold all of it first. Times are those of the whole prompt and of one generated token; in "
        + "brackets what binds them, and by how much. What a method costs in quality is in no column: it depends on the "
        + "task and the model, and is not known from lengths.")
    for kind in CacheClass.allCases {
      let own = rows.filter { $0.model.cacheClass == kind }
      guard !own.isEmpty else { continue }
      report.document.heading("\(capitalised(kind.rawValue)): \(kind.keeps)", level: 3)
      report.document.table(methodTable(own))
    }
    report.document.heading("Which is fastest", level: 3)
    report.document.paragraph(
      "The vanilla model whose decode takes the least time per token on `\(profile.name)`, over prompts and batches, and "
        + "what the fastest hierarchy that keeps everything makes of it; a dash where none fits into the memory. Only "
        + "entries that are read count here, and no quality.")
    report.document.table(try winnerTable(rows))
    report.document.list(try methodFindings(rows))
  }

  private func methodTable(_ rows: [CacheRow]) -> Table {
    func share(_ key: String, _ value: @escaping (ModelFootprint) -> Double) -> TableColumn<CacheRow> {
      TableColumn(Column(key, key, as: .percent(decimals: 1))) {
        Cell(100 * value($0.footprint))
      }
    }
    let own: [TableColumn<CacheRow>] = [
      TableColumn(.text("model")) { row in
        let guides = Set(row.model.evictions.compactMap(\.guide)).sorted()
        let links = guides.map { "[\($0)](../../docs/caches/\($0).md)" }
        return Cell("`\(row.name)`" + (links.isEmpty ? "" : ": " + links.joined(separator: ", ")))
      },
      share("held", \.footprint), share("read", \.activeFraction), share("peak", \.peak),
      TableColumn(Column("peak_bytes", "peak memory", as: .binaryBytes)) { .integer($0.footprint.peakBytes) },
    ]
    let times = cacheProfiles.enumerated().flatMap { index, profile -> [TableColumn<CacheRow>] in
      func time(_ key: String, _ heading: String, _ value: @escaping (TimedPoint) -> String) -> TableColumn<CacheRow> {
        TableColumn(Column("\(profile.name)_\(key)", "\(heading), \(profile.name)", .right)) { row in
          Cell(row.fits[index] ? value(row.timed[index]) : "does not fit")
        }
      }
      return [
        time("prefill", "prefill") { "\(seconds($0.prefill.total.time)) \(bound($0, .prefill))" },
        time("decode", "decode per token") { timed in
          timed.figures.timePerOutputToken.map { "\(seconds($0)) \(bound(timed, .decode))" } ?? "–"
        },
        time("batch", "largest batch") { $0.largestBatch.map(number) ?? "no limit" },
        time("tpm", "tok/s/GiB at it") { timed in
          timed.atLargestBatch?.throughputPerSampleGibibyte.map { significant($0) } ?? "–"
        },
      ]
    }
    return Table(own + times, of: rows)
  }

  /// What binds a phase and how far, in a few letters.
  private func bound(_ timed: TimedPoint, _ phase: Phase) -> String {
    guard case .text(let text) = timed.value(of: .phase(.boundWithMargin, phase)).shown else { return "" }
    return "(\(text))"
  }

  // MARK: Over contexts and batches

  /// Prompts and batches of the map. Chosen: what one request and a busy server send.
  private var mappedPrompts: [Int] { [2048, 8192, 32_768, 131_072, 524_288] }
  private var mappedBatches: [Int] { [1, 8, 64, 512] }

  private func winnerTable(_ rows: [CacheRow]) throws -> Table {
    var table = Table([Column("prompt")] + mappedBatches.map { .text("batch \(number($0))") })
    for prompt in mappedPrompts {
      let cells = try mappedBatches.map { batch -> Cell in
        let question = question.with(promptLength: prompt).with(batchSize: batch)
        func fastest(_ rows: [CacheRow]) throws -> (name: String, time: Seconds)? {
          try rows.compactMap { row -> (name: String, time: Seconds)? in
            let own = question.asked(of: row.model)
            let fits = try MemoryDemand(own, devices: profile.devices).fits(batchSize: Int128(batch), on: profile)
            return fits ? (row.name, timePerToken(own)) : nil
          }.min { $0.time < $1.time }
        }
        let hierarchy = try fastest(rows.filter { $0.model.cacheClass == .hierarchical && $0.model.hasFullCaches })
        let vanilla = try fastest(rows.filter { $0.model.cacheClass != .hierarchical })
        guard let vanilla else { return hierarchy.map { Cell("only `\($0.name)` \(seconds($0.time))") } ?? .missing }
        let beside = hierarchy.map { "; `\($0.name)` \(pace($0.time, against: vanilla.time))" } ?? ""
        return Cell("`\(vanilla.name)` \(seconds(vanilla.time))\(beside)")
      }
      table.append([Cell(number(prompt))] + cells)
    }
    return table
  }

  private func methodFindings(_ rows: [CacheRow]) throws -> [String] {
    let whole = rows.filter { $0.model.cacheClass == .full }
    guard let full = whole.first(where: \.model.hasFullCaches) ?? whole.first else { return [] }
    var items: [String] = []
    let base = question.asked(of: full.model)
    let (before, tokenBefore) = (phases(base), timePerToken(base))
    for row in rows where row.model.cacheClass != .hierarchical && !row.model.hasFullCaches {
      let own = question.asked(of: row.model)
      let token = timePerToken(own)
      let prefill = phases(own).prefill.total.time.value / before.prefill.total.time.value
      items.append(
        "`\(row.name)` holds \(percent(row.footprint.footprint)) and peaks at \(percent(row.footprint.peak)); decode takes "
          + "\(seconds(token)) per token instead of \(seconds(tokenBefore)) "
          + "(\(pace(token, against: tokenBefore))), prefill \(change(from: 1, to: prefill)).")
    }
    for row in rows where row.model.cacheClass == .hierarchical {
      let own = question.asked(of: row.model)
      // Methods against which the answer is the same stand together.
      var names: [String: [String]] = [:]
      for other in rows where other.model.cacheClass != .hierarchical {
        let lead = decodeLead(over: NamedModel(name: other.name, model: other.model), own)
        let text = Reports.describe(lead, "prompt", positive: "faster", negative: "slower")
        names[text, default: []].append("`\(other.name)`")
      }
      let texts = names.sorted {
        $0.value.count > $1.value.count || $0.value.count == $1.value.count && $0.key < $1.key
      }
      items.append(
        "Decode of `\(row.name)` is "
          + texts.map { "\($0.key) than \($0.value.joined(separator: ", "))" }.joined(separator: "; ")
          + ".")
    }
    return items
  }
}
