import Rendering
import Testing

/// Narrow spaces are hard to see in expected texts; they are written as `_` here.
private func shown(_ text: String) -> String {
  String(text.map { $0 == "\u{202F}" ? "_" : $0 })
}

@Test(arguments: [
  (0, "0"), (7, "7"), (-7, "−7"), (999, "999"), (1000, "1000"), (9999, "9999"), (10_000, "10_000"),
  (1_234_567, "1_234_567"), (-1_234_567, "−1_234_567"),
])
func `exact integers have groups of three from five digits on`(value: Int128, text: String) {
  #expect(shown(NumberFormat.exact.text(value)) == text)
}

@Test func `an exact integer keeps every digit at both ends of 128 bits`() {
  #expect(
    shown(NumberFormat.exact.text(Int128.max)) == "170_141_183_460_469_231_731_687_303_715_884_105_727")
  #expect(
    shown(NumberFormat.exact.text(Int128.min)) == "−170_141_183_460_469_231_731_687_303_715_884_105_728")
}

@Test(arguments: [
  (0, "0_FLOP"), (1, "1_FLOP"), (999, "999_FLOP"), (1000, "1.00_kFLOP"), (1234, "1.23_kFLOP"),
  (999_499, "999_kFLOP"), (999_999, "1.00_MFLOP"), (12_345_678, "12.3_MFLOP"), (-1_500_000, "−1.50_MFLOP"),
  (1e15, "1.00_PFLOP"), (1.5e-3, "1.50_mFLOP"), (9.999e-4, "1.00_mFLOP"), (2.5e-6, "2.50_µFLOP"),
])
func `SI numbers have three significant digits and never a thousand of a prefix`(value: Double, text: String) {
  #expect(shown(NumberFormat.si(unit: "FLOP").text(value)) == text)
}

@Test(arguments: [
  (0, "0_B"), (1, "1_B"), (1023, "1023_B"), (1024, "1.00_KiB"), (1536, "1.50_KiB"), (13_743_895_347, "12.8_GiB"),
  (1_099_511_627_775, "1.00_TiB"),
])
func `binary sizes step by 1024`(value: Int128, text: String) {
  #expect(shown(NumberFormat.binaryBytes.text(value)) == text)
}

@Test(arguments: [
  (0.0, "0"), (-0.0, "0"), (1, "1.00"), (9.996, "10.0"), (99.96, "100"), (0.001, "0.00100"), (0.0009996, "0.00100"),
  (0.01, "0.0100"), (0.1, "0.100"), (123_456, "123_456"), (1e-300, "1.00e−300"), (-1e-300, "−1.00e−300"),
  (1e300, "1.00e+300"), (9.999e20, "1.00e+21"), (.infinity, "∞"), (-.infinity, "−∞"), (.nan, "–"),
])
func `three significant digits survive every magnitude`(value: Double, text: String) {
  #expect(shown(NumberFormat.significant(3).text(value)) == text)
}

@Test func `a fixed number of digits rounds and keeps its sign only where something is left`() {
  #expect(NumberFormat.fixed(decimals: 2).text(1.005) == "1.00")  // 1.005 in binary is below 1.005
  #expect(NumberFormat.fixed(decimals: 2).text(-1.016) == "−1.02")
  #expect(NumberFormat.fixed(decimals: 1).text(-0.04) == "0.0")
  #expect(shown(NumberFormat.percent(decimals: 1).text(12.34)) == "12.3_%")
  #expect(NumberFormat.ratio.text(12.8) == "12.8×")
  #expect(shown(NumberFormat.gibibytes.text(Int128(1) << 33)) == "8.00_GiB")
}
