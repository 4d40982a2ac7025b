import Architectures
import Quantities

/// Groups of neighbouring features in few bits, each with a scale, and integers with a zero point too.
///
/// The memory of a cache has float32 numbers; of an entry that is quantised it has those that reading it gives back.
struct Quantised: EntryForming {
  let plan: Quantisation
  var residual: Int { plan.residual }
  var quantisation: Quantisation? { plan }

  func size(headWidth: Int) -> EntryTraffic { 2 * keySize(headWidth: headWidth) }

  func keySize(headWidth: Int) -> EntryTraffic {
    let groups = (headWidth - 1) / plan.group + 1
    switch plan.format {
    case .int8: return EntryTraffic(ownBits: 8 * headWidth + (16 + 16) * groups, flops: 2 * headWidth)
    case .int4: return EntryTraffic(ownBits: 4 * headWidth + (16 + 16) * groups, flops: 2 * headWidth)
    case .fp8: return EntryTraffic(ownBits: 8 * headWidth + 16 * groups, flops: headWidth)
    }
  }
}

extension Quantisation {
  /// Element-wise FLOP of quantising a vector of so many features.
  func flops(of width: Int) -> Int {
    let groups = (width - 1) / group + 1
    switch format {
    case .int8, .int4: return 5 * width + 2 * groups
    case .fp8: return 3 * width + groups
    }
  }

  /// Bits of such a vector.
  func bits(of width: Int) -> Int { Quantised(plan: self).keySize(headWidth: width).ownBits }

  /// Makes a vector what reading its quantised form gives back.
  func round<Scalar: KernelScalar>(_ vector: UnsafeMutablePointer<Scalar>, count: Int) {
    for first in stride(from: 0, to: count, by: group) {
      let (numbers, count) = (vector + first, min(group, count - first))
      switch format {
      case .int8, .int4:
        let (scale, zero) = PlainKernels<Scalar>.quantise(count, numbers, steps: format == .int8 ? 255 : 15)
        PlainKernels<Scalar>.dequantise(count, numbers, scale: scale, zero: zero)
      case .fp8:
        let scale = PlainKernels<Scalar>.quantiseFloats(count, numbers)
        PlainKernels<Scalar>.dequantise(count, numbers, scale: scale, zero: nil)
      }
    }
  }
}

// MARK: Entries that are quantised

/// Entries of each head of a run that a pass quantises: ranks in order of position.
struct Quantising {
  /// Of those that the groups hold or are just given.
  let ranks: Range<Int>
  /// Entries that a head holds before the pass.
  let held: Int

  /// Those that have been held as they came.
  var leaving: Int { ranks.clamped(to: 0..<held).count }
  /// Those that the pass brings.
  var atOnce: Int { ranks.count - leaving }
}

extension KeyValueCache {
  /// How many entries of each head of a run have their form once a pass of so many rows has been appended, those of the
  /// prefix among them; rows that look ahead do not get it.
  func formed(run index: Int, behind queries: Int) -> Int {
    let form = runs[index].methods.form
    guard form.quantisation != nil else { return held(run: index) + queries }
    return (prefix?.ownHeld(run: index) ?? 0)
      + max(ownFormed(run: index), ownHeld(run: index) + queries - lookahead - form.residual)
  }

  /// What a pass of so many queries quantises in the heads of a run; nil where the form is another.
  func quantising(run index: Int, queries: Int) -> Quantising? {
    guard runs[index].methods.form.quantisation != nil else { return nil }
    let shared = prefix?.ownHeld(run: index) ?? 0
    return Quantising(
      ranks: ownFormed(run: index)..<formed(run: index, behind: queries) - shared, held: ownHeld(run: index))
  }

  /// What the rows of a pass append to a layer; nil where all of it is keys and values in the cache's type.
  func appended(layer: Int, groups: Int, queries: Int) -> EntryTraffic? {
    guard !storesKeysAndValues else { return nil }
    return runs(of: layer).reduce(EntryTraffic()) { sum, index in
      let run = runs[index]
      let atOnce = quantising(run: index, queries: queries)?.atOnce ?? queries
      return sum + groups * (run.traffic(formed: atOnce, fresh: queries - atOnce) ?? run.plainTraffic(queries))
    }
  }

  /// Rounds the numbers of the entries that a pass quantises.
  func round(_ quantising: Quantising, groups: Int, run index: Int) {
    let run = runs[index]
    guard let plan = run.methods.form.quantisation, let entries = entries(run.layer) else { return }
    let width = layout.headWidth
    for group in 0..<groups {
      for (place, head) in run.heads.enumerated() {
        let member = places[index].count > 1 ? group * run.heads.count + place : 0
        for rank in quantising.ranks {
          let entry = rank < quantising.held && !places[index].isEmpty ? Int(places[index][member].places[rank]) : rank
          plan.round(entries.keys(group: group, head: head, entry: entry), count: width)
          plan.round(entries.values(group: group, head: head, entry: entry), count: width)
        }
      }
    }
  }
}

extension CacheRun {
  /// So many keys and values of every head of the run in the cache's type.
  func plainTraffic(_ count: Int) -> EntryTraffic {
    heads.count * (count * KeyAndValue().size(headWidth: shape.headWidth))
  }
}
