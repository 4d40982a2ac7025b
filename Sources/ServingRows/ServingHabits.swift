import Foundation
import GSL
import Hardware
import Quantities

/// The profile with what its engine does with waiting prompts, where rows do not say it: of a few habits that engines and
/// benchmarks have, the one that explains first tokens and tokens best after coefficients are fitted to it. An overhead of
/// first tokens goes with it; no coefficient is fitted to first tokens.
/// - Throws: as `ServingSearch`
func withFittedHabits(_ cases: [ServingCase], _ base: HardwareProfile, pull: ServingPull) throws -> HardwareProfile {
  // A profile that says what its engine does keeps it.
  if base.serving != nil { return base }
  // Requests that wait for memory say nothing of passes, nor does a request that is alone.
  let usual = base.with(Habit(budget: .prompts(1), lengthRatio: 1))
  let telling = cases.filter { served in
    served.row.times[.timeToFirstToken] != nil && served.row.concurrency > 1
      && served.on(usual).waitingPerActive == 0 && served.terms[.timeToFirstToken] != nil
  }
  guard !telling.isEmpty else { return base }
  var best = (profile: base, error: Double.infinity)
  for habit in Habit.known {
    let profile = base.with(habit)
    let search = try ServingSearch(cases, base: profile, form: .overlap, pull: pull)
    let tokens = Statistics.mean(try search.errors.map(abs))
    let waits = try telling.map { served -> (measured: Double, predicted: Double) in
      let predicted = try served.on(profile).predicted(.timeToFirstToken, on: search.profile)
      return (served.row.times[.timeToFirstToken] ?? .nan, predicted ?? .nan)
    }
    let (overhead, first) = firstTokenOverhead(waits)
    let error = tokens / Habit.tokenAccuracy + first / Habit.firstTokenAccuracy
    if error < Habit.clearlyBetter * best.error {
      best = (profile, error)
      best.profile.serving?.firstTokenOverhead = Seconds(overhead)
    }
  }
  return best.profile
}

/// The time that brings predicted first tokens nearest to measured ones, by the median |log| of their ratio: warm-ups that were
/// counted do not decide. It is 0 or what one of the rows lacks.
private func firstTokenOverhead(
  _ waits: [(measured: Double, predicted: Double)]
) -> (seconds: Double, error: Double) {
  let candidates = [0] + waits.map { $0.measured - $0.predicted }.filter { $0 > 0 }
  let scored = candidates.map { overhead in
    (seconds: overhead, error: Statistics.median(waits.map { abs(log(($0.predicted + overhead) / $0.measured)) }))
  }
  return scored.min { $0.error < $1.error }!
}

/// What an engine and a benchmark do with waiting prompts.
private struct Habit {
  var budget: PassBudget
  var lengthRatio: Double
  var idleSlots = 0

  /// The shortest length of public benchmarks that draw theirs, as a share of the longest.
  /// - Source: InferenceX, whose runs draw both lengths from 0.8 of the nominal one up
  private static let usualDraw = 0.8

  /// Share of the error of the habit kept so far below which another one replaces it. Chosen: first tokens of few rows are
  /// noisy, and a smaller gain is no reason.
  static let clearlyBetter = 0.8

  /// One prompt in a pass, or as many as common budgets hold. The first is kept unless another is clearly better.
  static let known = [usualDraw, 1].flatMap { lengthRatio in
    [PassBudget.prompts(1), .tokens(2048), .tokens(8192)].map { Habit(budget: $0, lengthRatio: lengthRatio) } + [
      Habit(budget: .prompts(1), lengthRatio: lengthRatio, idleSlots: 1)
    ]
  }

  /// Mean errors of held-out public rows: what is worth as much as what.
  static let (tokenAccuracy, firstTokenAccuracy) = (0.02, 0.17)
}

extension HardwareProfile {
  fileprivate func with(_ habit: Habit) -> HardwareProfile {
    var profile = self
    profile.serving = ServingBehaviour(
      admission: serving?.admission, passBudget: habit.budget, idleSlots: habit.idleSlots,
      lengthRatio: habit.lengthRatio)
    return profile
  }
}
