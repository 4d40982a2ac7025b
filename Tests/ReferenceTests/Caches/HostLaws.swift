import Architectures
import Quantities
import TestModels
import Testing

@testable import Reference
@testable import Tensors

/// Entries in the memory of the host: what they are does not depend on where they lie.
struct HostLaws {
  static let placements = [HostMemory(), HostMemory(onDevice: 3), HostMemory(onDevice: 40, overlaps: false)]

  @Test(arguments: [nil, 3]) func `where entries lie changes no bit`(chunk: Int?) {
    for model in BudgetLaws.models {
      let whole = BudgetLaws.logits(model.with(StackCache(CachePlan(), prefillChunk: chunk)))
      for placement in Self.placements {
        let own = model.with(StackCache(CachePlan(placement: .host(placement)), prefillChunk: chunk))
        #expect(own.problems.isEmpty)
        #expect(BudgetLaws.logits(own) == whole, "\(placement) of \(model.family)")
      }
    }
  }

  @Test func `all but the newest lie at the host behind every pass, and cross once in each way`() {
    for (onDevice, chunk) in [(0, 11), (2, 4), (5, 1), (40, 11)] {
      let trace = Trace(levelCount: 0, precision: .float32, listsOperations: true)
      let cache = StackCache(CachePlan(placement: .host(HostMemory(onDevice: onDevice))), prefillChunk: chunk)
      let walk = CacheWalk(CacheModels.vanilla.with(cache), groups: 2, prompt: 11, trace: trace)
      var crossed = 0
      for (queries, isPrompt) in CacheWalk.passes(walk.model, prompt: 11, generated: [1, 2, 1]) {
        let found = walk.cache.nextPosition
        walk.pass(queries, isPrompt: isPrompt)
        let (before, behind) = (max(found - onDevice, 0), max(found + queries - onDevice, 0))
        crossed += before + behind - before
        // Two groups, three layers, two heads of a key and a value of four features of 32 bits.
        let entry = Int128(2 * 3 * 2 * 2 * 4 * 32)
        #expect(walk.cache.bitsAtHost(in: .fp32) == Int128(behind) * entry)
        #expect(walk.cache.bitsHeld(in: .fp32) == Int128(min(found + queries, onDevice)) * entry)
        #expect(trace.work(.prefill, at: Node(0, .decoder, .upkeep)).hostBits == Int128(crossed) * entry)
      }
    }
  }
}
