/// A 64-bit FNV-1a hash (Fowler, Noll, Vo): a name for content, against accidents and not against people.
@frozen
public struct Fingerprint: Hashable, Sendable {
  @usableFromInline
  internal var state: UInt64

  /// The hash of everything absorbed so far.
  public var value: UInt64 { state }

  /// - Parameter start: what the hash begins with; by default the offset basis of the 64-bit variant.
  @inlinable
  public init(start: UInt64 = 0xcbf2_9ce4_8422_2325) { state = start }

  /// The hash of some bytes or other integers, each absorbed in one step.
  @inlinable
  public init(_ words: some Sequence<some FixedWidthInteger>) {
    self.init()
    for word in words { absorb(word) }
  }

  /// One step: exclusive or, then multiplication by the prime of the 64-bit variant.
  @inlinable
  public mutating func absorb(_ word: some FixedWidthInteger) {
    state = (state ^ UInt64(truncatingIfNeeded: word)) &* 0x100_0000_01b3
  }

  /// 16 hexadecimal digits.
  public var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
