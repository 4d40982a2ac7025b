import Architectures
import Quantities

/// Sizes of the persistent caches at the states that can be the largest, summed over levels.
/// - Unit: bit
struct CacheBits<Integer: CountingInteger>: Sendable {
  private var atPrompt: Integer = 0
  private var beforeDrop: Integer = 0
  private var atEnd: Integer = 0
  private var survivorAtPrompt: Integer = 0
  private var survivorAtEnd: Integer = 0
  /// The most in the middle of the prompt, where passes stand beside what they find.
  private var inPrompt: Integer = 0

  /// The same of what lies in the memory of the host.
  private var host = HostBits<Integer>()

  private(set) var afterPrefill: Integer = 0
  private(set) var end: Integer = 0
  private(set) var peak: Integer = 0
  private(set) var localPeak: Integer = 0

  init() {}

  /// Adds a level: K continuations share the entries of the prompt.
  @inline(__always)
  mutating func add(
    _ activity: LevelActivity<Integer>, entryBits: Integer, survives: Bool, continuations: Integer
  ) {
    let prompt = activity.unitsAtPrompt &* entryBits
    let end = prompt &+ continuations &* (activity.unitsAtEnd &- activity.unitsAtPrompt) &* entryBits
    atPrompt &+= prompt
    beforeDrop &+= prompt &+ continuations &* (activity.unitsAtDrop &- activity.unitsAtPrompt) &* entryBits
    atEnd &+= end
    if survives {
      survivorAtPrompt = prompt
      survivorAtEnd = end
    }
  }

  /// Notes what a level holds as it reads the prompt, before it is added: levels do so one behind another.
  mutating func add(inPrompt stack: PricedStack<Integer>, _ sums: StackSums) {
    let before = stack.bits { sums.rooms[$0].inPassBeforeLast }
    inPrompt = max(inPrompt, atPrompt &+ max(before, stack.bits { sums.rooms[$0].inLastPass }))
  }

  /// Adds a level that may evict: continuations hold copies of the prompt's entries, so that each evicts its own. They
  /// are made when decode begins, so there are none at a drop that ends prefill, or where nothing is generated.
  mutating func add(
    _ activity: LevelActivity<Integer>, _ stack: PricedStack<Integer>, _ sums: StackSums, survives: Bool,
    copiesAtDrop: Integer, copiesAtEnd: Integer
  ) {
    let rooms = sums.rooms
    let prompt = stack.bits { rooms[$0].atPrompt }
    add(inPrompt: stack, sums)
    let end = copiesAtEnd &* stack.bits { rooms[$0].atEnd }
    if stack.hasHost {
      host.add(
        prompt: stack.bits { rooms[$0].hostAtPrompt }, drop: copiesAtDrop &* stack.bits { rooms[$0].hostAtDrop },
        end: copiesAtEnd &* stack.bits { rooms[$0].hostAtEnd }, survives: survives)
    }
    atPrompt &+= prompt
    beforeDrop &+= copiesAtDrop &* stack.bits { rooms[$0].atDrop }
    atEnd &+= end
    if survives {
      survivorAtPrompt = prompt
      survivorAtEnd = end
    }
  }

  /// The persistent cache grows with n except at the drop, so its peak is just before the drop or at the end; where
  /// entries go, it can be in the prompt, or behind it.
  @inline(__always)
  mutating func finish(batch: Integer, dropsAtPrompt: Bool, drops: Bool, localPeak: Integer) {
    afterPrefill = batch &* (dropsAtPrompt ? survivorAtPrompt : atPrompt)
    end = batch &* (drops ? survivorAtEnd : atEnd)
    peak = drops ? max(batch &* beforeDrop, end) : end
    if inPrompt > 0 { peak = max(peak, batch &* inPrompt) }
    self.localPeak = localPeak
    host.finish(batch: batch, dropsAtPrompt: dropsAtPrompt, drops: drops)
  }

  private func whole(_ bits: Integer) -> Int128 { ((bits &+ 7) >> 3).widened }

  /// Of one prompt with its continuations: all sizes grow with the batch alone.
  /// - Unit: byte
  func bytesPerPrompt(batchSize: Int) -> Int128 {
    let batch = Integer(word: batchSize)
    return whole(peak / batch) + whole(localPeak / batch)
  }

  /// The same in the memory of the host.
  func hostBytesPerPrompt(batchSize: Int) -> Int128 { whole(host.peak / Integer(word: batchSize)) }

  var figures: CacheFigures {
    CacheFigures(
      bytesAfterPrefill: whole(afterPrefill), bytesAtEnd: whole(end),
      peakBytes: whole(peak), localPeakBytes: whole(localPeak), hostBytesAfterPrefill: whole(host.afterPrefill),
      hostBytesAtEnd: whole(host.end), hostPeakBytes: whole(host.peak))
  }
}

/// What lies in the memory of the host. It only grows, except at a drop.
/// - Unit: bit
private struct HostBits<Integer: CountingInteger>: Sendable {
  private var atPrompt: Integer = 0
  private var beforeDrop: Integer = 0
  private var atEnd: Integer = 0
  private var survivor: (atPrompt: Integer, atEnd: Integer) = (0, 0)
  private(set) var afterPrefill: Integer = 0
  private(set) var end: Integer = 0
  private(set) var peak: Integer = 0

  mutating func add(prompt: Integer, drop: Integer, end: Integer, survives: Bool) {
    atPrompt &+= prompt
    beforeDrop &+= drop
    atEnd &+= end
    if survives { survivor = (prompt, end) }
  }

  mutating func finish(batch: Integer, dropsAtPrompt: Bool, drops: Bool) {
    afterPrefill = batch &* (dropsAtPrompt ? survivor.atPrompt : atPrompt)
    end = batch &* (drops ? survivor.atEnd : atEnd)
    peak = drops ? max(batch &* beforeDrop, end) : end
  }
}
