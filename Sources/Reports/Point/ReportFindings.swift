import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// Answers in plain words, every number computed from the closed forms.
  /// - Throws: `CountOverflow`, `HardwareError`
  func findings(_ document: inout MarkdownDocument) throws {
    document.heading("Findings")
    try overview(&document)
    document.paragraph(
      "For \(model.described(as: point.name)), \(parameterText) parameters, on \(codeSpan(profile.name)), weights in "
        + "\(precision.weightsText), cache in \(precision.cache.rawValue), at \(describe(workload)), unless said "
        + "otherwise. Nothing here was measured; what was executed stands at the end.")
    if let endlessFinding { document.paragraph(endlessFinding) }
    func group(_ title: String, _ items: [String]) {
      guard !items.isEmpty else { return }
      document.heading(title, level: 3)
      document.list(items)
    }
    try group("What bounds it", phasesWithWork.map(boundFinding) + firstTokenFindings + limitFindings())
    try group(
      rivals.isEmpty ? "Cache" : "Against the baselines",
      (workload.generatedLength > 0 && timed.decode.total.time.isNumber ? rivals.map(decodeFinding) : [])
        + [cacheFinding()].compactMap { $0 })
    if workload.generatedLength > 0, workload.promptLength > 0, timesAreNumbers {
      group("Continuations that share a prefill", [sharingFinding] + rivals.map(continuationsFinding))
    }
    group(
      scenario.objective == nil ? "What to weigh" : "What to choose",
      [objectiveFinding].compactMap { $0 } + spreadFindings + [beatenFinding].compactMap { $0 })
    try group("What the paper prints", paperFindings())
    guard workloads.count > 1 else { return }
    document.heading("\(codeSpan(point.name)) over the grid's workloads", level: 3)
    document.table(try glance())
  }

  /// Says which times of the grid are longer than a number can hold; nil where none is.
  private var endlessFinding: String? {
    let endless = Phase.allCases.filter { !timed[$0].time.isNumber }
    let points = summaries.count { !$0.prefill.time.isNumber || !$0.decode.time.isNumber }
    guard !endless.isEmpty || points > 0 else { return nil }
    let here = endless.isEmpty ? "" : " Here that is \(endless.map(\.rawValue).joined(separator: " and "))."
    return "**Times on `\(profile.name)` leave what a number can hold**, about 10^308 s, at \(number(points)) of the "
      + "\(number(summaries.count)) points of the grid: a rate or an overhead of the profile is no machine's.\(here) They "
      + "stand as ∞, what would be computed from them as –, and neither is drawn, bounded or compared."
  }

  private var parameterText: String { NumberFormat.si(unit: "").text(parameters(of: model).total) }

  // MARK: Bounds

  private func boundFinding(_ phase: Phase) -> String {
    let figure = timed[phase]
    let each = phase == .decode ? " (\(seconds(timePerToken(question))) per token)" : ""
    let margin = figure.margin.isFinite ? " by \(ratio(figure.margin))" : ""
    if figure.bound == .link {
      return "**\(phase.title) is link-bound\(margin):** \(seconds(figure.time))\(each). The link to the host takes "
        + "\(seconds(figure.link)); hidden behind the device's work that makes \(seconds(figure.overlappedTime)), one "
        + "behind the other \(seconds(figure.serialTime))."
    }
    let bounds = BoundStretches(phase, question, roofline)
    func text(_ stretches: [Stretch], _ quantity: String) -> String {
      Reports.describe(stretches, quantity, positive: "compute-bound", negative: "memory-bound")
    }
    var fits = ""
    if let largest = timed.largestBatch, largest > workload.batchSize {
      let figure = phases(question.with(batchSize: largest))[phase].total
      fits = " (\(boundText(figure)) at the largest that fits, \(number(largest)))"
    }
    return "**\(phase.title) is \(figure.bound.rawValue)-bound\(margin):** \(seconds(figure.time))"
      + "\(each) at \(significant(figure.intensity)) FLOP per byte\(certainty(of: phase)). Over the batch it is \(text(bounds.overBatch, "batch"))\(fits); "
      + "over the context,\(whichPrompts) \(text(bounds.overPrompt, "prompt"))."
  }

  /// How sure the bound is, what takes most of the time, and how far it may be off; empty without work.
  private func certainty(of phase: Phase) -> String {
    let range = timed.range(phase)
    guard let probability = range.memoryProbability, let bottleneck = range.bottleneck else { return "" }
    let bound = timed[phase].bound
    let sure = bound == .memory ? probability : 1 - probability
    var text =
      "; the bound holds with a probability of \(wholePercent(sure)), and "
      + "operation by operation \(wholePercent(bottleneck.causeShare)) of the time goes into \(bottleneck.cause.title)"
    if let low = range.low, let high = range.high {
      text += "; nine tenths of such times lie between \(seconds(low)) and \(seconds(high))"
    }
    if !timed.extrapolated.isEmpty {
      text += "; **extrapolated** in \(timed.extrapolated.joined(separator: ", "))"
    }
    return text
  }

  /// Bounds and times at the corners of the grid.
  private func glance() throws -> Table {
    let decodes = workload.generatedLength > 0
    var columns = [
      Column("prompt"), Column("generated"), Column("batch"), Column("prefill_s", "prefill", as: .si(unit: "s")),
      .text("prefill_bound", "bound"),
    ]
    if decodes {
      columns.append(Column("first_token_s", "time to first token", as: .si(unit: "s")))
      columns += [Column("decode_s", "decode per token", as: .si(unit: "s")), .text("decode_bound", "bound")]
      columns += rivals.map { .text("against_\($0.name)", "decode against \(codeSpan($0.name))") }
    }
    var table = Table(columns + [Column("cache", "cache per prompt", as: .binaryBytes), .text("fits")])
    for workload in cornerWorkloads {
      let question = question.about(workload)
      let phases = phases(question)
      func bound(_ phase: Phase) -> Cell {
        let figure = phases[phase].total
        return figure.time == .zero ? .missing : Cell(boundText(figure))
      }
      var row = [
        Cell(workload.promptLength), Cell(workload.generatedLength), Cell(workload.batchSize),
        Cell(phases.prefill.total.time.value), bound(.prefill),
      ]
      if decodes {
        let own = timePerToken(question)
        row += [Cell(phases.timeToFirstToken.value), Cell(own.value), bound(.decode)]
        row += rivals.map { Cell(pace(own, against: timePerToken(question.asked(of: $0.model)))) }
      }
      let memory = try MemoryDemand(question, devices: profile.devices)
      let fits = memory.fits(batchSize: Int128(workload.batchSize), on: profile)
      row += [Cell(memory.bytesPerSequence), fits ? "yes" : "**no**"]
      table.append(row)
    }
    return table
  }

  // MARK: Limits

  /// Amdahl's law on the costliest node of decode, here and at the largest batch that fits.
  private func limitFindings() throws -> [String] {
    let phase = workload.generatedLength > 0 ? Phase.decode : .prefill
    var findings = [try limit(phase, of: question, "What limits further gain in \(phase.rawValue) here")]
    if let largest = timed.largestBatch, largest > workload.batchSize {
      let text = "At the largest batch that fits, \(number(largest)) prompts,"
      findings.append(try limit(phase, of: question.with(batchSize: largest), text))
    }
    return findings.compactMap { $0 }
  }

  /// A node that takes all of the time would have no limit; the gain is cut off at a million.
  private static let largestShare = 0.999999

  private func limit(_ phase: Phase, of question: Question, _ opening: String) throws -> String? {
    let estimate = phases(question)[phase]
    let totals = try price(question).totals[phase]
    guard estimate.total.time > .zero, estimate.total.time.isNumber,
      let costliest = estimate.nodes.max(by: { $0.figure.time < $1.figure.time })
    else { return nil }
    let share = costliest.figure.time.value / estimate.total.time.value
    let traffic = Double(max(1, totals.trafficBits))
    let weights = Double(totals.weightBits) / traffic
    let cache = Double(totals.cacheReadBits + totals.cacheWriteBits) / traffic
    let local = Double(totals.localReadBits) / traffic
    return "**\(opening)\(opening.hasSuffix(",") ? "" : ":")** `\(costliest.node)` takes \(percent(share)) of the time "
      + "(\(costliest.figure.bound.rawValue)-bound), so no change of it alone makes \(phase.rawValue) more than "
      + "\(ratio(1 / (1 - min(share, Self.largestShare)))) faster. Of the traffic, \(percent(weights)) are weights, "
      + "\(percent(cache)) persistent cache, \(percent(local)) local windows and the rest activations."
  }
}
