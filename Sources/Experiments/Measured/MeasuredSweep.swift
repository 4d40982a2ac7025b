import Architectures
import Formulas
import Foundation
import GSL
import Hardware
import Measurement
import Quantities
import Rendering
import Scenarios
import Validation

/// A point as it was measured: a row.
package struct MeasuredPoint: Sendable {
  let subject: MeasuredSubject
  /// One per phase with work, as it ran.
  let measured: [MeasuredPhase]
  /// The same beside the predictions.
  let phases: [TimedPhaseResult]
  /// Median of the reference kernel between the repetitions.
  /// - Unit: s
  let referenceSeconds: Double
}

/// One node of a phase as it was measured: a row of `--nodes`.
package struct MeasuredNode: Sendable {
  let subject: MeasuredSubject
  /// The phase that it is a part of.
  let result: TimedPhaseResult
  let node: TimedNodeResult
}

/// The points of a scenario measured one after another, so that each row is known as soon as it is finished.
///
/// Points are taken in groups that fit the memory and take some seconds. A group is measured in rounds, one repetition of
/// everything and a reference kernel between: as far as a group's time allows, repetitions lie apart and drift of the
/// machine stands in the spread.
package struct MeasuredSweep {
  /// Why no more was measured.
  package enum End: Sendable { case finished, timeLimit, interrupted }

  /// What the repetitions of a group take together, where points are short. Chosen: longer than most disturbances, short
  /// enough that an interrupt loses little.
  /// - Unit: s
  private static let groupSeconds = 10.0

  /// What predicts.
  package let profile: HardwareProfile
  private(set) var room: MeasuringRoom
  private let settings: MeasurementSettings
  private let interrupt: InterruptFlag

  /// - Parameters:
  ///   - settings: how points run.
  ///   - profile: what predicts.
  ///   - pointLimit: seconds that one point may take, all repetitions together.
  ///   - interrupt: asked before each run.
  /// - Throws: `HardwareError` where the profile lacks a rate for fp32.
  package init(
    _ settings: MeasurementSettings, on profile: HardwareProfile, pointLimit: Double, _ interrupt: InterruptFlag
  ) throws {
    self.profile = profile
    self.settings = settings
    self.interrupt = interrupt
    room = try MeasuringRoom(profile, settings, pointLimit: pointLimit)
  }

  /// Sentences about the points that were not run.
  package var leftOut: [String] { room.leftOut }

  /// Measures points until all are done, the time is over or a signal comes.
  /// - Parameters:
  ///   - subjects: in the order in which they are taken.
  ///   - timeLimit: seconds that all of it may take; a group that would end later by prediction is not begun.
  ///   - finished: told how many points were measured, and their rows.
  package mutating func points(
    _ subjects: [MeasuredSubject], timeLimit: Double, finished: (Int, [MeasuredPoint]) throws -> Void
  ) throws -> End {
    let meter = DisturbanceMeter(threads: settings.threads)
    return try forEachGroup(of: subjects, timeLimit: timeLimit) { sweep, group, seconds in
      guard let rows = try sweep.measure(group, meter, seconds: seconds) else { return false }
      try finished(group.count, rows)
      return true
    }
  }

  /// The same, node by node.
  /// - Parameters:
  ///   - subjects: in the order in which they are taken.
  ///   - timeLimit: seconds that all of it may take; a group that would end later by prediction is not begun.
  ///   - finished: told how many points were measured, and their rows.
  package mutating func nodes(
    _ subjects: [MeasuredSubject], timeLimit: Double, finished: (Int, [MeasuredNode]) throws -> Void
  ) throws -> End {
    try points(subjects, timeLimit: timeLimit) { count, points in
      try finished(count, points.flatMap(\.nodes))
    }
  }

  /// - Parameter body: measures a group in so many seconds at most and says whether it is whole.
  private mutating func forEachGroup(
    of subjects: [MeasuredSubject], timeLimit: Double, body: (MeasuredSweep, [MeasuredSubject], Double) throws -> Bool
  ) throws -> End {
    let start = ContinuousClock.now
    let bar = ProgressBar("points", total: subjects.count, timeLimit: timeLimit)
    defer { bar.finish() }
    var place = 0
    // What a second of prediction takes; unknown at first, so that one point makes the first group.
    var pace: Double?
    while place < subjects.count {
      let begin = ContinuousClock.now
      let left = timeLimit - (begin - start) / .seconds(1)
      let group = try nextGroup(of: subjects, from: place, pace: pace, seconds: left)
      if interrupt.isRaised { return .interrupted }
      if group.next == place { return .timeLimit }
      if !group.points.isEmpty {
        guard try body(self, group.points, left) else { return .interrupted }
        pace = (ContinuousClock.now - begin) / .seconds(1) / group.seconds
      }
      bar.advance(by: group.next - place)
      place = group.next
    }
    return .finished
  }

  /// The points from a place on that are measured together, how long they take by prediction alone, and the place behind
  /// them; those that do not fit this machine are left out.
  private mutating func nextGroup(
    of subjects: [MeasuredSubject], from place: Int, pace: Double?, seconds: Double
  ) throws -> (points: [MeasuredSubject], seconds: Double, next: Int) {
    room.clear()
    var points: [MeasuredSubject] = []
    var used = 0.0
    for index in place..<subjects.count {
      let point = subjects[index].timed
      let needed = room.seconds(point)
      if !points.isEmpty {
        let isFull = try pace.map { $0 * (used + needed) > Self.groupSeconds } ?? true || !room.hasMemory(for: point)
        if isFull { return (points, used, index) }
      }
      if needed <= room.pointLimit, (used + needed) * (pace ?? 1) > seconds { return (points, used, index) }
      if try room.admit(point) {
        points.append(subjects[index])
        used += needed
      }
    }
    return (points, used, subjects.count)
  }

  /// - Parameter seconds: after which what is disturbed is not measured again.
  /// - Returns: nil after an interrupt.
  private func measure(
    _ group: [MeasuredSubject], _ meter: DisturbanceMeter, seconds: Double
  ) throws -> [MeasuredPoint]? {
    let needed = settings.repetitions
    let runs = TimedRuns(
      group.map(\.timed).byModel,
      TimedSettings(threads: settings.threads, warmup: settings.warmup, takesSigns: settings.takesSigns), meter)
    let start = ContinuousClock.now
    var references = [meter.referenceSeconds]
    for round in 0..<(mostAttempts * needed) where round < needed || !runs.areSettled(needed) {
      if round >= needed, (ContinuousClock.now - start) / .seconds(1) > seconds { break }
      guard runs.round(until: needed, isStopped: { interrupt.isRaised }) else { return nil }
      references.append(meter.referenceSeconds)
    }
    let roofline = try Roofline(profile, .float32)
    let measured = runs.measured(needed)
    return try group.map { subject in
      let phases = measured.first { $0.point == subject.timed }?.phases ?? []
      let predicted = try PredictedWorkload(subject.timed, roofline)
      return MeasuredPoint(
        subject: subject, measured: phases, phases: phases.map(predicted.result),
        referenceSeconds: Statistics.median(references))
    }
  }
}

extension MeasuredPoint {
  /// The rows of `--nodes`.
  var nodes: [MeasuredNode] {
    phases.flatMap { result in
      result.nodes.map { MeasuredNode(subject: subject, result: result, node: $0) }
    }
  }
}
