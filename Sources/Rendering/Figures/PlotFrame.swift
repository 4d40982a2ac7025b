import Foundation

/// The rectangle in which data are drawn, in pixels that are known before gnuplot runs, so that labels can be placed
/// without overlaps.
struct PlotFrame: Sendable {
  let box: Box
  let x: Axis
  let y: Axis
  let xRange: ClosedRange<Double>
  let yRange: ClosedRange<Double>

  /// Room for the title above, for the axis labels and for a legend on the right.
  /// - Parameter legend: the width of what stands right of the frame.
  init(
    _ size: FigureSize, x: Axis, y: Axis, xRange: ClosedRange<Double>, yRange: ClosedRange<Double>,
    legend: Double = 0, hasSubtitle: Bool = false
  ) {
    self.x = x
    self.y = y
    self.xRange = xRange
    self.yRange = yRange
    let tickWidth = y.ticks(yRange, limit: 8).map { textWidth(y.tickText($0), size: 12) }.max() ?? 0
    box = Box(
      left: 46 + tickWidth.rounded(.up), top: hasSubtitle ? 66 : 48,
      right: Double(size.width) - (legend > 0 ? legend + 28 : 28).rounded(.up), bottom: Double(size.height) - 58)
  }

  /// A frame whose place is given.
  init(box: Box, x: Axis, y: Axis, xRange: ClosedRange<Double>, yRange: ClosedRange<Double>) {
    (self.box, self.x, self.y, self.xRange, self.yRange) = (box, x, y, xRange, yRange)
  }

  func pixel(_ xValue: Double, _ yValue: Double) -> Point {
    Point(
      x: box.left + share(xValue, xRange, x.scale) * box.width,
      y: box.bottom - share(yValue, yRange, y.scale) * box.height)
  }

  /// Margins, ranges, grid, tick marks and axis labels.
  func draw(on script: inout GnuplotScript) {
    drawMargins(on: &script)
    script.add("set xrange [\(xRange.lowerBound):\(xRange.upperBound)]")
    script.add("set yrange [\(yRange.lowerBound):\(yRange.upperBound)]")
    if x.scale != .linear { script.add("set logscale x") }
    if y.scale != .linear { script.add("set logscale y") }
    script.add("set border 3 back linecolor rgb \"\(Colour(0x999999).hex)\"")
    script.add("set grid xtics ytics back linetype 1 linewidth 1 linecolor rgb \"\(Colour.grid.hex)\"")
    let xLimit = max(2, min(9, Int(box.width / 75)))
    drawTicks("x", x, x.ticks(xRange, limit: xLimit), on: &script)
    drawTicks("y", y, y.ticks(yRange, limit: 8), on: &script)
    drawAxisLabels(on: &script)
  }

  /// The frame's place and nothing else, for charts that draw their own cells.
  func drawMargins(on script: inout GnuplotScript) {
    let (width, height) = (Double(script.size.width), Double(script.size.height))
    script.add("set lmargin at screen \(decimal(box.left / width))")
    script.add("set rmargin at screen \(decimal(box.right / width))")
    script.add("set tmargin at screen \(decimal(1 - box.top / height))")
    script.add("set bmargin at screen \(decimal(1 - box.bottom / height))")
  }

  func drawAxisLabels(on script: inout GnuplotScript) {
    script.label(x.label, at: (box.left + box.right) / 2, Double(script.size.height) - 16, .center)
    script.label(y.label, at: 16, (box.top + box.bottom) / 2, .center, rotation: 90)
  }

  private func drawTicks(_ name: String, _ axis: Axis, _ values: [Double], on script: inout GnuplotScript) {
    let ticks = values.map { "\(quotedTick(axis.tickText($0))) \($0)" }
    script.add(
      "set \(name)tics nomirror out scale 0.5 \(name == "x" ? "offset 0,0.4 " : "")font \"sans,12\" textcolor rgb \"\(Colour.faint.hex)\""
        + " (\(ticks.joined(separator: ", ")))")
  }

  /// Where a value lies in a range, from 0 to 1; what lies far outside is drawn a little outside.
  private func share(_ value: Double, _ range: ClosedRange<Double>, _ scale: Axis.Scale) -> Double {
    let share =
      switch scale {
      case .linear: (value - range.lowerBound) / (range.upperBound - range.lowerBound)
      case .log10, .log2: log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
      }
    return share > -4 ? min(share, 5) : -4
  }
}

/// How one entry of a legend is drawn.
enum LegendMark: Hashable, Sendable {
  case line(dash: Int, point: Int?)
  case point(Int)
  case area
  case none
}

/// A legend right of the frame, drawn like the rest in known pixels.
struct Legend: Sendable {
  var title: String?
  var entries: [(name: String, colour: Colour, mark: LegendMark)]

  private static let symbolWidth = 34.0
  private static let lineHeight = 22.0

  var width: Double {
    let names = entries.map { textWidth($0.name, size: 12) + Self.symbolWidth }
    return 18 + (names + [title.map { textWidth($0, size: 12) } ?? 0]).max()!
  }

  /// The pieces that the plot command must draw for symbols that only it can draw.
  func draw(right frame: PlotFrame, on script: inout GnuplotScript) {
    var y = frame.box.top + 10
    let left = frame.box.right + 18
    if let title {
      script.label(title, at: left, y, size: 12, colour: .faint)
      y += Self.lineHeight
    }
    for entry in entries {
      drawMark(entry.mark, entry.colour, Point(x: left, y: y), on: &script)
      // A line without a symbol says more about the entry above it.
      let colour = entry.mark == .none ? Colour.faint : .text
      script.label(entry.name, at: left + Self.symbolWidth, y, size: 12, colour: colour)
      y += Self.lineHeight
    }
  }

  /// Samples of gnuplot's first four dash types.
  private static let dashes: [[(Double, Double)]] = [
    [(0, 26)], [(0, 6), (10, 16), (20, 26)], [(0, 2), (6, 8), (12, 14), (18, 20), (24, 26)],
    [(0, 9), (12, 14), (17, 26)],
  ]

  private func drawMark(_ mark: LegendMark, _ colour: Colour, _ start: Point, on script: inout GnuplotScript) {
    switch mark {
    case .line(let dash, let point):
      // gnuplot's SVG forgets the dashes of an arrow that follows one of the same colour; each dash is drawn here.
      for piece in Self.dashes[(dash - 1) % Self.dashes.count] {
        let (from, to) = (Point(x: start.x + piece.0, y: start.y), Point(x: start.x + piece.1, y: start.y))
        script.line(from: from, to: to, colour: colour, width: 2)
      }
      if let point { drawPoint(point, colour, Point(x: start.x + 13, y: start.y), on: &script) }
    case .point(let point): drawPoint(point, colour, Point(x: start.x + 13, y: start.y), on: &script)
    case .area:
      let box = Box(left: start.x + 4, top: start.y - 7, right: start.x + 22, bottom: start.y + 7)
      script.rectangle(box, fill: colour)
    case .none: break
    }
  }

  private func drawPoint(_ type: Int, _ colour: Colour, _ at: Point, on script: inout GnuplotScript) {
    script.add(
      "set label '' at \(script.screen(at.x, at.y)) front"
        + " point pointtype \(type) pointsize 0.8 linecolor rgb \"\(colour.hex)\"")
  }
}

/// Circle, square, triangle, diamond, then their outlines, then a triangle on its head and a pentagon.
let pointTypes = [7, 5, 9, 13, 6, 4, 8, 12, 11, 15]

extension GnuplotScript {
  /// The title and, smaller, what it is about.
  mutating func title(_ title: String, subtitle: String?) {
    label(title, at: 16, 22, size: 16, isBold: true)
    if let subtitle { label(subtitle, at: 16, 44, size: 12, colour: .faint) }
    add("unset key")
  }
}
