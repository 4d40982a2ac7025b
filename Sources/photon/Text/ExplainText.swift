import Architectures
import Formulas
import Quantities
import Rendering
import Reports
import Scenarios

/// The tables of `photon explain`.
extension ExplainedPoint {
  /// - Parameter width: characters of a line; nil for as many as it takes.
  func text(width: Int?) -> String {
    let tables = [
      levelTable, parameterTable, costTable, cacheTable, hostCacheTable, publishedTable, hardwareTable, linkTable,
      memoryTable, hostTable, rangeTable, tokenCostTable,
    ].filter { !$0.rows.isEmpty }
    return heading.wrapped(to: width) + "\n\n" + misfits.wrapped(to: width) + (misfits.isEmpty ? "" : "\n")
      + tables.map { $0.terminalText(width: width) }.joined(separator: "\n")
  }

  private var heading: String {
    let (model, workload, precision) = (point.model, point.workload, point.precision)
    var reading = ""
    if model.family.hasReadings {
      reading = ", decoder input \(model.decoderInput.rawValue), \(model.generation.rawValue) generation"
    }
    let plan = ModelText.caches(of: model).map { "\n" + $0 } ?? ""
    let changes = conventions.changes
    let note = changes.isEmpty ? "" : "\ncounted with \(changes.joined(separator: ", ")); times follow the exact counts"
    return """
      \(visible(point.name)): \(model.family.rawValue)\(reading)\(plan)
      prompt \(workload.promptLength), generated \(workload.generatedLength), batch \(workload.batchSize), \
      continuations \(workload.continuations); weights \(precision.weightsText), \
      activations \(precision.activations.rawValue), cache \(precision.cache.rawValue)\(note)
      """
  }

  private var levelTable: Table {
    var table = Table(
      title: "Levels",
      [
        Column("level"), Column("chunk_length", "C"), Column("condition_length", "R"),
        Column("meta_context_length", "tokens per unit"), Column("stream_length", "units"), Column("width"),
        Column("encoder_layers", "encoder layers"), Column("decoder_layers", "decoder layers"),
      ])
    for level in point.model.hierarchy {
      table.append([
        Cell(level.number), Cell(level.chunkLength), Cell(level.conditionLength), Cell(level.span),
        Cell(streamLength(level)),
        Cell(level.layer.width), Cell(level.encoderLayers), Cell(level.decoderLayers),
      ])
    }
    return table
  }

  private var parameterTable: Table {
    var table = Table(
      title: "Parameters", [.text("name"), Column("count"), .text("used")])
    for component in parameters.components {
      table.append([.text(component.name), .integer(component.count), .flag(component.used)])
    }
    table.append([.text("total"), .integer(parameters.total), .missing])
    table.append([.text("start latents, not in the total"), .integer(parameters.startLatents), .missing])
    return table
  }

  /// The CSV form: the table of work, and beside each row what holds for the point on its machines.
  var dataTable: Table {
    let figures: [MemoryFigure] = [.fits, .largestBatch]
    let machines = priced.flatMap { priced in
      figures.map { figure in
        let column = PointFigure.memory(figure).explained { (priced: PricedPoint) in priced.value(of: .memory(figure)) }
        let own = self.priced.count > 1 ? "_\(priced.timed.profile)" : ""
        return (column: Column(PointFigure.memory(figure).names.column! + own), cell: column.cell(priced))
      }
    }
    let work = costTable
    var table = Table(work.columns + machines.map(\.column))
    for row in work.rows { table.append(row + machines.map(\.cell)) }
    return table
  }

  /// One row per phase and node with work, and one with the total of each phase.
  var costTable: Table {
    var table = Table(
      title: "Work and traffic of the whole batch",
      [.text("phase"), Column("level"), .text("side"), .text("component")]
        + WorkFigure.allCases.map(\.terminalColumn) + (usesHost ? [Column("link_bytes", "link", as: .binaryBytes)] : [])
    )
    func figures(_ work: Work<Int128>) -> [Cell] {
      work.figures.map { .integer($0.value) } + (usesHost ? [.integer(bytes(work.hostBits))] : [])
    }
    for phase in Phase.allCases {
      for node in cost[phase] where node.work != .zero {
        let place: [Cell] = [
          .text(phase.rawValue), Cell(node.node.level), .text(node.node.side.rawValue),
          .text(node.node.component.rawValue),
        ]
        table.append(place + figures(node.work))
      }
      let place: [Cell] = [.text(phase.rawValue), .missing, .missing, .text("total")]
      table.append(place + figures(cost.totals[phase]))
    }
    return table
  }

  private var cacheTable: Table {
    var table = Table(
      title: "Key–value caches of the whole batch",
      [.text("state"), Column("bytes", "exact bytes"), Column("size", as: .binaryBytes)])
    for figure in CacheFigure.allCases {
      let bytes = Cell(figure.value(of: cost.cache))
      table.append([.text(figure.terminalHeading), bytes, bytes])
    }
    return table
  }

  private var usesHost: Bool { point.model.usesHost }

  /// What lies in the memory of the host and crosses the link; without rows where nothing does.
  private var hostCacheTable: Table {
    var table = Table(
      title: "Key–value entries in the memory of the host, and what crosses the link to it",
      [.text("what"), Column("bytes", "exact bytes"), Column("size", as: .binaryBytes)])
    for figure in HostFigure.allCases where usesHost {
      let bytes = Cell.integer(figure.value(of: cost.totals))
      table.append([.text(figure.terminalHeading), bytes, bytes])
    }
    return table
  }

  private var publishedTable: Table {
    var table = Table(
      title: "Published forms, one sequence and one layer",
      [
        .text("id"), .text("quantity"), .text("unit"), Column("published"), Column("exact"),
        Column("ratio", as: .ratio), .text("note"),
      ])
    table.essential = ["id", "published", "exact", "ratio"]
    for form in published {
      table.append([
        .text(form.id.rawValue), .text(form.quantity), .text(form.unit), .integer(form.published), .integer(form.exact),
        Cell(form.ratio), .text(form.note),
      ])
    }
    return table
  }
}
