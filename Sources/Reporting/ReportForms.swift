import Architectures
import Formulas
import Quantities
import Reports
import Scenarios

extension ReportSubject {
  /// What the papers print beside what is so.
  func publishedSection(_ document: inout MarkdownDocument) throws {
    let forms = try publishedForms(model, workload)
    document.heading("Published forms beside exact counts")
    document.paragraph(
      "One sequence and one layer at \(describe(workload)), in each formula's own unit (vectors, query–key pairs, reads).")
    var table = Table([
      .text("id"), .text("quantity"), .text("unit"), Column("published"), Column("exact"),
      Column("ratio", "published / exact", as: .ratio), .text("note"),
    ])
    for form in forms {
      table.append([
        Cell("`\(form.id)`"), Cell(form.quantity), Cell(form.unit), Cell(form.published), Cell(form.exact),
        Cell(form.ratio), Cell(form.note),
      ])
    }
    document.table(table)
  }

  /// Every exact formula with its numbers, folded away because it is long.
  func formulaSection(_ document: inout MarkdownDocument) throws {
    document.heading("Formulas with numbers put in")
    document.paragraph(
      "Matrix work, weights and cache traffic of every node at \(describe(workload)). Symbols: D_l width, D_q and D_kv "
        + "width of queries and keys, F feed-forward, H heads, V vocabulary, C_l, R_l, B = C_1…C_L, K continuations; "
        + "w_bits, a_bits, c_bits are bits per weight, activation and cache element. "
        + "`photon why` shows one node with the operations behind it.")
    let shown = ["matmul_flops", "weight_bytes", "cache_read_bytes", "cache_write_bytes", "local_read_bytes"]
    for phase in Phase.allCases where cost.totals[phase] != .zero {
      document.paragraph("<details><summary>\(phase == .prefill ? "Prefill" : "Decode")</summary>")
      for node in model.nodes where cost.work(at: node, in: phase) != .zero {
        let explanations = try explain(node, in: phase, model, workload, precision).filter {
          shown.contains($0.quantity) && $0.value > 0
        }
        guard !explanations.isEmpty else { continue }
        document.code(
          "\(node)\n"
            + explanations.map {
              "  \($0.quantity)\n    = \($0.symbolic)\n    = \($0.numbers)\n    = \(NumberFormat.exact.text($0.value))"
            }.joined(separator: "\n"), language: "text")
      }
      document.paragraph("</details>")
    }
  }
}
