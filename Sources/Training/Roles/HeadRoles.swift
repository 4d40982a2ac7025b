import Architectures
import GSL

/// Which key–value heads of each layer keep and read everything.
public struct HeadRoles: Hashable, Sendable {
  /// Per layer and head.
  public let isFull: [[Bool]]

  /// - Parameters:
  ///   - isFull: layer by layer.
  ///   - heads: key–value heads of a layer.
  init(_ isFull: [Bool], heads: Int) {
    self.isFull = stride(from: 0, to: isFull.count, by: heads).map { Array(isFull[$0..<$0 + heads]) }
  }

  /// What gates say once they are learned.
  /// - Parameters:
  ///   - gates: layer by layer: logα of PruLong, α of DuoAttention.
  ///   - heads: key–value heads of a layer.
  ///   - settings: method, sparsity, order and seed.
  public init(_ gates: [Double], heads: Int, _ settings: RoleSettings) {
    let full =
      switch settings.method {
      case .pruLong: Self.largest(gates, settings)
      case .duoAttention: Self.aboveQuantile(gates, settings)
      }
    self.init(full, heads: heads)
  }

  /// Full heads.
  public var fullCount: Int { isFull.joined().count { $0 } }

  /// The heads of a cache: one row for each layer, `1` for a full head.
  public var exempt: ExemptHeads { .roles(isFull.map { row in row.map { $0 ? "1" : "0" }.joined() }) }

  /// PruLong: the ⌊N·(1 − sparsity)⌋ largest, truncated as the code does it.
  static func largest(_ gates: [Double], _ settings: RoleSettings) -> [Bool] {
    let count = Int(Double(gates.count) * (1 - settings.sparsity))
    let (keys, ties) =
      switch settings.order {
      case .gates: (gates, Array(gates.indices))
      case .masks:
        (HardConcrete.masks(gates), permutation(gates.count, seed: settings.seed, name: "ties of masks"))
      }
    let order = gates.indices.sorted { (keys[$1], ties[$0]) < (keys[$0], ties[$1]) }
    var isFull = Array(repeating: false, count: gates.count)
    for head in order.prefix(count) { isFull[head] = true }
    return isFull
  }

  /// DuoAttention: noise below 10⁻⁶ against ties, then those at or above the quantile of the sparsity.
  static func aboveQuantile(_ gates: [Double], _ settings: RoleSettings) -> [Bool] {
    if settings.sparsity >= 1 { return gates.map { _ in false } }
    if settings.sparsity <= 0 { return gates.map { _ in true } }
    let stream = RandomStream(seed: UInt64(settings.seed), name: "ties of gates")
    let noisy = gates.map { $0 + 1e-6 * stream.uniform() }
    // Linear between the two neighbours in order, as NumPy's quantile is.
    let (sorted, place) = (noisy.sorted(), settings.sparsity * Double(gates.count - 1))
    let below = Int(place)
    let threshold =
      sorted[below] + (place - Double(below)) * (sorted[min(below + 1, gates.count - 1)] - sorted[below])
    return noisy.map { $0 >= threshold }
  }

  /// The place of each of so many things in a random order.
  private static func permutation(_ count: Int, seed: Int, name: String) -> [Int] {
    let stream = RandomStream(seed: UInt64(seed), name: name)
    var places = Array(0..<count)
    for index in places.indices.dropLast() { places.swapAt(index, stream.integer(in: index..<count)) }
    return places
  }
}
