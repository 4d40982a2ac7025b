/// The price of stages in whole numbers of 10⁻³⁰ s, with one rounding at the end (docs/simulation.md, §1).
public struct StagePrice: Hashable, Sendable {
  /// Work that is done at once.
  public struct Work: Hashable, Sendable {
    /// F, of products.
    public var flop: Int128
    /// Y
    public var bytes: Int128
    /// E, of everything else.
    public var elementwiseFlop: Int128

    /// Products alone unless told otherwise.
    public init(flop: Int128, bytes: Int128, elementwiseFlop: Int128 = 0) {
      (self.flop, self.bytes, self.elementwiseFlop) = (flop, bytes, elementwiseFlop)
    }
  }

  /// What work costs.
  public struct Rates: Hashable, Sendable {
    /// q_F
    /// - Unit: 10⁻²⁴ s per FLOP
    public var flop: Int128
    /// q_Y
    /// - Unit: 10⁻²⁴ s per byte
    public var byte: Int128
    /// q_E
    /// - Unit: 10⁻²⁴ s per FLOP
    public var elementwiseFlop: Int128
    /// o, in millionths.
    public var overlap: Int

    /// Prices of what a machine does in a second, after every efficiency.
    /// - Parameters:
    ///   - flopPerSecond: of products.
    ///   - bytesPerSecond: of memory, or of a link.
    ///   - overlap: the share of the shorter that hides behind the longer.
    ///   - elementwisePerSecond: of other arithmetic; that of products where nil.
    /// - Throws: `ServingError` where a rate is no number of at least 1, or an overlap no share.
    public init(
      flopPerSecond: Double, bytesPerSecond: Double, overlap: Double, elementwisePerSecond: Double? = nil
    ) throws(ServingError) {
      flop = try Self.price(flopPerSecond)
      elementwiseFlop = try Self.price(elementwisePerSecond ?? flopPerSecond)
      byte = try Self.price(bytesPerSecond)
      self.overlap = try rounded(overlap * 1e6, "an overlap")
      guard 0...1_000_000 ~= self.overlap else { throw .settings("an overlap lies between 0 and 1, not \(overlap)") }
    }

    private static func price(_ perSecond: Double) throws(ServingError) -> Int128 {
      guard perSecond >= 0.5, let rate = Int128(exactly: perSecond.rounded(.toNearestOrEven)), rate >= 1 else {
        throw .settings("a rate is at least 1 per second, not \(perSecond)")
      }
      let (whole, rest) = (1_000_000_000_000_000_000_000_000 as Int128).quotientAndRemainder(dividingBy: rate)
      let isUp = 2 * rest > rate || 2 * rest == rate && whole % 2 == 1
      return isUp ? whole + 1 : whole
    }
  }

  /// 10⁻³⁰ s so far.
  public private(set) var sum: Int128 = 0

  /// A pass without work.
  /// - Parameters:
  ///   - overhead: a_pass.
  ///   - rowOverhead: a_row.
  ///   - rows: 1 for each fill row, K for each decode row.
  /// - Unit: ns
  public init(overhead: Int = 0, rowOverhead: Int = 0, rows: Int = 0) throws(ServingError) {
    sum = try product(1_000_000_000_000_000_000_000, Int128(overhead) + product(Int128(rowOverhead), Int128(rows)))
  }

  /// Adds a stage. The order of stages does not matter.
  public mutating func add(_ work: Work, _ rates: Rates) throws(ServingError) {
    let compute = try total(product(work.flop, rates.flop), product(work.elementwiseFlop, rates.elementwiseFlop))
    let memory = try product(work.bytes, rates.byte)
    let longer = try product(max(compute, memory), 1_000_000)
    let shorter = try product(min(compute, memory), Int128(1_000_000 - rates.overlap))
    sum = try total(sum, total(longer, shorter))
  }

  /// The pass, at least 1.
  /// - Unit: ns
  public var nanoseconds: Int {
    get throws(ServingError) {
      let rounded = try total(sum, 500_000_000_000_000_000_000) / 1_000_000_000_000_000_000_000
      guard let time = Int(exactly: max(1, rounded)) else { throw .overflow("the time of a pass") }
      return time
    }
  }
}

private func product(_ left: Int128, _ right: Int128) throws(ServingError) -> Int128 {
  let (value, overflow) = left.multipliedReportingOverflow(by: right)
  if overflow { throw .overflow("the price of a pass") }
  return value
}

private func total(_ left: Int128, _ right: Int128) throws(ServingError) -> Int128 {
  let (value, overflow) = left.addingReportingOverflow(right)
  if overflow { throw .overflow("the price of a pass") }
  return value
}
