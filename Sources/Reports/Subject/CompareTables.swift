import Formulas
import Rendering

extension PointComparison {
  /// One row per factor: the figure it belongs to, its name, itself, and its share of the ratio's logarithm; beside A and
  /// B whether their own batches fit, and which would.
  public var table: Table {
    var table = Table([
      .text("figure"), .text("factor"), Column("value", "value", as: .significant(4)),
      Column("share_percent", "share of log ratio", as: .percent(decimals: 1)), .text("fits"),
      Column("largest_batch", "largest batch"),
    ])
    func memory(_ use: MemoryUse) -> [Cell] {
      [MemoryFigure.fits, .largestBatch].map { $0.cell(of: use) }
    }
    let none: [Cell] = [.missing, .missing]
    for waterfall in waterfalls {
      table.append([.text(waterfall.figure), "A", Cell(waterfall.first), .missing] + memory(uses.first))
      for step in waterfall.steps {
        table.append(
          [.text(waterfall.figure), .text(step.name), Cell(step.factor), Cell(waterfall.percent(step))] + none)
      }
      table.append(
        [.text(waterfall.figure), "B/A", Cell(waterfall.ratio), Cell(waterfall.ratio == 1 ? nil : 100)] + none)
      table.append([.text(waterfall.figure), "B", Cell(waterfall.second), .missing] + memory(uses.second))
    }
    return table
  }

  /// For a person: one line per figure, and its factors from the strongest to the weakest.
  /// - Parameters:
  ///   - first: A in words.
  ///   - second: B in words.
  ///   - misfits: what is to be said of batches that do not fit.
  public func text(_ first: String, _ second: String, misfits: [String] = []) -> String {
    var lines = ["B over A, where A is \(first)", "              and B is \(second)"]
    if !misfits.isEmpty { lines += [""] + misfits }
    if leavesNumbers {
      lines += ["", "time and throughput leave what a number can hold, about 10^308 s: there is nothing to compare"]
    }
    for waterfall in waterfalls {
      let names = FigureNames.named(waterfall.figure)
      lines += [
        "",
        "\(names.label): \(names.text(waterfall.first)) → \(names.text(waterfall.second)), a factor of "
          + factorText(waterfall.ratio),
      ]
      for step in waterfall.ranked {
        let name = step.name.padding(to: 20)
        let share = waterfall.percent(step).map { NumberFormat.percent(decimals: 1).text($0) } ?? "–"
        lines.append("  \(name)× \(factorText(step.factor).padding(to: 10))\(share)")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// Four digits for a factor, in full below 10⁻⁴.
func factorText(_ value: Double) -> String { NumberFormat.significant(4).text(value) }

extension Waterfall {
  /// The share of a factor in the logarithm of the ratio, in per cent; nil where there is no ratio to share out.
  func percent(_ step: Step) -> Double? { ratio == 1 ? nil : 100 * share(step.factor) }

  /// Steps that change something, the strongest first.
  var ranked: [Step] {
    steps.filter { $0.factor != 1 }.sorted { left, right in
      max(left.factor, 1 / left.factor) > max(right.factor, 1 / right.factor)
    }
  }
}

extension String {
  fileprivate func padding(to length: Int) -> String {
    self + String(repeating: " ", count: max(1, length - count))
  }
}
