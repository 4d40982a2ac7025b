import Architectures
import Formulas
import Hardware
import Quantities
import Reports
import Scenarios

extension ReportSubject {
  /// What was asked, how things are counted, and how to make this report again.
  func header(_ document: inout MarkdownDocument) {
    document.heading("\(scenario.name): what the model costs", level: 1)
    document.paragraph(
      "Made by `\(command)` from a scenario with the fingerprint `\(scenario.fingerprint)`: "
        + "\(number(summaries.count)) \(summaries.count == 1 ? "point" : "points") on `\(profile.name)` "
        + "(\(profile.description)). The computed part below depends on nothing else: the same command writes the same bytes.")
    document.paragraph(
      "Explained in detail: `\(point.name)`, \(model.hierarchyText), \(describe(workload)), "
        + "weights \(precision.weights.rawValue), activations \(precision.activations.rawValue), "
        + "cache \(precision.cache.rawValue).")
    document.heading("Conventions")
    document.list([
      "A multiply–accumulate is 2 FLOP; element-wise work counts every scalar + − × ÷ exp √ max. All counts are exact "
        + "integers for the whole batch.",
      "Traffic is what every dispatched operation reads and writes: weights once per dispatch, activations, cache "
        + "entries and local windows. Decode is everything after the prompt's last token was read, the head included.",
      "Time is a roofline per dispatched operation, the larger of arithmetic and traffic, plus the profile's overheads"
        + (profile.isIdeal
          ? ". This profile is a data sheet: peaks without efficiencies or overheads, so a time is a lower bound and "
            + "ratios say more than seconds."
          : "; efficiencies and overheads of this profile are fitted."),
      "The margin of a bound is the larger of compute and memory time over the smaller. TPM is throughput over the GiB "
        + "that one sequence keeps (the paper's definition).",
    ])
  }
}
