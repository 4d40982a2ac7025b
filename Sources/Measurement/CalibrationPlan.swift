import Architectures
import CKernels
import GSL
import Quantities
import Tensors

/// The micro-benchmarks of a calibration, in the order in which they run.
struct CalibrationPlan {
  /// Layers of one shape, run at some rows.
  struct StackRun {
    var shape: LayerShape
    var layers: Int
    /// Decode: sequences after so many cached positions.
    var decode: [(groups: Int, past: Int)] = []
    /// Local windows: chunks with so many queries after so many cached positions.
    var windows: [(groups: Int, queries: Int, past: Int)] = []
    /// Prefill: sequences of so many positions.
    var prefill: [(groups: Int, queries: Int)] = []
  }

  /// Bytes that one timed read covers at least, so that the clock's resolution does not count. Chosen: milliseconds.
  private static let leastRead = 32 << 20
  /// Norms in one timed run: one alone is of the order of the clock's resolution. Chosen.
  private static let normsTogether = 16
  /// Bytes of the smallest read, inside a second-level cache, and how often they double: up to 256 MiB, past a common
  /// last-level cache. Chosen.
  private static let smallestRead = 256 << 10
  private static let readDoublings = 0...10
  /// Entries of a head's table: with the widths of the two larger stacks one fits into a last-level cache, 6 MiB, and
  /// one does not, 40 MiB. Chosen.
  private static let vocabularies = (small: 4096, large: 16_384)
  /// Width of the norms: that of the largest stack.
  private static let normWidth = 640
  /// Positions of the longest prompts of a quick calibration, of one layer and of the deep stack. Chosen: prompts
  /// take the most time, and the longest are the first to go.
  private static let longestQuickPrefill = (oneLayer: 512, deep: 128)
  /// Of a quick calibration: two runs give a median that is no single run, and the budget is a fifth. Chosen.
  private static let quickRepetitions = Repetitions(fewest: 2, most: 5, budget: 0.03)

  /// What rests: larger than a usual second-level cache, which nobody shares, and small beside a last-level one. Chosen.
  private static let restingBytes = 4 << 20
  /// How long, around the time in which a busy neighbour fills a last-level cache. Chosen.
  /// - Unit: s
  private static let usualRests = [0, 0.25e-3, 0.5e-3, 1e-3, 2e-3, 4e-3, 8e-3]

  var stacks: [StackRun]
  var readBytes: [Int]
  var rests = Self.usualRests
  var heads: [(rows: Int, width: Int, vocabulary: Int)]
  var normRows: [Int]
  var repetitions: Repetitions

  /// Working sets inside the second-level cache, inside a common last-level cache, at its edge, and in memory.
  static func full() -> CalibrationPlan {
    // Heads of 32, 64 and 128: what is exponentiated for each product of a query with a key. A layer of the small shape
    // takes 0.8 MiB, of the middle one 7 MiB, of the large one 19 MiB.
    let small = LayerShape(width: 128, heads: 4, feedForward: 384)
    let middle = LayerShape(width: 384, heads: 6, feedForward: 1152)
    let large = LayerShape(width: 640, heads: 5, feedForward: 1792)
    // On both sides of the number of rows at which the kernel begins to pack them.
    let few = [1, 2, 4, 8, 16]
    let many = [32, 64, 128, 256, 512, 1024]
    // Contexts that the few rows decode after are short where products are asked for; the pairs behind them, long or of
    // many sequences, ask for attention.
    return CalibrationPlan(
      stacks: [
        StackRun(
          shape: small, layers: 1,
          decode: few.map { ($0, 32) } + [(64, 64), (16, 256), (1, 1024), (4, 512), (64, 512)],
          windows: [1, 4, 16, 64].flatMap { [($0, 2, 0), ($0, 1, 3)] },
          prefill: (many + [2048]).map { (1, $0) }),
        StackRun(
          shape: middle, layers: 1,
          decode: few.map { ($0, 16) } + [(1, 256), (4, 256), (1, 1024), (4, 1024), (16, 512), (1, 4096), (64, 64)]
            + [(2, 64), (8, 128)],
          windows: [1, 4, 16, 64, 256].flatMap { [($0, 2, 0), ($0, 1, 3)] },
          prefill: many.map { (1, $0) } + [(4, 16), (4, 64), (16, 16), (2, 8)]),
        StackRun(shape: middle, layers: 4, decode: few.map { ($0, 48) } + [(64, 128)], prefill: [(1, 32), (1, 128)]),
        StackRun(
          shape: large, layers: 6,
          decode: few.map { ($0, 64) } + [(1, 256), (1, 1024), (4, 128), (4, 512), (16, 256), (64, 64)],
          windows: [(1, 2, 0), (4, 2, 0), (4, 1, 3)], prefill: [(1, 32), (1, 64), (1, 128), (4, 64), (1, 512)]),
        StackRun(shape: large, layers: 1, prefill: [(1, 1024), (2, 1024)]),
      ],
      readBytes: readDoublings.map { smallestRead << $0 },
      heads: few.flatMap { [($0, middle.width, vocabularies.small), ($0, large.width, vocabularies.large)] },
      normRows: [1, 4, 16, 64, 256, 1024, 4096], repetitions: Repetitions())
  }

  /// Fewer repetitions of fewer sizes: a profile for a first look.
  static func quick() -> CalibrationPlan {
    var plan = full()
    plan.stacks[0].prefill.removeAll { $0.queries > longestQuickPrefill.oneLayer }
    plan.stacks[1].prefill.removeAll { $0.queries > longestQuickPrefill.oneLayer }
    plan.stacks[3].prefill.removeAll { $0.queries > longestQuickPrefill.deep }
    plan.stacks.removeLast()
    plan.repetitions = quickRepetitions
    return plan
  }

  /// The operations of every stack, heads and norms.
  /// - Parameter progress: told the share that is done, from 0 to 1.
  func operationSamples(seed: UInt64, progress: (Double) -> Void) -> [CalibrationSample] {
    let machine = Machine(backend: .fast)
    var samples: [CalibrationSample] = []
    for (index, run) in stacks.enumerated() {
      let stack = StackBenchmark(run.shape, layers: run.layers, machine: machine, seed: seed)
      func add(_ groups: Int, _ queries: Int, _ past: Int, prefill: Bool) {
        samples += stack.samples(
          groups: groups, queries: queries, past: past, prefill: prefill, repetitions: repetitions)
      }
      for (groups, past) in run.decode { add(groups, 1, past, prefill: false) }
      for (groups, queries, past) in run.windows { add(groups, queries, past, prefill: false) }
      for (groups, queries) in run.prefill { add(groups, queries, 0, prefill: true) }
      progress(Double(index + 1) / Double(stacks.count + 1))
    }
    for (rows, width, vocabulary) in heads { samples.append(headSample(machine, rows, width, vocabulary)) }
    for rows in normRows { samples.append(normSample(machine, rows, width: Self.normWidth)) }
    progress(1)
    return samples
  }

  /// The plain read loop over each working set: the best of many short runs, because a ceiling is asked for.
  func bandwidthSamples() -> [BandwidthSample] {
    guard let largest = readBytes.max() else { return [] }
    guard let data = ck_allocate(largest / 4) else { return [] }
    defer { ck_free(data) }
    data.initialize(repeating: 1, count: largest / 4)
    return readBytes.map { bytes in
      let passes = max(1, Self.leastRead / bytes)
      let times = repetitions.run { seconds { _ = ck_read(data, bytes, Int32(passes)) } }
      return BandwidthSample(bytes: bytes, rate: Rate(Double(bytes * passes) / Statistics.median(times)))
    }
  }

  /// Reads of a few MiB that rested, the calling thread busy in its registers meanwhile: what is no longer in a cache then,
  /// others have pushed out.
  func restedSamples() -> [BandwidthSample] {
    guard let data = ck_allocate(Self.restingBytes / 4) else { return [] }
    defer { ck_free(data) }
    data.initialize(repeating: 1, count: Self.restingBytes / 4)
    return rests.map { rest in
      let times = repetitions.run { secondsAfter(rest: rest) { _ = ck_read(data, Self.restingBytes, 1) } }
      return BandwidthSample(
        bytes: Self.restingBytes, rest: rest, rate: Rate(Double(Self.restingBytes) / Statistics.median(times)))
    }
  }

  private func headSample(_ machine: Machine, _ rows: Int, _ width: Int, _ vocabulary: Int) -> CalibrationSample {
    let mark = machine.arena.mark
    defer { machine.arena.release(to: mark) }
    let table = constant(machine, vocabulary, width)
    let (norm, x) = (constant(machine, 1, width), constant(machine, rows, width))
    let times = repetitions.run {
      seconds {
        let mark = machine.arena.mark
        _ = machine.head(x, norm: norm, table: table, at: Node(0, .decoder, .head))
        machine.arena.release(to: mark)
      }
    }
    return CalibrationSample(
      .head(rows: rows, width: width, vocabulary: vocabulary), kind: .product, rows: rows,
      workingSet: Double(4 * width * (vocabulary + 1)), seconds: Statistics.median(times))
  }

  private func normSample(_ machine: Machine, _ rows: Int, width: Int) -> CalibrationSample {
    let mark = machine.arena.mark
    defer { machine.arena.release(to: mark) }
    let (norm, x) = (constant(machine, 1, width), constant(machine, rows, width))
    // In place and many times over: the values stay near 1 because a norm of a norm changes nothing.
    let times = repetitions.run {
      seconds { for _ in 0..<Self.normsTogether { machine.norm(x, weight: norm, at: Node(0, .decoder, .norm)) } }
        / Double(Self.normsTogether)
    }
    return CalibrationSample(
      .norm(rows: rows, width: width), kind: .elementwise, rows: rows, workingSet: Double(4 * width * rows),
      seconds: Statistics.median(times))
  }

}

/// A matrix of ones that lives as long as what the machine's arena holds at present.
func constant(_ machine: Machine, _ rows: Int, _ columns: Int) -> Tensor {
  let tensor = machine.arena.tensor(rows: rows, columns: columns)
  tensor.base?.update(repeating: 1, count: tensor.count)
  return tensor
}
