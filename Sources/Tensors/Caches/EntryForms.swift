import Architectures
import Quantities

/// What an entry of one key–value head consists of: a conformance for each method, in a file of its own.
///
/// An entry comes as a key and a value in the cache's element type. A form may leave the newest ones so, and changes them
/// once they are older.
package protocol EntryForming: Sendable {
  /// What an entry in this form takes, and the arithmetic of reading it.
  func size(headWidth: Int) -> EntryTraffic
  /// The same of its key.
  func keySize(headWidth: Int) -> EntryTraffic
  /// Newest entries of a head that stay as they came.
  var residual: Int { get }
  /// What changes an entry; nil where it comes in this form.
  var quantisation: Quantisation? { get }
}

extension EntryForming {
  package var residual: Int { 0 }
  package var quantisation: Quantisation? { nil }
}

/// A rotated key and a value.
struct KeyAndValue: EntryForming {
  func size(headWidth: Int) -> EntryTraffic { EntryTraffic(elements: 2 * headWidth) }
  func keySize(headWidth: Int) -> EntryTraffic { EntryTraffic(elements: headWidth) }
}

/// The method of a plan.
func forming(_ form: EntryForm) -> any EntryForming {
  switch form {
  case .keyAndValue: KeyAndValue()
  case .quantised(let plan): Quantised(plan: plan)
  }
}

/// What an operation reads or writes of entries.
public struct EntryTraffic: Hashable, Sendable {
  /// Elements of the cache's type.
  public var elements: Int
  /// Bits of their own, whatever the cache's type.
  public var ownBits: Int
  /// Element-wise FLOP that make of them what attention reads.
  public var flops: Int

  public init(elements: Int = 0, ownBits: Int = 0, flops: Int = 0) {
    (self.elements, self.ownBits, self.flops) = (elements, ownBits, flops)
  }

  /// - Parameter element: bits of the cache's type.
  func bits(in element: Int128) -> Int128 { Int128(elements) * element + Int128(ownBits) }

  static func + (left: Self, right: Self) -> Self {
    EntryTraffic(
      elements: left.elements + right.elements, ownBits: left.ownBits + right.ownBits, flops: left.flops + right.flops)
  }

  static func * (count: Int, each: Self) -> Self {
    EntryTraffic(elements: count * each.elements, ownBits: count * each.ownBits, flops: count * each.flops)
  }
}

extension CacheRun {
  /// What so many entries of every head of the run take: those in their form, and those that are as they came.
  /// - Returns: nil where all are a key and a value in the cache's type, as operations have them.
  func traffic(formed: Int, fresh: Int) -> EntryTraffic? {
    let (width, plain) = (shape.headWidth, KeyAndValue())
    let size = methods.form.size(headWidth: width)
    guard size != plain.size(headWidth: width) else { return nil }
    return heads.count * (formed * size + fresh * plain.size(headWidth: width))
  }

  /// The same of their keys.
  func keyTraffic(formed: Int, fresh: Int) -> EntryTraffic? {
    let (width, plain) = (shape.headWidth, KeyAndValue())
    let size = methods.form.keySize(headWidth: width)
    guard size != plain.keySize(headWidth: width) else { return nil }
    return heads.count * (formed * size + fresh * plain.keySize(headWidth: width))
  }
}
