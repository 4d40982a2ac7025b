import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// The levels with their streams, and the parameters component by component.
  func modelSection(_ document: inout MarkdownDocument) {
    document.heading("The model and its levels")
    let reading =
      model.family.hasReadings
      ? ", reading `\(model.decoderInput.rawValue)`, "
        + "generation `\(model.generation.rawValue)`" : ""
    document.paragraph(
      "\(codeSpan(point.name)) is a \(model.family.rawValue) model with a vocabulary of \(number(model.vocabulary))\(reading)."
    )
    document.table(levels)
    document.heading(componentTable == nil ? "Parameters" : "Parameters of \(codeSpan(point.name))", level: 3)
    let inventory = parameters(of: model)
    var table = Table([
      .text("component"), Column("count", "parameters"), Column("share", "share", as: .percent(decimals: 1)),
      .text("used", "used in generation"),
    ])
    for component in inventory.components {
      table.append([
        Cell(component.name), Cell(component.count),
        Cell(100 * Double(component.count) / Double(max(1, inventory.total))), Cell(component.used ? "yes" : "no"),
      ])
    }
    table.append(["**total**", Cell(inventory.total), 100.0, ""])
    document.table(table)
    if inventory.startLatents > 0 {
      document.paragraph(
        "Learned start latents (\(number(Int(inventory.startLatents)))) stand outside the total, as in the published tables."
      )
    }
    if let componentTable {
      document.heading("Parameters of all models", level: 3)
      document.table(componentTable)
    }
  }

  /// Of the stack over the tokens, which a hierarchy does not have.
  private var tokenLayers: Cell {
    switch model.structure {
    case .stack: Cell(model.tokenStack.layers)
    case .hierarchy: .missing
    }
  }

  private var levels: Table {
    var table = Table([
      Column("level"), Column("chunk_length", "C (units)"), Column("condition_length", "R (vectors)"),
      Column("meta_context_length", "tokens per unit"), Column("stream_length", "units at the end"),
      Column("width"), Column("heads"), Column("feed_forward", "feed-forward"),
      Column("encoder_layers", "encoder layers"),
      Column("decoder_layers", "decoder layers"),
    ])
    let context = workload.promptLength + workload.generatedLength
    table.append([
      0, .missing, .missing, 1, Cell(context), Cell(model.layer.width), Cell(model.layer.heads),
      Cell(model.layer.feedForward), .missing, tokenLayers,
    ])
    for level in model.hierarchy {
      table.append([
        Cell(level.number), Cell(level.chunkLength), Cell(level.conditionLength), Cell(level.span),
        Cell(context / level.span), Cell(level.layer.width), Cell(level.layer.heads), Cell(level.layer.feedForward),
        Cell(level.encoderLayers), Cell(level.decoderLayers),
      ])
    }
    return table
  }
}
