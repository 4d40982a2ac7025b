import Foundation

/// One axis: what it shows with its unit, how it is divided, and how its numbers are written.
public struct Axis: Hashable, Sendable {
  /// How distances on the axis follow from values.
  public enum Scale: Hashable, Sendable { case linear, log10, log2 }

  /// How the numbers along the axis are written.
  public enum TickFormat: Hashable, Sendable {
    /// Three significant digits.
    case plain
    /// `20 M`, `20 MB`.
    case si(unit: String)
    /// `64K` without a unit, as context lengths are quoted; `64 KiB` with one.
    case binary(unit: String)
  }

  /// What is shown, with its unit.
  public var label: String
  /// How it is divided.
  public var scale: Scale
  /// How its numbers are written.
  public var format: TickFormat
  /// Made to fit the data if nil.
  public var range: ClosedRange<Double>?

  /// Linear, plain and fitted to the data unless told otherwise.
  public init(
    _ label: String, _ scale: Scale = .linear, format: TickFormat = .plain, range: ClosedRange<Double>? = nil
  ) {
    self.label = label
    self.scale = scale
    self.format = format
    self.range = range
  }

  func tickText(_ value: Double) -> String {
    switch format {
    case .plain: trimmed(NumberFormat.significant(3).text(value))
    case .si(let unit): trimmed(NumberFormat.si(unit: unit).text(value))
    case .binary(let unit): binaryText(value, unit: unit)
    }
  }

  /// The largest magnitude that is drawn, and on a logarithmic axis one over the smallest: with some air around them,
  /// their ratios and differences are numbers still.
  private static let largest = 1e100

  /// Whether the axis can show the value at all.
  func shows(_ value: Double) -> Bool {
    scale == .linear ? value.magnitude <= Self.largest : (1 / Self.largest...Self.largest).contains(value)
  }

  /// The given range, or one that leaves a little air around the data; linear axes of counts begin at zero.
  func fittedRange(_ values: some Sequence<Double>) -> ClosedRange<Double> {
    if let range { return range }
    let shown = values.filter(shows)
    guard let low = shown.min(), let high = shown.max() else { return scale == .linear ? 0...1 : 1...10 }
    switch scale {
    case .linear:
      let start = low >= 0 && low < high / 2 ? 0 : low
      let span = high > start ? high - start : max(high.magnitude, 1)
      return (start == 0 ? 0 : start - span * 0.05)...(start + span * 1.06)
    case .log10, .log2:
      let pad = pow(max(high / low, 4), 0.04)
      return (low / pad)...(high * pad)
    }
  }

  /// At most `limit` round values inside the range.
  func ticks(_ range: ClosedRange<Double>, limit: Int) -> [Double] {
    switch scale {
    case .linear: linearTicks(range, limit: limit)
    case .log10: decadeTicks(range, limit: limit)
    case .log2: powerTicks(range, base: 2, limit: limit)
    }
  }
}

/// Steps of 1, 2 or 5 times a power of ten.
private func linearTicks(_ range: ClosedRange<Double>, limit: Int) -> [Double] {
  let span = range.upperBound - range.lowerBound
  guard span > 0 else { return [range.lowerBound] }
  var step = pow(10, log10(span / Double(limit)).rounded(.down))
  let growth = [2.0, 2.5, 2.0]  // 1 → 2 → 5 → 10
  var index = 0
  while span / step > Double(limit) {
    step *= growth[index % 3]
    index += 1
  }
  let first = (range.lowerBound / step - 1e-9).rounded(.up)
  let last = (range.upperBound / step + 1e-9).rounded(.down)
  guard first <= last else { return [] }
  return (Int(first)...Int(last)).map { Double($0) * step }
}

/// Powers of ten, with their double and fivefold where that still fits.
private func decadeTicks(_ range: ClosedRange<Double>, limit: Int) -> [Double] {
  let decades = powerTicks(range, base: 10, limit: limit)
  let first = Int(log10(range.lowerBound).rounded(.down))
  let last = Int(log10(range.upperBound).rounded(.up))
  let fine = (first...last).flatMap { exponent in [1, 2, 5].map { $0 * pow(10, Double(exponent)) } }
    .filter(range.contains)
  return decades.count <= 2 && fine.count <= limit ? fine : decades
}

/// Powers of the base, every second, third … where there are too many.
private func powerTicks(_ range: ClosedRange<Double>, base: Double, limit: Int) -> [Double] {
  let first = Int((log2(range.lowerBound) / log2(base) - 1e-9).rounded(.up))
  let last = Int((log2(range.upperBound) / log2(base) + 1e-9).rounded(.down))
  guard first <= last else { return [] }
  let stride = (last - first) / limit + 1
  return (first...last).filter { $0 % stride == 0 || stride == 1 }.map { pow(base, Double($0)) }
}

private func binaryText(_ value: Double, unit: String) -> String {
  let letters = ["", "K", "M", "G", "T", "P", "E"]
  var scaled = value
  var index = 0
  while scaled.magnitude >= 1024, index < letters.count - 1 {
    scaled /= 1024
    index += 1
  }
  let digits = trimmed(NumberFormat.significant(3).text(scaled))
  if unit.isEmpty { return digits + letters[index] }
  return digits + NumberFormat.narrowSpace + (index > 0 ? letters[index] + "i" : "") + unit
}

/// `2.00` is `2` and `0.50 s` is `0.5 s` on an axis.
private func trimmed(_ text: String) -> String {
  guard let point = text.firstIndex(of: "."), !text.contains("e") else { return text }
  let end = text[point...].firstIndex { !$0.isNumber && $0 != "." } ?? text.endIndex
  var digits = text[..<end]
  while digits.last == "0" { digits.removeLast() }
  if digits.last == "." { digits.removeLast() }
  return String(digits + text[end...])
}
