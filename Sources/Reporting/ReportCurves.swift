import Architectures
import Formulas
import Hardware
import Quantities
import Reports
import Scenarios

extension ReportSubject {
  /// Prompts of the curves: a doubling each, from one meta-context or 128 tokens to a million.
  private var prompts: [Int] { (7...20).map { 1 << $0 } }

  /// Cache bytes of one sequence over the context.
  func cacheSection(_ report: inout ReportBuilder) async throws {
    let single = workload.with(batchSize: 1)
    var table = Table([Column("prompt_tokens", "prompt (tokens)")] + contenders.flatMap { contender in
      [Column("\(contender.name)_bytes", contender.name, as: .binaryBytes)]
    })
    var series = contenders.map { LineChart.Series($0.name, []) }
    for prompt in prompts {
      let values = try contenders.map {
        try price($0.model, single.with(promptLength: prompt), precision).cache.bytesAtEnd
      }
      for (index, value) in values.enumerated() { series[index].points.append((Double(prompt), Double(value))) }
      if prompts.firstIndex(of: prompt)! % 2 == 1 { table.append([Cell(prompt)] + values.map { Cell($0) }) }
    }
    report.document.heading("Cache against context")
    report.document.paragraph(
      "Persistent key–value bytes of one prompt at the end of \(number(workload.generatedLength)) generated tokens, "
        + "local windows left out (they do not grow with the context).")
    try await report.figure(
      LineChart(
        "Cache of one sequence against context", subtitle: "cache in \(precision.cache.rawValue)",
        x: Axis("prompt (tokens)", .log2, format: .binary(unit: "")),
        y: Axis("persistent cache (bytes)", .log2, format: .binary(unit: "B")), series: series), "cache",
      caption: "Persistent cache of one sequence; both axes double with each step.")
    report.document.table(table)
  }

  /// Decode time per token over the context, with the places where the model overtakes its rivals.
  func latencySection(_ report: inout ReportBuilder) async throws {
    guard workload.generatedLength > 0 else { return }
    let series = contenders.map { contender in
      LineChart.Series(
        contender.name,
        prompts.map { (Double($0), timePerToken(contender.model, workload.with(promptLength: $0)).value) })
    }
    let marks = contenders.dropFirst().compactMap { rival -> (x: Double, label: String)? in
      let from = overtakes(
        in: 1...prompts.last!, { timePerToken(model, workload.with(promptLength: $0)) },
        { timePerToken(rival.model, workload.with(promptLength: $0)) })
      guard let from, from >= prompts.first! else { return nil }
      return (Double(from), "overtakes \(rival.name) at \(number(from))")
    }
    report.document.heading("Decode time against context")
    try await report.figure(
      LineChart(
        "Decode time per token against context", subtitle: "batch \(workload.batchSize) on \(profile.name)",
        x: Axis("prompt (tokens)", .log2, format: .binary(unit: "")),
        y: Axis("time per token (s)", .log10, format: .si(unit: "s")), series: series, marks: marks), "decode",
      caption: "Decode time per emitted token of one sequence at batch \(workload.batchSize), memory limits left out.")
  }
}
