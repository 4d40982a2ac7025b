import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// What halving and doubling each chunk and condition length does, one change at a time.
  func changeSection(_ document: inout MarkdownDocument) throws {
    guard !variants.isEmpty else { return }
    document.heading("What another chunk or condition length would change")
    document.paragraph(
      "\(codeSpan(point.name)) with one length halved or doubled and everything else as it is, at \(describe(workload)). A "
        + "shorter chunk or a longer condition is what quality asks for; the table says what it costs.")
    var table = Table([
      .text("change"), .text("prefill"), .text("decode", "decode per token"), .text("cache", "cache per prompt"),
      .text("parameters"), .text("largest", "largest batch"), .text("throughput", "throughput there"),
    ])
    let own = try TimedPoint(question, on: profile)
    for (name, variant) in [("**as it is**", model)] + variants {
      let timed = try TimedPoint(question.asked(of: variant), on: profile)
      let isOwn = variant == model
      func cell(_ old: Double?, _ new: Double?, _ format: NumberFormat) -> Cell {
        guard let old, let new else { return .missing }
        return Cell(isOwn ? format.text(new) : "\(format.text(new)) (\(change(from: old, to: new)))")
      }
      table.append([
        Cell(name), cell(own.prefill.total.time.value, timed.prefill.total.time.value, .si(unit: "s")),
        cell(own.figures.timePerOutputToken?.value, timed.figures.timePerOutputToken?.value, .si(unit: "s")),
        cell(Double(own.memory.bytesPerSequence), Double(timed.memory.bytesPerSequence), .binaryBytes),
        cell(Double(parameters(of: model).total), Double(parameters(of: variant).total), .si(unit: "")),
        cell(own.largestBatch.map(Double.init), timed.largestBatch.map(Double.init), .exact),
        cell(own.atLargestBatch?.throughput.perSecond, timed.atLargestBatch?.throughput.perSecond, .si(unit: "tok/s")),
      ])
    }
    document.table(table)
  }

  /// Valid models that differ from the explained one in one length.
  private var variants: [(name: String, model: Model)] {
    model.levels.indices.flatMap { index in
      let lengths: [(letter: String, path: WritableKeyPath<LevelShape, Int>)] = [
        ("C", \.chunkLength), ("R", \.conditionLength),
      ]
      return lengths.flatMap { length in
        let old = model.levels[index][keyPath: length.path]
        return [old / 2, old * 2].filter { $0 > 0 && $0 != old }.compactMap { new -> (String, Model)? in
          var variant = model
          variant.levels[index][keyPath: length.path] = new
          guard variant.problems.isEmpty else { return nil }
          return ("\(length.letter)_\(index): \(old) → \(new)", variant)
        }
      }
    }
  }
}
