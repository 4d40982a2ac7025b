import GSL

/// Runs `body` and says how long it took.
/// - Unit: s
func seconds(_ body: () -> Void) -> Double {
  let clock = ContinuousClock()
  let start = clock.now
  body()
  return (clock.now - start) / .seconds(1)
}

/// Runs `body` after its thread was busy for so long with nothing but the clock, and says how long it took.
/// - Unit: s
func secondsAfter(rest: Double, _ body: () -> Void) -> Double {
  let clock = ContinuousClock()
  let end = clock.now + .seconds(rest)
  while clock.now < end {}
  return seconds(body)
}

/// How often a benchmark is repeated: at least `fewest` times, then until `budget` is spent or `most` are done.
///
/// The defaults are chosen: three is the least that has a median apart from its extremes, and the budget bounds a round.
struct Repetitions {
  var fewest = 3
  var most = 15
  /// - Unit: s
  var budget = 0.15

  /// Runs `body` once unmeasured and then repeatedly.
  /// - Returns: what each measured run returned, in order.
  func run<Value>(_ body: () -> Value) -> [Value] {
    _ = body()
    var values: [Value] = []
    let clock = ContinuousClock()
    let start = clock.now
    while values.count < fewest || (values.count < most && (clock.now - start) / .seconds(1) < budget) {
      values.append(body())
    }
    return values
  }
}
