import Foundation
import Synchronization

/// Signals since the flag was set up. A signal handler may touch nothing else: no lock, no allocation.
private let signalCount = Atomic(0)

/// Becomes true at the first Ctrl-C or termination signal, so that a long command can end in order; the second signal
/// ends the program at once. One at a time.
public final class InterruptFlag: Sendable {
  /// Takes the signal over from now on.
  public init() {
    // Also initialises the lazy global before a handler could be the first to touch it.
    signalCount.store(0, ordering: .relaxed)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        if signalCount.add(1, ordering: .relaxed).newValue > 1 {
          signal(number, SIG_DFL)
          raise(number)
        }
      }
    }
  }

  deinit {
    signal(SIGINT, SIG_DFL)
    signal(SIGTERM, SIG_DFL)
  }

  /// Whether a signal has come.
  public var isRaised: Bool { signalCount.load(ordering: .relaxed) > 0 }

  /// Leaves what is being done once a signal has come.
  /// - Throws: `Interrupted`
  public func check() throws(Interrupted) { if isRaised { throw Interrupted() } }
}

/// Work was left where it was, because somebody asked for the end.
public struct Interrupted: Error {}
