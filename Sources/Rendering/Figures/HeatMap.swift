import Foundation

/// One quantity over two parameters, each cell with its value: cost over C and R.
public struct HeatMap: Figure {
  /// What the figure shows, at its top.
  public var title: String
  /// A second line under the title; none if nil.
  public var subtitle: String?
  /// How large the figure is drawn.
  public var size: FigureSize
  /// Under the columns.
  public var xLabel: String
  /// Beside the rows.
  public var yLabel: String
  /// Names, from left to right.
  public var columns: [String]
  /// Names, from the bottom up.
  public var rows: [String]
  /// `values[row][column]`; row 0 is drawn at the bottom. A missing or non-finite value is a grey cell.
  public var values: [[Double?]]
  /// What the colours show, with its unit.
  public var quantity: String
  /// Of the value in each cell.
  public var format: NumberFormat
  /// Whether equal ratios are equal steps of colour.
  public var isLogarithmic: Bool
  /// Cells that get a frame: the best one.
  public var highlighted: [(row: Int, column: Int)]

  /// - Precondition: `values` has one row per name in `rows`, each with one value per name in `columns`.
  public init(
    _ title: String, subtitle: String? = nil, x xLabel: String, columns: [String], y yLabel: String, rows: [String],
    values: [[Double?]], quantity: String, format: NumberFormat = .significant(3), isLogarithmic: Bool = true,
    highlighted: [(row: Int, column: Int)] = [], size: FigureSize = FigureSize(height: 480)
  ) {
    precondition(
      values.count == rows.count && values.allSatisfy { $0.count == columns.count },
      "a heat map has one value per row and column")
    self.title = title
    self.subtitle = subtitle
    self.xLabel = xLabel
    self.columns = columns
    self.yLabel = yLabel
    self.rows = rows
    self.values = values
    self.quantity = quantity
    self.format = format
    self.isLogarithmic = isLogarithmic
    self.highlighted = highlighted
    self.size = size
  }

  /// Adds the cells and their scale.
  public func draw(on script: inout GnuplotScript) {
    let scale = HeatScale(values.joined(), quantity: quantity, format: format, isLogarithmic: isLogarithmic)
    let grid = CellGrid(size, columns: columns, rows: rows, right: scale.keyWidth, hasSubtitle: subtitle != nil)
    script.title(title, subtitle: subtitle)
    grid.drawNames(xLabel, yLabel, on: &script)

    let texts = values.map { $0.map { value in value.map { $0.isFinite ? format.text($0) : "–" } ?? "–" } }
    grid.draw(values, texts, size: grid.fontSize(for: Array(texts.joined())), scale, on: &script)
    for place in highlighted { grid.outline(place.row, place.column, on: &script) }
    scale.drawKey(right: grid.box, on: &script)
    grid.finish(on: &script)
  }
}

extension CellGrid {
  /// Cells in the colours of their values, grey where there is none.
  func draw(
    _ values: [[Double?]], _ texts: [[String]], size: Int?, _ scale: HeatScale, on script: inout GnuplotScript
  ) {
    for row in rows.indices {
      for column in columns.indices {
        let fill = values[row][column].flatMap(scale.colour) ?? .missing
        draw(row, column, fill: fill, text: texts[row][column], size: size, on: &script)
      }
    }
  }
}

/// The colours of values, and the key that explains them.
struct HeatScale {
  private let axis: Axis
  private let format: NumberFormat
  private let low, high: Double

  init(_ values: some Sequence<Double?>, quantity: String, format: NumberFormat, isLogarithmic: Bool) {
    axis = Axis(quantity, isLogarithmic ? .log10 : .linear)
    self.format = format
    let shown = values.compactMap { $0 }.filter(axis.shows)
    low = shown.min() ?? 1
    high = max(shown.max() ?? 1, low)
  }

  /// Nil for a value that the scale cannot show.
  func colour(_ value: Double) -> Colour? { axis.shows(value) ? Self.colour(share: share(value)) : nil }

  /// Room for the key right of the cells.
  var keyWidth: Double { (keys.map { textWidth(format.text($0), size: 12) }.max() ?? 0) + 84 }

  private func share(_ value: Double) -> Double {
    guard high > low else { return 0.5 }
    return axis.scale == .log10 ? log(value / low) / log(high / low) : (value - low) / (high - low)
  }

  /// Five values evenly spaced on the colour scale.
  private var keys: [Double] {
    guard high > low else { return [low] }
    return (0...4).map { step in
      let share = Double(step) / 4
      return axis.scale == .log10 ? low * pow(high / low, share) : low + (high - low) * share
    }
  }

  func drawKey(right box: Box, on script: inout GnuplotScript) {
    let bar = Box(left: box.right + 24, top: box.top + 4, right: box.right + 42, bottom: box.bottom - 4)
    let steps = 64
    for step in 0..<steps {
      let slice = bar.height / Double(steps)
      let bottom = bar.bottom - Double(step) * slice
      // Half a pixel of overlap hides the seams between slices.
      let part = Box(left: bar.left, top: max(bar.top, bottom - slice - 0.5), right: bar.right, bottom: bottom)
      script.rectangle(part, fill: Self.colour(share: (Double(step) + 0.5) / Double(steps)))
    }
    for value in keys {
      let y = bar.bottom - share(value) * bar.height
      script.label(format.text(value), at: bar.right + 7, y, size: 12, colour: .faint)
    }
    script.label(
      axis.label, at: Double(script.size.width) - 14, (bar.top + bar.bottom) / 2, .center, size: 12, rotation: 90)
  }

  /// Viridis from light (low) to dark (high), sampled at nine places: even in lightness and safe for every colour vision.
  private static let colours: [Colour] = [
    0xFDE725, 0xADDC30, 0x5EC962, 0x28AE80, 0x21918C, 0x2C728E, 0x3B528B, 0x472D7B, 0x440154,
  ].map { Colour($0) }

  private static func colour(share: Double) -> Colour {
    let place = min(max(share, 0), 1) * Double(colours.count - 1)
    let index = min(Int(place), colours.count - 2)
    return colours[index].mixed(with: colours[index + 1], place - Double(index))
  }
}
