import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

extension Family {
  /// One colour per architecture in every figure.
  var colour: Colour {
    switch self {
    case .photon: Colour.series[0]
    case .block: Colour.series[1]
    case .vanilla: Colour.series[2]
    }
  }
}

extension ReportSubject {
  /// Prompts of the curves: 128 to a million, a doubling each.
  private var prompts: [Int] { (7...20).map { 1 << $0 } }

  /// A curve per contender over the prompts.
  private func curves(_ value: (Model, Int) throws -> Double) rethrows -> [LineChart.Series] {
    try contenders.map { contender in
      LineChart.Series(
        contender.name, try prompts.map { (Double($0), try value(contender.model, $0)) },
        colour: contender.model.family.colour)
    }
  }

  /// Cache bytes of one sequence over the context.
  func cacheSection(_ report: inout ReportBuilder) async throws {
    let single = question.with(batchSize: 1)
    func bytes(_ model: Model, _ prompt: Int) throws -> Int128 {
      try price(single.with(promptLength: prompt).asked(of: model)).cache.bytesAtEnd
    }
    var table = Table(
      [Column("prompt_tokens", "prompt")]
        + contenders.map { Column("\($0.name)_bytes", $0.name, as: .binaryBytes) }
        + rivals.map { Column("\($0.name)_ratio", "\($0.name) / \(point.name)", as: .ratio) })
    for prompt in prompts where prompts.firstIndex(of: prompt)! % 2 == 0 || prompt == prompts.last {
      let values = try contenders.map { try bytes($0.model, prompt) }
      table.append(
        [Cell(prompt)] + values.map { Cell($0) }
          + values.dropFirst().map { values[0] > 0 ? Cell(Double($0) / Double(values[0])) : .missing })
    }
    let last = try contenders.map { try bytes($0.model, prompts.last!) }
    let gains = zip(rivals, last.dropFirst()).compactMap { rival, bytes -> String? in
      guard last[0] > 0 else { return nil }
      return "\(rival.name) \(ratio(Double(bytes) / Double(last[0])))"
    }
    let title =
      gains.isEmpty
      ? "A million tokens keep \(byteText(last[0]))"
      : "Cache as a multiple of \(point.name)'s: \(gains.joined(separator: ", "))"
    report.document.heading("Cache against context")
    report.document.paragraph(
      "Persistent key–value bytes of one prompt after \(number(workload.generatedLength)) generated tokens. Local windows "
        + "are left out: they do not grow with the context and hold at most "
        + "\(byteText(try price(single).cache.localPeakBytes)) here.")
    try await report.figure(
      LineChart(
        title, subtitle: "persistent cache of one sequence in \(precision.cache.rawValue)",
        x: Axis("prompt (tokens)", .log2, format: .binary(unit: "")),
        y: Axis("persistent cache (bytes)", .log2, format: .binary(unit: "B")),
        series: try curves { Double(try bytes($0, $1)) }), "cache",
      caption: "Persistent cache of one sequence against its prompt.")
    report.document.table(table)
  }

  /// Decode time per token over the context, with the places where the model overtakes its rivals.
  func latencySection(_ report: inout ReportBuilder) async throws {
    guard workload.generatedLength > 0 else { return }
    let marks = rivals.flatMap { rival in
      decodeLead(over: rival, question).dropFirst().filter {
        (prompts.first!...prompts.last!).contains($0.range.lowerBound)
      }
      .map { stretch in
        let start = stretch.range.lowerBound
        let text = stretch.isPositive ? "faster than \(rival.name)" : "slower than \(rival.name)"
        return (x: Double(start), label: "\(text) from \(number(start))")
      }
    }
    let far = question.with(promptLength: prompts.last!)
    let own = timePerToken(far)
    let paces = rivals.map {
      "\(pace(own, against: timePerToken(far.asked(of: $0.model)))) than \($0.model.family.rawValue)"
    }
    let title =
      paces.isEmpty
      ? "A token takes \(seconds(own)) at a million tokens of context"
      : "Decode at a million tokens: \(paces.joined(separator: ", "))"
    report.document.heading("Decode time against context")
    try await report.figure(
      LineChart(
        title,
        subtitle: "batch \(workload.batchSize) on \(profile.name), \(number(workload.generatedLength)) generated",
        x: Axis("prompt (tokens)", .log2, format: .binary(unit: "")),
        y: Axis("decode time per token (s)", .log10, format: .si(unit: "s")),
        series: curves { timePerToken(question.with(promptLength: $1).asked(of: $0)).value }, marks: marks), "decode",
      caption:
        "Decode time per emitted token of one sequence at batch \(number(workload.batchSize)), whether it fits or not.")
  }
}
