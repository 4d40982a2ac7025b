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
  /// The forms of entries that are not as they came, each once.
  var entryForms: String {
    let plans = model.caches.map(\.plan.entry).filter { $0 != .keyAndValue }
    return plans.map { form in
      ([form.method.rawValue] + form.settings.map { "\($0.key) \($0.value)" }).joined(separator: ", ")
    }.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }.joined(separator: "; ")
  }
  /// On each of the profiles: whether the workload's batch fits.
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

  /// Methods that evict beside full attention and hierarchies: what is held and read, what that saves in time, and how
  /// little of it small models can do with.
  func cacheMethodSection(_ report: inout ReportBuilder) async throws {
    let rows = try cacheRows()
    guard !rows.isEmpty else { return }
    report.document.heading("Cache methods")
    report.document.paragraph(
      "At \(describe(workload)). *Stored* is the most memory that the caches hold at once; methods that wait for the end of "
        + "the prompt hold all of it first. *Footprint* is that memory over all tokens, as a share of what full attention "
        + "with the same layers holds: the KV footprint, in bytes. *Read* is the share of entries that queries read. Times "
        + "are those of the whole prompt and of one generated token; in brackets what binds them, and by how much.")
    if let answers { report.document.paragraph(answers.columnText(scenario.critical?.data)) }
    if let times { report.document.paragraph(times.text) }
    report.document.list(
      CacheClass.allCases.filter { kind in rows.contains { $0.model.cacheClass == kind } }
        .map { "\(capitalised($0.rawValue)): \($0.keeps)" })
    report.document.table(methodTable(rows))
    try hostPart(rows, &report)
    report.document.list(try methodFindings(rows) + (times?.findings ?? []) + criticalFindings(rows))
    report.document.heading("Which is fastest", level: 3)
    report.document.paragraph(
      "The Transformer whose decode takes the least time per token, over prompts and batches, and what the fastest "
        + "hierarchy that keeps everything makes of it: pale where it is faster, without a number where it does not fit. Grey or "
        + "a dash is where nothing fits into the memory. Only entries that are read count here, and no quality. The table "
        + "is of \(codeSpan(profile.name)).")
    for own in cacheProfiles {
      let map = try CacheMap(rows, question, on: own)
      try await report.figure(
        map.figure(), "fastest-\(own.name)", caption: "Fastest decode over batch and prompt on \(codeSpan(own.name)).")
    }
    report.document.table(try CacheMap(rows, question, on: profile).table())
  }

  /// What lies in the memory of the host, and what the link to it takes; nothing where no model has entries there.
  private func hostPart(_ rows: [CacheRow], _ report: inout ReportBuilder) throws {
    let rows = rows.filter(\.model.usesHost)
    guard !rows.isEmpty else { return }
    report.document.heading("Device, host and link", level: 3)
    report.document.paragraph(
      "Of caches in the memory of the host: what is held at the end on the device and there, the parts of the footprint, what "
        + "crosses the link, and the time of a token where that hides behind the device's work and where one follows the "
        + "other.")
    let costs = try rows.map { ($0, try price(question.asked(of: $0.model)).totals) }
    let generated = Int128(max(workload.generatedLength, 1))
    let bytes: [TableColumn<(CacheRow, PriceTotals)>] = [
      TableColumn(.text("method")) { Cell(codeSpan($0.0.name)) },
      TableColumn(Column("device", "on the device", as: .binaryBytes)) { .integer($0.1.cache.bytesAtEnd) },
      TableColumn(Column("host", "at the host", as: .binaryBytes)) { .integer($0.1.cache.hostBytesAtEnd) },
      TableColumn(Column("device_footprint", "device footprint", as: .percent(decimals: 1))) {
        Cell(100 * $0.0.footprint.deviceFootprint)
      },
      TableColumn(Column("host_footprint", "host footprint", as: .percent(decimals: 1))) {
        Cell(100 * $0.0.footprint.hostFootprint)
      },
      TableColumn(Column("prefill_link", "link, prefill", as: .binaryBytes)) {
        .integer(Quantities.bytes($0.1.prefill.hostBits))
      },
      TableColumn(Column("decode_link", "link, per token", as: .binaryBytes)) {
        .integer(Quantities.bytes($0.1.decode.hostBits) / generated)
      },
    ]
    let times = cacheProfiles.enumerated().flatMap { index, profile in
      [("overlapped", \TimeFigure.overlappedTime), ("one by one", \TimeFigure.serialTime)].map { name, time in
        TableColumn<(CacheRow, PriceTotals)>(
          Column("\(profile.name)_\(name)", "token, \(name), \(profile.name)", .right)
        ) {
          let total = $0.0.timed[index].decode.total
          return Cell("\(seconds(Seconds(total[keyPath: time].value / Double(generated)))) (\(total.bound.rawValue))")
        }
      }
    }
    report.document.table(Table(bytes + times, of: costs))
  }

  private func methodTable(_ rows: [CacheRow]) -> Table {
    func share(_ key: String, _ value: @escaping (ModelFootprint) -> Double) -> TableColumn<CacheRow> {
      TableColumn(Column(key, key, as: .percent(decimals: 1))) {
        Cell(100 * value($0.footprint))
      }
    }
    let own: [TableColumn<CacheRow>] = [
      TableColumn(.text("class")) { Cell($0.model.cacheClass.rawValue) },
      TableColumn(.text("method")) { row in
        let links = row.model.guides.map { "[\($0.split(separator: "/").last!)](../../docs/\($0).md)" }
        return Cell("\(codeSpan(row.name)): \(links.joined(separator: ", "))")
      },
    ]
    let forms = rows.contains { !$0.entryForms.isEmpty }
    let entries: [TableColumn<CacheRow>] =
      forms ? [TableColumn(.text("entries")) { Cell($0.entryForms.isEmpty ? "as they are" : $0.entryForms) }] : []
    let held: [TableColumn<CacheRow>] = [
      TableColumn(Column("stored", "stored", as: .binaryBytes)) { .integer($0.footprint.peakBytes) },
      share("read", \.activeFraction), share("footprint", \.footprint),
    ]
    let critical = answers?.columns(scenario.critical?.data) ?? []
    let predicted = cacheProfiles.enumerated().flatMap { index, profile -> [TableColumn<CacheRow>] in
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
    return Table(own + entries + held + critical + predicted + (times?.columns ?? []), of: rows)
  }

  /// What binds a phase and how far, in a few letters.
  private func bound(_ timed: TimedPoint, _ phase: Phase) -> String {
    guard case .text(let text) = timed.value(of: .phase(.boundWithMargin, phase)).shown else { return "" }
    return "(\(text))"
  }

  /// What small models say about hierarchies beside eviction, and what nobody knows.
  private func criticalFindings(_ rows: [CacheRow]) -> [String] {
    let start = "**Not known:** what any of these models answers with these budgets"
    guard let answers else { return [start + "."] }
    let datasets = scenario.critical?.data
    let names = rows.filter { answers.isUnknown($0.model, datasets) }.map { codeSpan($0.name) }
    return answers.findings(datasets) + [
      "\(start); critical footprints are of small models, which were not trained for their methods."
        + (names.isEmpty ? "" : " Of \(names.joined(separator: ", ")) nothing was measured.")
    ]
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
        "\(codeSpan(row.name)) holds \(percent(row.footprint.footprint)) and peaks at \(percent(row.footprint.peak)); decode takes "
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
        names[text, default: []].append(codeSpan(other.name))
      }
      let texts = names.sorted {
        $0.value.count > $1.value.count || $0.value.count == $1.value.count && $0.key < $1.key
      }
      items.append(
        "Decode of \(codeSpan(row.name)) is "
          + texts.map { "\($0.key) than \($0.value.joined(separator: ", "))" }.joined(separator: "; ")
          + ".")
    }
    return items
  }
}
