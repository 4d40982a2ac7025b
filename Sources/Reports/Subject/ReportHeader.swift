import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// What was asked, in one line; everything else of the header stands under the findings.
  func title(_ document: inout MarkdownDocument) {
    let subject = overviewModels.isEmpty ? point.name : "\(number(overviewModels.count)) models"
    document.heading(
      "\(scenario.name): what \(subject) \(overviewModels.isEmpty ? "costs" : "cost"), and why", level: 1)
    let points = "\(number(summaries.count)) \(summaries.count == 1 ? "point" : "points")"
    document.paragraph(
      "\(points) on \(codeSpan(profile.name)) (\(profile.description)), priced with closed forms; made by \(codeSpan(command))."
        + (overviewModels.isEmpty
          ? "" : " The findings begin with all models; \(codeSpan(point.name)) is the one explained in detail."))
  }

  /// How things are counted, and what identifies the scenario.
  func conventions(_ document: inout MarkdownDocument) {
    document.heading("Conventions")
    document.table(identity)
    var conventions = [
      "A multiply–accumulate is 2 FLOP; element-wise work counts every scalar + − × ÷ exp √ max. All counts are exact "
        + "integers for the whole batch; `photon validate` compares each with an executed model.",
      "Traffic is what every dispatched operation reads and writes: weights once per dispatch, activations, cache "
        + "entries and local windows. Decode is everything after the prompt's last token was read, the head included.",
      "Time is a roofline per dispatched operation, the larger of arithmetic and traffic, plus the profile's overheads"
        + (profile.isTypical
          ? ". This profile is a data sheet: shares of its peaks and overheads are those that serving stacks reached on other "
            + "cards (docs/public-anchors.md), so ratios say more than seconds; the floor of a time is at the peaks."
          : "; efficiencies and overheads of this profile are fitted."),
      "The margin of a bound is the larger of compute and memory time over the smaller: 1× is balanced, 10× means that "
        + "the other resource idles nine tenths of the time.",
      "Searches over batches, prompts and continuations look at every doubling and, between two that differ, for the "
        + "exact place; a change and its reversal inside one doubling go unseen.",
      "TPM is throughput over the GiB that one prompt keeps, the paper's definition (arXiv:2512.20687v2 §3).",
      "k, M, G, T are powers of 1000; Ki, Mi, Gi of 1024. A context of 64K is 65 536 tokens.",
    ]
    if !model.levels.isEmpty {
      conventions.append(
        "A prompt that ends inside a chunk runs that chunk's decoders in prefill; a whole number of meta-contexts leaves "
          + "them to the first token. Searches over prompts keep the explained prompt's remainder, in steps of "
          + "\(number(model.metaContextLength)) tokens.")
    }
    document.list(conventions)
  }

  private var identity: Table {
    var table = Table([.text("scenario"), .text("value", codeSpan(scenario.name))])
    table.append([
      "fingerprint", Cell("`\(scenario.fingerprint)`; the same command writes the same bytes up to the measured part"),
    ])
    table.append(["explained in detail", Cell("\(model.described(as: point.name)), \(describe(workload))")])
    table.append([
      "element types",
      Cell(
        "weights \(precision.weightsText), activations \(precision.activations.rawValue), cache "
          + precision.cache.rawValue),
    ])
    if !rivals.isEmpty {
      table.append(["compared with", Cell(rivals.map { codeSpan($0.name) }.joined(separator: ", "))])
    }
    let reserve = profile.engine.map { "of which the engine \(codeSpan($0.name)) has its reserve" }
    let shared = "; \(number(profile.devices)) of them share each model, times and traffic are those of each"
    table.append([
      "machine",
      Cell(
        "\(codeSpan(profile.name)): \(NumberFormat.si(unit: "FLOP/s").text(roofline.product.perSecond)) dense matrix products, "
          + "\(NumberFormat.si(unit: "B/s").text(profile.memoryBandwidth.perSecond)) of memory, "
          + "\(byteText(Int128(profile.memoryBytes))) \(reserve ?? "with \(percent(profile.reserve)) kept in reserve")"
          + (profile.devices == 1 ? "" : shared)),
    ])
    for axis in scenario.grid.axes {
      table.append([Cell(codeSpan(axis.path)), Cell(axis.labels.joined(separator: ", "))])
    }
    return table
  }
}
