import Architectures
import Formulas
import Hardware
import Quantities

/// What a pass of a model with one stack and full caches takes on a machine: the exact work of its rows, in four stages,
/// each at the rates of its class of operations (docs/simulation.md, §1).
///
/// Work is taken from the closed forms of points, in which it is affine in rows and pairs: two points give a row, a third
/// one a pair, and what is left is there once for a dispatch.
public struct ModelPrice: PassPrice {
  /// What nodes that run together cost.
  struct Part: Hashable, Sendable {
    /// Weights, however many rows there are.
    /// - Unit: bit
    var onceBits: Int128
    /// Of a row, without its pairs.
    var row: Amount
    /// Of a (query, key) pair, or of an entry where that is read: the traffic.
    var pair: Amount
  }

  /// FLOP of two kinds, and traffic.
  struct Amount: Hashable, Sendable {
    var matmulFlops: Int128
    var elementwiseFlops: Int128
    /// - Unit: bit
    var bits: Int128

    static func - (left: Self, right: Self) -> Self {
      Self(
        matmulFlops: left.matmulFlops - right.matmulFlops,
        elementwiseFlops: left.elementwiseFlops - right.elementwiseFlops, bits: left.bits - right.bits)
    }
  }

  /// Rates of a class, and what its dispatches of one pass cost beside their work.
  private struct Machine: Sendable {
    var rates: StagePrice.Rates
    /// - Unit: ns
    var overhead: Int
  }

  let linear, attention, head: Part
  private let products, heads: [OperationClass: Machine]
  private let fillAttention, decodeAttention: Machine
  private let profile: HardwareProfile
  /// - Unit: ns
  private let passOverhead, rowOverhead: Int

  /// - Parameters:
  ///   - model: of one stack, with full caches.
  ///   - precision: of weights, activations and caches.
  ///   - profile: one device.
  /// - Throws: `ServingError`, `HardwareError`, `CountOverflow`
  public init(_ model: Model, _ precision: Precision, on profile: HardwareProfile) throws {
    try checkIsServed(model)
    if profile.devices > 1 { throw ServingError.settings("passes on several devices have no price yet") }
    func decode(prompt: Int, batch: Int) throws -> [NodeWork] {
      try price(Question(model, Workload(promptLength: prompt, generatedLength: 1, batchSize: batch), precision)).decode
    }
    let points = [try decode(prompt: 1, batch: 1), try decode(prompt: 1, batch: 2), try decode(prompt: 2, batch: 1)]
    linear = Self.part(points) { $0 != .attention && $0 != .head }
    attention = Self.part(points) { $0 == .attention }
    head = Self.part(points) { $0 == .head }
    self.profile = profile
    let (onceBytes, layers) = (
      Double(linear.onceBits + head.onceBits) / 8, Double(model.stacks.reduce(0) { $0 + $1.layers })
    )
    func machine(
      _ operation: OperationClass, _ operand: ElementType, dispatches: Double
    ) throws -> Machine {
      let share = profile.typeShare(operand, precision.activations)
      let peak = share * (try profile.peak(operand, precision.activations))
      let rates = profile.rates(operation, peak: peak, workingSet: onceBytes)
      return Machine(
        rates: try StagePrice.Rates(
          flopPerSecond: 1 / rates.perMatmulFlop, bytesPerSecond: 1 / rates.perByte, overlap: rates.overlap,
          elementwisePerSecond: 1 / rates.perElementwiseFlop),
        overhead: try rounded(dispatches * rates.overhead.value * 1e9, "an overhead"))
    }
    let classes: [OperationClass] = [.matrixProduct, .fewRowProduct, .oneRowProduct]
    // Two products around attention and two of the feed-forward part.
    products = try Dictionary(
      uniqueKeysWithValues: classes.map { ($0, try machine($0, precision.weights, dispatches: 4 * layers)) })
    heads = try Dictionary(uniqueKeysWithValues: classes.map { ($0, try machine($0, precision.head, dispatches: 1)) })
    fillAttention = try machine(.attentionPrefill, precision.cache, dispatches: layers)
    decodeAttention = try machine(.attentionDecode, precision.cache, dispatches: layers)
    passOverhead = try rounded(profile.stepOverhead.value * 1e9, "an overhead")
    rowOverhead = try rounded(profile.sequenceOverhead.value * 1e9, "an overhead")
  }

  private static func part(_ points: [[NodeWork]], where isPart: (Component) -> Bool) -> Part {
    let sums = points.map { nodes in
      nodes.reduce(into: Work<Int128>.zero) { sum, node in if isPart(node.node.component) { sum += node.work } }
    }.map { Amount(matmulFlops: $0.matmulFlops, elementwiseFlops: $0.elementwiseFlops, bits: $0.trafficBits) }
    // After a prompt of one token each row attends two keys.
    let pair = sums[2] - sums[0]
    let whole = sums[1] - sums[0]
    let once = sums[0] - whole
    return Part(onceBits: once.bits, row: whole - pair - pair, pair: pair)
  }

  /// Rows, pairs and entries of a pass.
  struct Sums: Hashable, Sendable {
    var fillRows: Int128 = 0
    var decodeRows: Int128 = 0
    var headRows: Int128 = 0
    var fillPairs: Int128 = 0
    var fillEntries: Int128 = 0
    var decodePairs: Int128 = 0
    /// 1 for each fill row, K for each decode row.
    var sequences = 0
  }

  /// The sums of rows: a fill reads each entry before its end once, and a refill's continuations do not see each other.
  static func sums(_ rows: [PassRow]) -> Sums {
    var sums = Sums()
    for row in rows {
      let continuations = Int128(row.continuations)
      switch row.kind {
      case .decode:
        sums.decodeRows += continuations
        sums.headRows += continuations
        sums.decodePairs += continuations * Int128(row.length + 1)
        sums.sequences += row.continuations
      case .fill(let from, let tokens, let target):
        sums.fillRows += Int128(tokens)
        sums.sequences += 1
        if from + tokens == target { sums.headRows += continuations }
        add(row, from..<from + tokens, to: &sums)
      }
    }
    return sums
  }

  private static func add(_ row: PassRow, _ filled: Range<Int>, to sums: inout Sums) {
    /// Positions behind `before` others, from one place of a sequence to another.
    func add(_ part: Range<Int>, before: Int) {
      guard !part.isEmpty else { return }
      let (count, end) = (Int128(part.count), Int128(before + part.upperBound))
      sums.fillPairs += count * end - count * (count - 1) / 2
      sums.fillEntries += end
    }
    add(filled.clamped(to: 0..<row.prompt), before: 0)
    guard row.emitted > 0, filled.upperBound > row.prompt else { return }
    let generated = max(filled.lowerBound - row.prompt, 0)..<filled.upperBound - row.prompt
    for continuation in generated.lowerBound / row.emitted...(generated.upperBound - 1) / row.emitted {
      let start = continuation * row.emitted
      let part = generated.clamped(to: start..<start + row.emitted)
      add(part.lowerBound - start..<part.upperBound - start, before: row.prompt)
    }
  }

  /// What the stages of a pass do: products, attention of fill rows, that of decode rows, the head.
  static func work(_ sums: Sums, _ price: ModelPrice) -> [StagePrice.Work] {
    func work(_ part: Part, once: Bool, rows: Int128, pairs: Int128 = 0, entries: Int128 = 0) -> StagePrice.Work {
      let bits = (once ? part.onceBits : 0) + rows * part.row.bits + entries * part.pair.bits
      return StagePrice.Work(
        flop: rows * part.row.matmulFlops + pairs * part.pair.matmulFlops, bytes: Quantities.bytes(bits),
        elementwiseFlop: rows * part.row.elementwiseFlops + pairs * part.pair.elementwiseFlops)
    }
    return [
      work(price.linear, once: true, rows: sums.fillRows + sums.decodeRows),
      work(
        price.attention, once: sums.fillRows > 0, rows: sums.fillRows, pairs: sums.fillPairs,
        entries: sums.fillEntries),
      work(
        price.attention, once: sums.decodeRows > 0, rows: sums.decodeRows, pairs: sums.decodePairs,
        entries: sums.decodePairs),
      work(price.head, once: sums.headRows > 0, rows: sums.headRows),
    ]
  }

  /// The time of a pass without swaps, at least 1.
  /// - Parameter rows: in any order.
  public func nanoseconds(of rows: [PassRow]) throws(ServingError) -> Int {
    let sums = Self.sums(rows)
    let tokens = Double(sums.fillRows + sums.decodeRows)
    let machines = [
      products[profile.productClass(rows: tokens)], sums.fillRows > 0 ? fillAttention : nil,
      sums.decodeRows > 0 ? decodeAttention : nil,
      sums.headRows > 0 ? heads[profile.productClass(rows: Double(sums.headRows))] : nil,
    ]
    let overhead = machines.reduce(passOverhead) { $0 + ($1?.overhead ?? 0) }
    var price = try StagePrice(overhead: overhead, rowOverhead: rowOverhead, rows: sums.sequences)
    for (work, machine) in zip(Self.work(sums, self), machines) {
      if let machine { try price.add(work, machine.rates) }
    }
    return try price.nanoseconds
  }
}

/// - Throws: `ServingError` where a model's passes have no price.
private func checkIsServed(_ model: Model) throws(ServingError) {
  switch model.structure {
  case .stack: break
  case .hierarchy: throw .settings("passes of a hierarchy have no price yet; those of a model of one stack have")
  }
  if !model.hasFullCaches { throw .settings("passes of a model whose caches forget have no price yet") }
}

extension StateShape {
  /// Of a model of one stack with full caches.
  /// - Throws: `ServingError` where a model is another one, `CountOverflow`
  public init(_ model: Model, _ precision: Precision) throws {
    try checkIsServed(model)
    func held(_ tokens: Int) throws -> Int128 {
      try price(Question(model, Workload(promptLength: tokens, generatedLength: 0), precision)).cache.bytesAfterPrefill
    }
    // Eight tokens fill whole bytes whatever the element.
    let eight = try held(8)
    guard let bytes = Int(exactly: (eight + 7) / 8), bytes >= 1 else {
      throw ServingError.settings("a token of the model has no state of its own")
    }
    self.init(bytesPerToken: bytes)
  }
}
