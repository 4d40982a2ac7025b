import Testing

@testable import Rendering

@Test func `a progress line states share, count, rate and remaining time`() {
  let narrow = "\u{202F}"
  #expect(
    progressLine("points", done: 250_000, total: 1_000_000, elapsed: 1)
      == "25 % ██████░░░░░░░░░░░░░░░░░░ 250\(narrow)000 of 1\(narrow)000\(narrow)000 points, 250\(narrow)k/s, 3 s left")
  #expect(progressLine("points", done: 0, total: 10, elapsed: 0) == "0 % ░░░░░░░░░░░░░░░░░░░░░░░░ 0 of 10 points")
  #expect(progressLine("points", done: 1, total: 100, elapsed: 40).hasSuffix("0.0250/s, 1 h 6 min left") == false)
  #expect(progressLine("points", done: 1, total: 100, elapsed: 40).hasSuffix("/s, 1 h 6 min left"))
  #expect(progressLine("points", done: 1, total: 3, elapsed: 40).hasSuffix("/s, 1 min 20 s left"))
  #expect(progressLine("points", done: 1, total: 3, elapsed: 40, timeLimit: 60).hasSuffix("/s, 20 s left"))
}
