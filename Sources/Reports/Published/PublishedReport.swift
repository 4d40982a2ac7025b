import Architectures
import Formulas
import Foundation
import Quantities
import Rendering
import Scenarios
import ServingRows

/// The report about published tables: answers first, then the numbers they rest on.
/// - Throws: `FigureFailure`, `HardwareError`, `CountOverflow`
public func publishedReport(_ subject: PublishedSubject) async throws -> ReportBuilder {
  var report = ReportBuilder()
  let groups = try subject.predictedTables()
  let claims = try subject.claims()
  report.document.heading("\(subject.scenario.name): how much of it is architecture?", level: 1)
  report.document.paragraph(
    "Published measurements beside three predictions, row by row; made by \(codeSpan(subject.command)).")
  report.document.heading("Answers")
  report.document.list(subject.errorFindings(groups) + claims.map { subject.answer($0, groups) })
  for claim in claims { try await subject.section(claim, &report) }
  subject.engineSection(&report.document)
  subject.errorSection(groups, &report.document)
  for (table, rows) in groups { subject.tableSection(table, rows, &report.document) }
  subject.conventionSection(&report.document)
  return report
}

extension PublishedSubject {
  /// A table with its rows predicted.
  typealias Group = (table: PublishedTable, rows: [PredictedRow])

  func predictedTables() throws -> [Group] {
    try tables.map { ($0, try $0.rows.map(predicted)) }
  }

  /// The two ratios that PHOTON's paper is known for, where the tables have them.
  func claims() throws -> [PublishedClaim] {
    try [("vanilla-1.2b", "photon-1.2b"), ("vanilla-600m", "photon-600m-recursive")].compactMap {
      try claim($0.0, $0.1, prompt: 128)
    }
  }

  // MARK: Errors

  /// By how much predictions of one quantity miss in one table, for each engine; nil where the table lacks it.
  func errors(_ rows: [PredictedRow], _ quantity: PublishedRow.Quantity) -> [Double]? {
    let rows = rows.filter { $0.row.quantity == quantity }
    return rows.isEmpty ? nil : engines.indices.map { engine in geometricError(rows.map { $0.ratio(engine) }) }
  }

  /// How far ratios to the vanilla model of the same size and protocol are off.
  func relativeErrors(_ rows: [PredictedRow], _ quantity: PublishedRow.Quantity) -> [Double]? {
    let rows = rows.filter { $0.row.quantity == quantity }
    let pairs = rows.compactMap { row -> (PredictedRow, PredictedRow)? in
      rows.first { isBaseline($0.row, of: row.row) }.map { (row, $0) }
    }
    if pairs.isEmpty { return nil }
    return engines.indices.map { engine in geometricError(pairs.map { $0.ratio(engine) / $1.ratio(engine) }) }
  }

  func errorFindings(_ groups: [Group]) -> [String] {
    func list(_ values: [Double]) -> String {
      zip(engines, values).map { "\(ratio($1)) (\(codeSpan($0.name)))" }.joined(separator: ", ")
    }
    let tables = groups.filter { $0.rows.contains { $0.row.quantity == .tpm } }
    let others = tables.dropFirst().compactMap { table, rows in
      errors(rows, .throughput).map { "\(list($0)) in \(table.rows[0].source)" }
    }
    return tables.prefix(1).flatMap { table, rows -> [String] in
      guard let throughput = errors(rows, .throughput), let memory = errors(rows, .memory),
        let ratios = relativeErrors(rows, .throughput)
      else { return [] }
      let source = table.rows[0].source
      let held = rows.filter { $0.row.quantity == .memory }.map { 1 / $0.ratio(0) }
      return [
        "**Throughput is a matter of the stack:** predictions for \(source) miss by \(list(throughput)), geometric means in "
          + "either direction; relative to vanilla by \(list(ratios)). `fitted` never saw these rows: five coefficients of "
          + "another paper's stack were carried over to another machine and other models. The other held-out tables: "
          + "\(others.joined(separator: "; ")).",
        "**Memory does not carry over:** it misses by \(list(memory)). The printed memory is \(ratio(held.min()!)) to "
          + "\(ratio(held.max()!)) the exact caches; in \(Self.fittedSource) a sequence holds \(significant(fit.engine.heldCaches)) "
          + "caches and the scores besides. So both papers' memory columns are different quantities.",
      ]
    }
  }

  func errorSection(_ groups: [Group], _ document: inout MarkdownDocument) {
    document.heading("How wrong each engine is")
    document.paragraph(
      "Geometric mean of predicted over published or its inverse, whichever is larger: 1× is perfect. *Over vanilla* is "
        + "the error of ratios to the vanilla model of the same size under the same protocol.")
    var table = Table(
      [.text("source"), .text("quantity"), Column("rows")]
        + engines.map { Column($0.name, codeSpan($0.name), as: .fixed(decimals: 2)) })
    for (published, rows) in groups {
      let source = published.rows[0].source
      for quantity in [PublishedRow.Quantity.memory, .throughput, .tpm] {
        let count = rows.count { $0.row.quantity == quantity }
        if let errors = errors(rows, quantity) {
          table.append([Cell(source), Cell(quantity.rawValue), Cell(count)] + errors.map { Cell($0) })
        }
        if let errors = relativeErrors(rows, quantity) {
          table.append([Cell(source), Cell("\(quantity.rawValue) over vanilla"), .missing] + errors.map { Cell($0) })
        }
      }
      if let errors = errors(rows, .timePerSample) {
        let count = rows.count { $0.row.quantity == .timePerSample }
        table.append([Cell(source), "time per sample", Cell(count)] + errors.map { Cell($0) })
      }
      if let errors = errors(rows, .timePerLayer) {
        table.append([Cell(source), "time per layer", Cell(rows.count), Cell(errors[0]), .missing, .missing])
      }
    }
    document.table(table)
    document.paragraph(
      "The rows of \(Self.fittedSource) are those that `fitted` was fitted to; every other row of that column is held "
        + "out. FlashAttention-2 is a fused kernel, so only `ideal` applies to it.")
  }

  // MARK: Engines

  func engineSection(_ document: inout MarkdownDocument) {
    document.heading("The three engines")
    document.list([
      "`ideal`: the data sheet's peaks, fused kernels, caches written in place, one prompt prefilled at a time.",
      "`eager`: the same machine under an eager framework, from what such a framework dispatches and from no measured "
        + "time: about 9 kernels of 5 µs for each of our operations, caches that are concatenated (read, written, read; "
        + "old and new held), scores that are stored, masked and normalised in 32 bits, logits of the whole prompt.",
      "`fitted`: five of the same coefficients fitted by GSL's non-linear least squares to the \(fit.rows) rows "
        + "(memory and throughput of vanilla and Block Transformer) of \(Self.fittedSource), then applied unchanged.",
    ])
    var table = Table(
      [.text("coefficient")] + engines.map { .text($0.name, codeSpan($0.name)) } + [
        Column("error", "standard error", as: .percent(decimals: 0))
      ])
    func row(_ name: String, _ text: (Engine) -> String) {
      let error = EngineFit.coefficientNames.firstIndex(of: name).map { 100 * fit.relativeErrors[$0] }
      table.append([Cell(Self.described[name]!)] + engines.map { Cell(text($0)) } + [Cell(error)])
    }
    row("launchOverhead") { $0.launchOverhead == .zero ? "0" : seconds($0.launchOverhead) }
    row("cacheTraffic") { significant($0.cacheTraffic) }
    row("scoreTraffic") { $0.scoreTraffic == 0 ? "0" : NumberFormat.si(unit: "B").text($0.scoreTraffic) }
    row("heldCaches") { significant($0.heldCaches) }
    row("heldScores") { $0.heldScores == 0 ? "0" : NumberFormat.si(unit: "B").text($0.heldScores) }
    document.table(table)
  }

  private static let described = [
    "launchOverhead": "launch of each operation",
    "cacheTraffic": "bytes moved per byte of cache attended",
    "scoreTraffic": "bytes moved per attention score",
    "heldCaches": "copies of a cache held",
    "heldScores": "bytes held per score of a prompt",
  ]

  // MARK: Rows

  func tableSection(_ published: PublishedTable, _ rows: [PredictedRow], _ document: inout MarkdownDocument) {
    let source = published.rows[0].source
    document.heading(source)
    let isSingle = rows.allSatisfy { $0.row.quantity == .timePerLayer }
    let shown = Array(engines.prefix(isSingle ? 1 : engines.count))
    let hasParts = rows.contains { $0.row.part != nil }
    var table = Table(
      [.text("model"), Column("prompt"), Column("generated"), .text("quantity")]
        + (hasParts ? [.text("part")] : []) + [.text("published")]
        + shown.flatMap { engine -> [Column] in
          [.text(engine.name, "`\(engine.name)`"), Column("\(engine.name)_ratio", "ratio", as: .significant(3))]
        })
    for row in rows {
      let part = [row.row.phase?.rawValue, row.row.part?.rawValue].compactMap(\.self).joined(separator: ", ")
      let lead: [Cell] = [
        Cell(codeSpan(row.row.model)), Cell(row.row.prompt), Cell(row.row.generated),
        Cell(row.row.quantity.rawValue),
      ]
      table.append(
        lead + (hasParts ? [Cell(part)] : []) + [Cell(row.row.text)]
          + shown.indices.flatMap { engine -> [Cell] in
            [Cell(row.row.quantity.format.text(row.predictions[engine])), Cell(row.ratio(engine))]
          })
    }
    document.paragraph(
      "On \(codeSpan(published.rows[0].hardware)); predictions in the table's order of rows, ratio is predicted over published. "
        + "Data: \(codeSpan(published.file)).")
    document.table(table)
  }

  func conventionSection(_ document: inout MarkdownDocument) {
    document.heading("Conventions")
    document.list([
      "Batch: the largest that fits into the machine's memory less its reserve, with weights, caches and activations of "
        + "the same engine; one GPU. None of the papers states the batch it used.",
      "Memory per sample is what one more sequence takes: caches at their peak, local windows, and what the engine holds "
        + "besides. Throughput counts emitted tokens over prefill and decode; TPM is throughput over memory per sample.",
      "A factor is exp((bᵢ − aᵢ) / L(a, b)) with the logarithmic mean L of both times, so factors multiply back to the "
        + "ratio whatever their order; `photon compare` does the same for any two scenarios.",
      "Causes of time: where arithmetic is the longer of both, a dispatch is arithmetic; else its traffic is shared out "
        + "by bytes to weights, cache and intermediates. Launches are overhead.",
      "Element types are \(precision.weights.rawValue) for weights, activations and caches; no paper states them.",
    ])
  }
}

extension PublishedRow.Quantity {
  var format: NumberFormat {
    switch self {
    case .memory: .binaryBytes
    case .throughput: .si(unit: "tok/s")
    case .tpm: .si(unit: "tok/s/GiB")
    case .timePerSample, .timePerLayer: .si(unit: "s")
    }
  }
}
