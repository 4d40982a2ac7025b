import Foundation
import Testing

@testable import Rendering

/// One of each kind, with texts that could break a script and values that no axis can show.
private let figures: [any Figure] = [
  LineChart(
    "It's 100 % \"quoted\" \\ <&> {^_}", subtitle: "second 'line'",
    x: Axis("x (tokens)", .log2, format: .binary(unit: "")),
    y: Axis("y (%)", .log10, format: .si(unit: "%")),
    series: [.init("a", [(1, 10), (2, 20), (4, .nan), (8, -1)]), .init("b", [(1, 5), (8, 50)], isDashed: true)],
    marks: [(x: 3, label: "here"), (x: 3.1, label: "and here"), (x: 1e9, label: "out of range")]),
  LineChart("empty", x: Axis("x", .log10), y: Axis("y"), series: []),
  RooflineChart(
    "roofline", roofs: [.init("machine", bandwidth: 1e12, peak: 1e14)],
    operations: [
      .init("one", group: "prefill", intensity: 10, rate: 1e13),
      .init("two", group: "decode", intensity: 10, rate: 1e13),
      .init("none", group: "decode", intensity: 0, rate: 0),
    ]),
  HeatMap(
    "heat", x: "C", columns: ["2", "4"], y: "R", rows: ["1", "2"], values: [[1, 2], [nil, .infinity]],
    quantity: "time (s)", highlighted: [(row: 0, column: 0)]),
  RegimeMap(
    "regimes", x: "context", xValues: [1024, 2048], y: "batch", yValues: [1, 2, 4],
    cells: [[.init(1, "2×"), .init(1, "3×")], [.init(0), .init(1)], [.init(0), .init(2)]],
    boundary: [(x: 1024, y: 1.5), (x: 2048, y: 3), (x: 9999, y: 3)]),
  RegimeMap(
    "measured regimes", x: "context", xValues: [1024, 2048], y: "batch", yValues: [1],
    cells: [[.init(1, "M"), .init(0, "m", isFramed: true)]], notes: ["frame: differ"]),
  HeatMapPair(
    "pair", subtitle: "both", x: "C_1", columns: ["2", "4"], y: "C_2", rows: ["2"],
    left: .init("measured", values: [[1, nil]], texts: [["1 s", "–"]], highlighted: [(row: 0, column: 0)]),
    right: .init("predicted", values: [[2, nil]], texts: [["2 s\n+100 %", "–"]]), quantity: "time",
    format: .si(unit: "s")),
  BarChart(
    "bars", axis: Axis("work (FLOP)", format: .si(unit: "FLOP")), categories: ["a", "b"], series: ["s", "t"],
    values: [[1, 2], [nil, 3]]),
  BarChart(
    "grouped", axis: Axis("time (s)", .log10), categories: ["a", "b"], series: ["s", "t"],
    values: [[1, 0], [nil, 300]], arrangement: .grouped),
  ParetoChart(
    "front", x: Axis("cache (byte)", .log10, format: .si(unit: "B")), y: Axis("bits per byte"),
    entries: [
      .init("it's <a>", group: "one", x: 10, y: 2, error: 0.1), .init("b", group: "two", x: 100, y: 1),
      .init("beaten", group: "two", x: 200, y: 1.5), .init("no cache", group: "two", x: 0, y: 3),
    ]),
  ParetoChart("empty front", x: Axis("x", .log10), y: Axis("y"), entries: []),
  AgreementChart("agreement", quantity: "time", unit: "s", groups: [.init("decode", [(1, 1.1), (10, 9), (0, 1)])]),
]

@Test(arguments: figures.indices)
func `a figure is the same bytes on two runs`(index: Int) async throws {
  for format in FigureFormat.allCases {
    let first = try await Gnuplot().render(figures[index], as: format)
    #expect(first.count > 1000)
    #expect(try await Gnuplot().render(figures[index], as: format) == first)
  }
}

@Test(arguments: figures.indices)
func `an SVG is well-formed and names neither the program's version nor a font of one machine`(index: Int) async throws
{
  let figure = figures[index]
  let svg = try await String(decoding: Gnuplot().render(figure), as: UTF8.self)
  #expect(!svg.contains("GNUPLOT"))
  #expect(!svg.contains("font-family=\"sans"))
  #expect(
    svg.contains(
      "<title>\(figure.title.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;"))</title>"
    ))
  #expect(svg.contains("width=\"\(figure.size.width)\" height=\"\(figure.size.height)\""))
  #expect(svg.hasSuffix("</svg>\n\n") || svg.hasSuffix("</svg>\n"))
}

@Test func `texts reach the figure as they are`() async throws {
  let svg = try await String(decoding: Gnuplot().render(figures[0]), as: UTF8.self)
  for text in ["It's 100 % &quot;quoted&quot; \\ &lt;&amp;&gt; {^_}", "second 'line'", "10\u{202F}%"] {
    let unescaped = text.replacing("&quot;", with: "\"")
    #expect(svg.contains(text) || svg.contains(unescaped), "\(text)")
  }
}

@Test func `without gnuplot the error names the package`() async {
  let failure = await #expect(throws: FigureFailure.self) {
    try await Gnuplot(executable: "gnuplot-that-is-not-there").render(figures[1])
  }
  #expect(
    failure?.description
      == "figures need gnuplot, which is not installed: install the package gnuplot-nox (Debian, Ubuntu) "
      + "or gnuplot (Fedora, Arch, Homebrew)")
}

@Test func `a command that gnuplot refuses is an error with its message`() async {
  struct Broken: Figure {
    let title = "broken"
    let size = FigureSize()
    func draw(on script: inout GnuplotScript) { script.add("plot no_such_function(x)") }
  }
  let failure = await #expect(throws: FigureFailure.self) { try await Gnuplot().render(Broken()) }
  #expect(failure?.description.hasPrefix("gnuplot could not draw \"broken\": ") == true)
  #expect(failure?.description.contains("undefined function: no_such_function") == true)
}

@Test func `a figure for a folder that is not there says so`() async {
  let failure = await #expect(throws: FigureFailure.self) { try await Gnuplot().write(figures[1], to: "/none/a.svg") }
  #expect(failure?.description == "cannot write /none/a.svg: the folder does not exist")
}

@Test func `ticks are round values inside the range, in order, and no more than asked for`() {
  let ranges: [ClosedRange<Double>] = [1...10, 0.3...0.7, 1e-6...1e9, 1000...1_000_000, 3...4, 2048...1_048_576]
  for range in ranges {
    for scale in [Axis.Scale.linear, .log10, .log2] {
      for limit in 3...9 {
        let ticks = Axis("x", scale).ticks(range, limit: limit)
        #expect(ticks.count <= limit + 1)
        #expect(ticks == ticks.sorted())
        // A tick that is off by less than a pixel is on the edge.
        let air = (range.upperBound - range.lowerBound) * 1e-6
        #expect(ticks.allSatisfy { $0 >= range.lowerBound - air && $0 <= range.upperBound + air })
      }
    }
  }
  #expect(Axis("x").ticks(0...10, limit: 5) == [0, 2, 4, 6, 8, 10])
  #expect(Axis("x", .log10).ticks(1...100, limit: 8) == [1, 10, 100])
  #expect(Axis("x", .log10).ticks(1.5...60, limit: 8) == [2, 5, 10, 20, 50])
  #expect(Axis("x", .log2).ticks(2048...16384, limit: 8) == [2048, 4096, 8192, 16384])
}

@Test(arguments: [
  (2048.0, "2K"), (1_048_576, "1M"), (1, "1"), (1536, "1.5K"), (0.25, "0.25"),
])
func `context lengths are written in powers of 1024`(value: Double, text: String) {
  #expect(Axis("x", .log2, format: .binary(unit: "")).tickText(value) == text)
}

@Test func `labels that fit beside each other do not overlap, and all stay inside`() {
  let bounds = Box(left: 0, top: 0, right: 600, bottom: 400)
  var placement = LabelPlacement(bounds: bounds, fontSize: 11)
  let line = [Point(x: 0, y: 400), Point(x: 600, y: 0)]
  placement.avoid(line: line)
  let labels = (0..<16).map { ("operation \($0)", Point(x: 300 + Double($0 % 4) * 3, y: 200 + Double($0 / 4) * 3)) }
  let placed = placement.place(labels)
  for (index, label) in placed.enumerated() {
    #expect(bounds.contains(label.box))
    for other in placed[..<index] { #expect(!label.box.intersects(other.box), "\(label.text) and \(other.text)") }
  }
}

@Test func `a cell with two lines has two labels, one below the other, and a framed one four lines`() throws {
  func script(_ figure: some Figure) -> String {
    var script = GnuplotScript(figure.size)
    figure.draw(on: &script)
    return script.text
  }
  func panel(_ texts: [[String]]) -> HeatMapPair.Panel {
    .init("p", values: [[1, 1], [1, 1]], texts: texts, highlighted: [(row: 0, column: 1)])
  }
  let pair = HeatMapPair(
    "pair", subtitle: "s", x: "x", columns: ["a", "b"], y: "y", rows: ["c", "d"],
    left: panel([["q", "q"], ["q", "q"]]), right: panel([["up\ndown", "q"], ["q", "q"]]), quantity: "v",
    format: .exact)
  let text = script(pair)
  let heights = try ["'up'", "'down'"].map { word in
    let line = try #require(text.split(separator: "\n").first { $0.contains("set label \(word) at") })
    let place = try #require(line.split(separator: " ").first { $0.contains(",0.") })
    return try #require(Double(place.split(separator: ",")[1]))
  }
  // Screen coordinates grow upwards.
  #expect(heights[0] > heights[1])
  // Both panels have one frame of four lines in the frame's colour.
  #expect(text.split(separator: "\n").count { $0.contains("nohead") && $0.contains("#d55e00") } == 8)
}
