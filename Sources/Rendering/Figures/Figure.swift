import Quantities

/// A figure that gnuplot draws: the title inside it, its size, and its commands.
public protocol Figure: Sendable {
  /// What the figure shows, as a sentence or a noun.
  var title: String { get }
  /// How large it is drawn.
  var size: FigureSize { get }
  /// Adds the commands that draw the figure, without its terminal.
  func draw(on script: inout GnuplotScript)
}

/// - Unit: pixel
public struct FigureSize: Hashable, Sendable {
  /// - Unit: pixel
  public var width: Int
  /// - Unit: pixel
  public var height: Int

  /// Wide enough for a page.
  public init(width: Int = 900, height: Int = 520) {
    self.width = width
    self.height = height
  }
}

/// Red, green and blue as displays take them.
public struct Colour: Hashable, Sendable {
  /// From 0 to 255.
  public let red, green, blue: Double

  /// - Parameter hex: 0xRRGGBB.
  public init(_ hex: UInt32) {
    red = Double(hex >> 16 & 0xFF)
    green = Double(hex >> 8 & 0xFF)
    blue = Double(hex & 0xFF)
  }

  private init(_ red: Double, _ green: Double, _ blue: Double) {
    (self.red, self.green, self.blue) = (red, green, blue)
  }

  /// Okabe and Ito's palette without its yellow, which is too pale for lines: told apart with every colour vision. For
  /// figures of more than seven curves a purple, a brown and an olive follow; markers tell them apart too.
  public static let series: [Colour] = [
    0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0x56B4E9, 0xE69F00, 0x444444, 0x6A3D9A, 0x8C3B1A, 0x9A9A00,
  ].map { Colour($0) }

  /// The same for areas, where yellow can be seen too, neighbours set apart.
  public static let areas: [Colour] = [
    0x0072B2, 0xE69F00, 0x009E73, 0xCC79A7, 0x56B4E9, 0xD55E00, 0xF0E442, 0x999999, 0x444444,
  ].map { Colour($0) }

  /// Of text.
  public static let text = Colour(0x222222)
  /// Of text that says less.
  public static let faint = Colour(0x6B6B6B)
  /// Of lines behind the data.
  public static let grid = Colour(0xE4E4E4)
  /// Of the background.
  public static let white = Colour(0xFFFFFF)
  /// Of the line where a map's regimes meet.
  public static let boundary = Colour(0xA3140B)
  /// Of a cell without a value.
  public static let missing = Colour(0xEDEDED)

  /// This colour mixed with white: 0 is white, 1 is the colour.
  public func tint(_ share: Double) -> Colour { Colour.white.mixed(with: self, share) }

  func mixed(with other: Colour, _ share: Double) -> Colour {
    Colour(
      red + (other.red - red) * share, green + (other.green - green) * share, blue + (other.blue - blue) * share)
  }

  var rgb: UInt32 { UInt32(red.rounded()) << 16 | UInt32(green.rounded()) << 8 | UInt32(blue.rounded()) }

  var hex: String {
    let digits = String(rgb, radix: 16)
    return "#" + String(repeating: "0", count: 6 - digits.count) + digits
  }

  /// Dark or white, whichever is easier to read on this colour (Rec. 709 luma of the display values).
  var readableText: Colour {
    0.2126 * red + 0.7152 * green + 0.0722 * blue > 140 ? .text : .white
  }
}

/// The commands of one figure. Coordinates named `screen` are pixels from the upper left corner.
public struct GnuplotScript: Sendable {
  let size: FigureSize
  private(set) var text = ""
  private var blockCount = 0

  init(_ size: FigureSize) { self.size = size }

  mutating func add(_ command: String) { text += command + "\n" }

  /// A named data block; rows are numbers or quoted words. Returns its name.
  mutating func block(_ rows: [String]) -> String {
    blockCount += 1
    let name = "$data\(blockCount)"
    add("\(name) << END_OF_DATA\n" + rows.map { $0 + "\n" }.joined() + "END_OF_DATA")
    return name
  }

  mutating func plot(_ parts: [String]) { add("plot " + parts.joined(separator: ", \\\n  ")) }

  func screen(_ x: Double, _ y: Double) -> String {
    "screen \(decimal(x / Double(size.width))),\(decimal(1 - y / Double(size.height)))"
  }

  /// Text at pixels from the upper left corner.
  mutating func label(
    _ text: String, at x: Double, _ y: Double, _ alignment: TextAlignment = .left, size: Int = 13,
    colour: Colour = .text, isBold: Bool = false, rotation: Double = 0
  ) {
    let font = isBold ? "sans:Bold,\(size)" : "sans,\(size)"
    add(
      "set label \(quoted(text)) at \(screen(x, y)) \(alignment.rawValue) font \"\(font)\""
        + " textcolor rgb \"\(colour.hex)\"" + (rotation == 0 ? "" : " rotate by \(decimal(rotation))") + " front")
  }

  mutating func line(from: Point, to: Point, colour: Colour = .faint, width: Double = 1) {
    add(
      "set arrow from \(screen(from.x, from.y)) to \(screen(to.x, to.y)) nohead front"
        + " linecolor rgb \"\(colour.hex)\" linewidth \(decimal(width))")
  }

  mutating func rectangle(_ box: Box, fill: Colour, border: Colour? = nil, isInFront: Bool = true) {
    let edge = border.map { "border linecolor rgb \"\($0.hex)\"" } ?? "noborder"
    add(
      "set object rectangle from \(screen(box.left, box.top)) to \(screen(box.right, box.bottom))"
        + " \(isInFront ? "front" : "behind") fillcolor rgb \"\(fill.hex)\" fillstyle solid 1 \(edge)")
  }

}

enum TextAlignment: String, Sendable {
  case left, right, center
}

/// - Unit: pixel, from the upper left corner
struct Point: Hashable, Sendable {
  var x: Double
  var y: Double
}

/// - Unit: pixel, from the upper left corner
struct Box: Hashable, Sendable {
  var left, top, right, bottom: Double

  var width: Double { right - left }
  var height: Double { bottom - top }

  func intersects(_ other: Box) -> Bool {
    left < other.right && other.left < right && top < other.bottom && other.top < bottom
  }

  func contains(_ other: Box) -> Bool {
    left <= other.left && other.right <= right && top <= other.top && other.bottom <= bottom
  }
}

/// The width that a sans-serif text takes, near enough to leave room for it.
/// - Unit: pixel
func textWidth(_ text: String, size: Int = 13) -> Double {
  text.reduce(0) { width, character in
    let share: Double =
      switch character {
      case "i", "j", "l", "I", ".", ",", ":", ";", "|", "'", " ", "\u{202F}": 0.36
      case "f", "t", "r", "(", ")", "-": 0.44
      case "m", "w", "M", "W", "%", "±", "×": 0.92
      case let other where other.isUppercase: 0.72
      default: 0.625
      }
    return width + share * Double(size)
  }
}

/// A gnuplot string without escapes inside: single quotes, doubled where the text has one. What is not seen is named: a line
/// break would end the command, and XML has no place for controls.
func quoted(_ text: String) -> String { "'" + visible(text).replacing("'", with: "''") + "'" }

/// The text of a tick mark, which gnuplot takes for a number format.
func quotedTick(_ text: String) -> String { quoted(text.replacing("%", with: "%%")) }

/// The shortest form of a coordinate: six decimals at most, because the last bits of a double move no pixel.
func decimal(_ value: Double) -> String {
  let rounded = (value * 1e6).rounded() / 1e6
  return rounded == rounded.rounded() && rounded.magnitude < 1e15 ? String(Int(rounded)) : "\(rounded)"
}
