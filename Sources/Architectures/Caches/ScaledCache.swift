extension StackCache {
  /// The same method in a context that is so many times as long: every length grows with it, shares, kernels and slopes
  /// stay.
  /// - Returns: nil where the method does not accept the lengths.
  public func scaled(by ratio: Double) -> StackCache? {
    guard let retention = Retention(plan.retention.method, ScaledSettings(plan.retention.settings, ratio)),
      let lookup = Lookup(plan.lookup.method, ScaledSettings(plan.lookup.settings, ratio)), lookup.problems.isEmpty
    else { return nil }
    var scaled = self
    (scaled.plan.retention, scaled.plan.lookup) = (retention, lookup)
    scaled.prefillChunk = prefillChunk.map { max(1, Int((Double($0) * ratio).rounded())) }
    return scaled
  }
}

/// The settings of a method with its lengths multiplied, within what the method accepts.
private struct ScaledSettings: CacheSettings {
  /// Whole numbers that are no lengths in the context.
  static let fixed =
    ["kernel", "beta", "cascades", "blocks", "representative_keys", "query_block", "key_block", "refresh"]
    + (1...InfiniteHiP.stageCount).flatMap { ["stride_\($0)", "refresh_\($0)"] }

  let given: [String: CacheSetting]
  let ratio: Double

  init(_ settings: [(key: String, value: CacheSetting)], _ ratio: Double) {
    given = Dictionary(uniqueKeysWithValues: settings.map { ($0.key, $0.value) })
    self.ratio = ratio
  }

  func integer(_ key: String, in accepted: ClosedRange<Int>, usual: Int?) -> Int? {
    guard case .integer(let value) = given[key] else { return usual }
    if Self.fixed.contains(key) { return value }
    return min(max(Int((Double(value) * ratio).rounded()), accepted.lowerBound), accepted.upperBound)
  }

  func fraction(_ key: String, usual: Double?) -> Double? {
    guard case .fraction(let value) = given[key] else { return usual }
    return value
  }

  func flag(_ key: String, usual: Bool?) -> Bool? {
    guard case .flag(let value) = given[key] else { return usual }
    return value
  }

  func word<Word: RawRepresentable & CaseIterable>(_ key: String, usual: Word?) -> Word? where Word.RawValue == String {
    guard case .word(let value) = given[key] else { return usual }
    return Word(rawValue: value) ?? usual
  }
}
