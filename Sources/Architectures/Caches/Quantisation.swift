/// Cache quantisation: groups of neighbouring features of one entry are stored in few bits, with a scale of their own.
///
/// The groups are those of the values in KIVI (arXiv:2402.02750) and of the quantised cache of Hugging Face Transformers;
/// keys are cut alike.
public struct Quantisation: Hashable, Sendable {
  /// What a number is stored as.
  public var format: Format
  /// Features of a head that share a scale; the last group of a head may have fewer.
  public var group: Int
  /// The newest entries of a head, which stay in the cache's own element type until they are older.
  public var residual: Int

  /// What a number is stored as.
  public enum Format: String, CaseIterable, Sendable {
    /// An integer of 8 or 4 bits, with a scale and a zero point of 16 bits for each group.
    case int8, int4
    /// Floating point with 4 bits of exponent and 3 of mantissa (e4m3), with a scale of 16 bits for each group.
    case fp8
  }

  public init(format: Format = .int8, group: Int = 32, residual: Int = 0) {
    self.format = format
    self.group = group
    self.residual = residual
  }

  init?(_ settings: some CacheSettings) {
    let usual = Quantisation()
    guard let format = settings.word("format", usual: usual.format),
      let group = settings.integer("group", in: 1...Limits.headWidth, usual: usual.group),
      let residual = settings.integer("residual", in: 0...Limits.promptLength, usual: usual.residual)
    else { return nil }
    self.init(format: format, group: group, residual: residual)
  }

  var settings: [(key: String, value: CacheSetting)] {
    [("format", .word(format.rawValue)), ("group", .integer(group)), ("residual", .integer(residual))]
  }
}
