import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// Every exact formula with its numbers, folded away because it is long.
  func formulaSection(_ document: inout MarkdownDocument) throws {
    document.heading("Formulas with numbers put in")
    document.paragraph(
      "Each node's formula, the same with the numbers of \(describe(workload)), and its value for the whole batch. D_l "
        + "is the width of level l, D_q and D_kv the widths of queries and keys, E_1 that of the encoder's embedding "
        + "rows, F the feed-forward width, H heads, V vocabulary, P prompt, G generated, K continuations, C_{≤l} the "
        + "tokens under a unit of level l, u_l the open units; w_bits, a_bits and c_bits are bits per weight, activation "
        + "and cache element. `photon why \(file) NODE` shows one node with the operations behind it.")
    let shown = ["matmul_flops", "weight_bytes", "cache_read_bytes", "cache_write_bytes", "local_read_bytes"]
    for phase in Phase.allCases where cost.totals[phase] != .zero {
      let nodes = try model.nodes.compactMap { node -> String? in
        let explanations = try explain(node, in: phase, question).filter {
          shown.contains($0.quantity) && $0.value > 0
        }
        guard !explanations.isEmpty else { return nil }
        return "\(node)\n"
          + explanations.map {
            "  \($0.quantity) = \($0.symbolic)\n    = \($0.numbers)\n    = \(NumberFormat.exact.text($0.value))"
          }.joined(separator: "\n")
      }
      let total = NumberFormat.si(unit: "FLOP").text(cost.totals[phase].matmulFlops)
      document.details(
        "\(phase.title): \(number(nodes.count)) nodes, \(total) of matrix work", code: nodes.joined(separator: "\n\n"),
        language: "text")
    }
  }

  /// What the papers print beside what is so.
  func publishedSection(_ document: inout MarkdownDocument) throws {
    let forms = try publishedForms(question)
    document.heading("Published forms beside exact counts")
    document.paragraph(
      "The papers' formulas at \(describe(workload)), for one sequence and one layer and in each formula's own unit: "
        + "vectors held, query–key pairs, or reads of vectors. A ratio of 1× is exact.")
    var table = Table([
      .text("id"), .text("quantity"), .text("unit"), Column("published"), Column("exact"),
      Column("ratio", "published / exact", as: .ratio), .text("note"),
    ])
    for form in forms {
      table.append([
        Cell("`\(form.id.rawValue)`"), Cell(form.quantity), Cell(form.unit), Cell(form.published), Cell(form.exact),
        Cell(form.ratio), Cell(form.note),
      ])
    }
    document.table(table)
    document.paragraph(
      "`v1` is the first version of arXiv:2512.20687 (§6), `v2` the second (§4).")
  }
}
