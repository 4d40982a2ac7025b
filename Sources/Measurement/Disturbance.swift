import Foundation
import GSL

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What other programs and other machines did while something was measured.
public struct Disturbance: Hashable, Sendable {
  /// Above it a run is disturbed. Chosen: a hundredth is below what a verdict is about.
  private static let mostStolen = 0.01
  /// Chosen: a scheduler's tick that meets nobody else takes no thread away; one other program takes one every few
  /// milliseconds.
  private static let mostSwitches = 50.0
  /// Chosen: main memory alone drifts by a tenth on a machine that others share.
  private static let mostReference = 1.25

  /// Share of the processors' time that the hypervisor gave to other machines; 0 where the system does not say.
  public var stolenShare: Double
  /// Times per second that a thread of this process was taken off its processor although it could go on.
  public var switchesPerSecond: Double
  /// The reference kernel around the run over the fastest that it was so far, whichever of its parts is the slowest.
  public var referenceRatio: Double

  /// Whether the run does not count.
  public var isDisturbed: Bool {
    stolenShare > Self.mostStolen || switchesPerSecond > Self.mostSwitches || referenceRatio > Self.mostReference
  }
}

/// Watches runs for what disturbs them: time that other machines had, threads that were taken off their processors, and a
/// reference kernel before and after.
public final class DisturbanceMeter {
  private let reference: ReferenceKernel
  private var fastest, last: [Double]

  /// - Parameter threads: of the kernels, for everything that runs from now on.
  public init(threads: Int) {
    reference = ReferenceKernel(threads: threads)
    // The first runs find a processor that slept.
    let times = (0..<5).map { [reference] _ in reference.times() }
    fastest = times[0].indices.map { part in times.map { $0[part] }.min()! }
    last = times.last!
  }

  /// All parts of the reference kernel, behind the run before.
  /// - Unit: s
  public var referenceSeconds: Double { last.reduce(0, +) }

  /// Runs the body and says what disturbed it.
  public func watch(_ body: () -> Void) -> Disturbance {
    let (before, start) = (SystemCounters(), last)
    body()
    let after = SystemCounters()
    last = reference.times()
    fastest = zip(fastest, last).map { min($0, $1) }
    let elapsed = max(after.seconds - before.seconds, 1e-9)
    return Disturbance(
      stolenShare: (after.stolen - before.stolen) / (elapsed * Double(ProcessInfo.processInfo.activeProcessorCount)),
      switchesPerSecond: Double(after.switches - before.switches) / elapsed,
      referenceRatio: zip(fastest, zip(start, last)).map { max($1.0, $1.1) / $0 }.max()!)
  }
}

/// What the system has counted so far.
private struct SystemCounters {
  /// - Unit: s
  let seconds, stolen: Double
  /// Of all threads of this process, against their will.
  let switches: Int

  init() {
    seconds = Double(DispatchTime.now().uptimeNanoseconds) * 1e-9
    var usage = rusage()
    #if canImport(Glibc)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #else
      getrusage(RUSAGE_SELF, &usage)
    #endif
    switches = usage.ru_nivcsw
    // Not every system has it: nothing is stolen there as far as anybody knows.
    let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
    // cpu user nice system idle iowait irq softirq steal …
    let fields = text.prefix { $0 != "\n" }.split(separator: " ")
    let ticks = fields.count > 8 ? Double(fields[8]) ?? 0 : 0
    stolen = ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}
