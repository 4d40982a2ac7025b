import Architectures
import Foundation
import Hardware
import Rendering
import Scenarios

/// How the figures came about, and every run.
extension QualitySubject {
  func conventionSection(_ document: inout MarkdownDocument) {
    var conventions = [
      "Training FLOP are those of forward and backward pass by closed form, equal to the trace of a step; a variant takes "
        + "the number of steps that comes nearest to the budget of the scenario's own model. Loss and optimiser are not "
        + "counted; decoders whose outputs nothing reads are.",
      "Decode costs are those of the trained models, \(describe(workload)), on \(codeSpan(profile.name))"
        + (profile.isTypical ? ", a data sheet, used as well as serving stacks use other cards." : "."),
      "Cache bytes are keys and values read from persistent caches and from the windows of local decoders.",
      "The first token of a sequence is read and not scored in any family.",
    ]
    let settings = Set(results.map { [$0.run.training.learningRate, $0.run.training.minimumLearningRate] })
    if settings.count == 1, let rates = settings.first {
      conventions.append(
        "Every run has the learning rate \(significant(rates[0])), falling to \(significant(rates[1])); it was not tuned "
          + "for any of them.")
    }
    if main.outcomes.contains(where: { $0.run.model.family.levelCounts.upperBound == 1 }) {
      conventions.append(
        "A Block Transformer is the PHOTON of one level (same operations, same parameters), so that it is trained once."
      )
    }
    document.heading("Conventions")
    document.list(conventions)
  }

  func runSection(_ document: inout MarkdownDocument) {
    document.heading("Every run")
    var table = Table([
      .text("data"), .text("model"), Column("seed"), Column("steps"),
      Column("flops", "training FLOP", as: .si(unit: "")), Column("budget", "of the budget", as: .percent(decimals: 2)),
      Column("bits", "bits per token", as: .fixed(decimals: 4)), Column("time", "trained in", as: .si(unit: "s")),
    ])
    for result in results {
      let budget = Double(plan.budgets[result.run.dataset] ?? 1)
      table.append([
        Cell(result.run.dataset), Cell(result.run.variant.name), Cell(result.run.seed), Cell(result.run.training.steps),
        Cell(Double(result.run.trainingFlops)), Cell(100 * Double(result.run.trainingFlops) / budget),
        Cell(result.bits), Cell(result.trainingSeconds),
      ])
    }
    document.table(table)
    let hours = NumberFormat.fixed(decimals: 1).text(results.reduce(0) { $0 + $1.trainingSeconds } / 3600)
    document.paragraph(
      "\(hours) hours of training, \(number(plan.sweep.jobs)) runs at a time; times are measured, all other figures repeat "
        + "bit by bit on the same processor.")
    guard let example = results.last(where: { $0.run.variant.factor != nil }) ?? results.last else { return }
    document.paragraph("One of them alone, here \(example.run.variant.name) on \(example.run.dataset):")
    let file = shellQuoted(shownPath(plan.scenario.file))
    let settings = example.run.arguments.map { " \\\n  --set \(shellQuoted($0))" }.joined()
    document.code("photon train \(file)\(settings) \\\n  -o runs/one", language: "sh")
  }
}
