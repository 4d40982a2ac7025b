/// How a number is written for a person. Data files get the exact value instead, without any format.
///
/// Nothing here asks the locale: the same number is the same text on every machine.
public enum NumberFormat: Hashable, Sendable {
  /// Every digit of an integer, in groups of three with narrow spaces; a fraction keeps its shortest exact digits.
  case exact
  /// Three significant digits, an SI prefix and the unit: `1.23 TFLOP`.
  case si(unit: String)
  /// Three significant digits, a binary prefix and `B`: `12.8 GiB`. The value is in bytes.
  case binaryBytes
  /// Three significant digits in GiB whatever the size, for columns that are compared downwards. The value is in bytes.
  case gibibytes
  /// A fixed number of digits after the point.
  case fixed(decimals: Int)
  /// `significant` digits without any unit.
  case significant(_ digits: Int)
  /// A fixed number of digits and a per cent sign. The value is in per cent already.
  case percent(decimals: Int)
  /// Three significant digits and a multiplication sign: `12.8×`.
  case ratio

  /// What takes the place of a space inside a number, so that no line breaks there: U+202F, narrow and non-breaking.
  public static let narrowSpace = "\u{202F}"

  /// The integer as a person reads it.
  public func text(_ value: Int128) -> String {
    switch self {
    case .exact: groupedDigits(value)
    default: text(Double(value))
    }
  }

  /// The number as a person reads it; `∞` and `−∞` where it is too large for one, a dash where there is none (NaN).
  public func text(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "−∞" : "∞" }
    let space = Self.narrowSpace
    switch self {
    case .exact:
      if let whole = Int128(exactly: value), value.magnitude < 0x1p53 { return groupedDigits(whole) }
      return value.description.replacingMinus
    case .si(let unit):
      let (digits, prefix) = prefixed(value, base: 1000, prefixes: siPrefixes, smallest: -5)
      let name = prefix + unit
      return name.isEmpty ? digits : digits + space + name
    case .binaryBytes:
      let (digits, prefix) = prefixed(value, base: 1024, prefixes: binaryPrefixes, smallest: 0)
      return digits + space + prefix + "B"
    case .gibibytes: return significantText(value / 0x1p30, digits: 3) + space + "GiB"
    case .fixed(let decimals): return fixedText(value, decimals: decimals)
    case .significant(let digits): return significantText(value, digits: digits)
    case .percent(let decimals): return fixedText(value, decimals: decimals) + space + "%"
    case .ratio: return significantText(value, digits: 3) + "×"
    }
  }
}

private let siPrefixes = ["f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q"]
private let binaryPrefixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"]

/// The digits before the prefix and the prefix. `smallest` is the exponent (of `base`) of the first prefix.
///
/// A value that rounds up to the base itself takes the next prefix: 999.9 k is `1.00 M`, never `1000 k`.
private func prefixed(_ value: Double, base: Double, prefixes: [String], smallest: Int) -> (String, String) {
  guard value != 0 else { return ("0", prefixes[-smallest]) }
  var index = -smallest
  var scaled = value
  while rounded(scaled.magnitude) >= base, index < prefixes.count - 1 {
    scaled /= base
    index += 1
  }
  while rounded(scaled.magnitude) < 1, index > 0 {
    scaled *= base
    index -= 1
  }
  // A count below the base is whole and is written whole: 7 FLOP, not 7.00 FLOP.
  if index == -smallest, scaled == scaled.rounded() { return (fixedText(scaled, decimals: 0), prefixes[index]) }
  return (significantText(scaled, digits: 3), prefixes[index])
}

/// `magnitude` to three significant digits.
private func rounded(_ magnitude: Double) -> Double {
  let scale: Double = magnitude >= 100 ? 1 : magnitude >= 10 ? 10 : magnitude >= 1 ? 100 : 1000
  return (magnitude * scale).rounded(.toNearestOrEven) / scale
}

/// `value` to a number of significant digits, trailing zeros kept; outside 10⁻⁴ … 10¹⁵ in scientific notation.
func significantText(_ value: Double, digits: Int) -> String {
  precondition((1...15).contains(digits), "a number has between 1 and 15 significant digits")
  guard value != 0 else { return "0" }
  if value.magnitude < 1e-4 || value.magnitude >= 1e15 { return scientificText(value, digits: digits) }
  let decimals = max(0, digits - 1 - decimalExponent(value.magnitude))
  // 9.996 has one digit before the point and rounds to 10.0, which has two.
  let carries = (value.magnitude * powerOfTen(decimals)).rounded(.toNearestOrEven) >= powerOfTen(digits)
  return fixedText(value, decimals: carries && decimals > 0 ? decimals - 1 : decimals)
}

/// The exponent of the leading digit, for magnitudes between 10⁻²² and 10²².
private func decimalExponent(_ magnitude: Double) -> Int {
  var exponent = 0
  while magnitude >= powerOfTen(exponent + 1) { exponent += 1 }
  while magnitude * powerOfTen(-exponent) < 1, exponent <= 0 { exponent -= 1 }
  return exponent
}

private func powerOfTen(_ exponent: Int) -> Double {
  var power = 1.0
  for _ in 0..<max(0, exponent) { power *= 10 }
  return power
}

private func scientificText(_ value: Double, digits: Int) -> String {
  var exponent = 0
  var mantissa = value.magnitude
  while mantissa >= 10 {
    mantissa /= 10
    exponent += 1
  }
  while mantissa < 1 {
    mantissa *= 10
    exponent -= 1
  }
  var text = fixedText(mantissa, decimals: digits - 1)
  if text.hasPrefix("10") {
    text = fixedText(1, decimals: digits - 1)
    exponent += 1
  }
  return (value < 0 ? "−" : "") + text + "e" + (exponent < 0 ? "−" : "+") + String(exponent.magnitude)
}

/// `value` with `decimals` digits after the point, groups of three before it; halves round to even.
func fixedText(_ value: Double, decimals: Int) -> String {
  let power = powerOfTen(decimals)
  let scaled = (value.magnitude * power).rounded(.toNearestOrEven)
  guard scaled < 0x1p100 else { return value.description.replacingMinus }
  let (whole, fraction) = Int128(scaled).quotientAndRemainder(dividingBy: Int128(power))
  var text = value < 0 && scaled > 0 ? "−" : ""
  text += groupedDigits(whole)
  if decimals > 0 {
    let digits = String(fraction)
    text += "." + String(repeating: "0", count: decimals - digits.count) + digits
  }
  return text
}

/// All digits in groups of three; four digits stay together, as in running text.
private func groupedDigits(_ value: Int128) -> String {
  let digits = String(value.magnitude)
  var text = value < 0 ? "−" : ""
  for (index, digit) in digits.enumerated() {
    let left = digits.count - index
    if index > 0, left % 3 == 0, digits.count > 4 { text += NumberFormat.narrowSpace }
    text.append(digit)
  }
  return text
}

extension String {
  /// The typographic minus of U+2212 for numbers that a person reads.
  fileprivate var replacingMinus: String { String(map { $0 == "-" ? "−" : $0 }) }
}
