import Foundation
import Synchronization

/// How far a long command is, on standard error; silent where that is no terminal.
///
/// Threads may advance it at the same time; it draws at most ten times a second.
public final class ProgressBar: Sendable {
  private let label: String
  private let total: Int
  private let timeLimit: Double
  private let isShown: Bool
  private let start = ContinuousClock.now
  private let done = Atomic(0)
  private let lastDraw: Mutex<ContinuousClock.Instant>

  /// - Parameters:
  ///   - label: what is counted, as in `points`.
  ///   - total: how many make the whole.
  ///   - timeLimit: seconds after which the command ends, wherever it is.
  public convenience init(_ label: String, total: Int, timeLimit: Double = .infinity) {
    self.init(label, total: total, timeLimit: timeLimit, isShown: isatty(STDERR_FILENO) == 1)
  }

  init(_ label: String, total: Int, timeLimit: Double = .infinity, isShown: Bool) {
    self.label = label
    self.total = total
    self.timeLimit = timeLimit
    self.isShown = isShown
    lastDraw = Mutex(start)
  }

  /// Moves on by so many steps and redraws where it shows.
  public func advance(by count: Int = 1) {
    let newDone = done.add(count, ordering: .relaxed).newValue
    guard isShown else { return }
    let now = ContinuousClock.now
    lastDraw.withLock { last in
      guard now - last >= .milliseconds(100) else { return }
      last = now
      draw(newDone, now - start)
    }
  }

  /// Takes the bar away, so that what is printed next begins on a clean line.
  public func finish() {
    if isShown { writeToStandardError("\r\u{1B}[K") }
  }

  private func draw(_ done: Int, _ elapsed: Duration) {
    writeToStandardError(
      "\r\u{1B}[K" + progressLine(label, done: done, total: total, elapsed: elapsed / .seconds(1), timeLimit: timeLimit)
    )
  }
}

/// One line: share, bar, count, rate and remaining time, which a limit may cut.
func progressLine(
  _ label: String, done: Int, total: Int, elapsed: Double, timeLimit: Double = .infinity
) -> String {
  let share = total > 0 ? min(1, Double(done) / Double(total)) : 1
  let filled = Int(share * 24)
  let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
  let count = NumberFormat.exact.text(Int128(done)) + " of " + NumberFormat.exact.text(Int128(total)) + " " + label
  var line = "\(Int(share * 100)) % \(bar) \(count)"
  if done > 0, elapsed > 0 {
    let rate = Double(done) / elapsed
    line +=
      ", " + NumberFormat.si(unit: "").text(rate) + "/s, "
      + remainingText(min(Double(total - done) / rate, timeLimit - elapsed))
  }
  return line
}

/// `12 s left`, `3 min 20 s left`, `5 h 2 min left`.
public func remainingText(_ seconds: Double) -> String {
  let whole = Int(max(0, seconds).rounded(.up))
  switch whole {
  case ..<60: return "\(whole) s left"
  case ..<3600: return "\(whole / 60) min \(whole % 60) s left"
  default: return "\(whole / 3600) h \(whole / 60 % 60) min left"
  }
}

/// For notices and errors; results go to standard output.
public func writeToStandardError(_ text: String) {
  _ = writeAll(Array(text.utf8), to: STDERR_FILENO)
}
