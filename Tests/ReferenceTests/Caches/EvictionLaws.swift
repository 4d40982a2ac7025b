import Architectures
import Quantities
import TestModels
import Testing

@testable import Reference
@testable import Tensors

/// What has gone is gone: it does not come back, and nobody reads where it lay.
struct EvictionLaws {
  static let generated = [1, 1, 2, 1, 3, 1, 1, 1]

  /// Whether every head holds what it held or what is new, in order, and as much as the others of its layer.
  static func onlyShrinks(_ before: [[[[Int]]]], _ after: [[[[Int]]]], new: Range<Int>) -> Bool {
    zip(before, after).allSatisfy { before, after in
      let heads = zip(before.joined(), after.joined())
      return heads.allSatisfy { old, held in
        let inOrder = zip(held, held.dropFirst()).allSatisfy { $0 < $1 }
        return inOrder && held.allSatisfy { new.contains($0) || old.contains($0) }
      } && Set(after.joined().map(\.count)).count == 1
    }
  }

  @Test(arguments: CacheSubject.all, [Backend.plain, .fast])
  func `entries that go do not come back, and their memory is not read`(subject: CacheSubject, backend: Backend) {
    let model = CacheModels.vanilla.with(subject.cache)
    let (walk, poisoned) = (
      CacheWalk(model, groups: 2, prompt: 11, backend: backend),
      CacheWalk(model, groups: 2, prompt: 11, backend: backend)
    )
    poisoned.poisons = true
    var before = walk.positions
    for (queries, isPrompt) in CacheWalk.passes(model, prompt: 11, generated: Self.generated) {
      let start = walk.cache.nextPosition
      let logits = walk.pass(queries, isPrompt: isPrompt)
      #expect(GenerationLaws.bits(logits) == GenerationLaws.bits(poisoned.pass(queries, isPrompt: isPrompt)))
      #expect(logits.allSatisfy { $0.allSatisfy(\.isFinite) })
      let after = walk.positions
      #expect(Self.onlyShrinks(before, after, new: start..<start + queries), "\(before), then \(after)")
      #expect(after == poisoned.positions)
      before = after
    }
    let heldLess = before.contains { $0.contains { $0.contains { $0.count < 22 } } }
    // A chunk of one position has nothing that could go.
    let keeps = subject.retention.method == .chunked && subject.cache.prefillChunk == 1
    #expect(heldLess == (subject.retention != .everything && !keeps))
  }

  /// Encoders take single units and whole meta-contexts by turns, and recursive generation gives caches back.
  @Test(arguments: CacheSubject.atOnce)
  func `hierarchies do not read what their encoders have let go of`(subject: CacheSubject) {
    // Conditions of whole meta-contexts at once, and one at a time.
    for model in CacheModels.photons where [.cascade, .reconstruction].contains(model.decoderInput) {
      let weights = ModelWeights(model.with(subject.cache), seed: 5, holdsNumbers: true)
      func run(poisons: Bool) -> [[UInt32]] {
        let workload = Workload(promptLength: 17, generatedLength: 16, batchSize: 2, continuations: 2)
        let session = HierarchySession(weights, workload: workload, machine: Machine(backend: .plain))
        session.prefill([GenerationLaws.prompt(17), GenerationLaws.prompt(17, seed: 1)])
        var before = session.encoderCaches.map(\.positions)
        var logits = [[UInt32]](repeating: [], count: 4)
        _ = session.generate { row, sequence, position in
          // All sequences of a slot are asked before anything runs.
          if sequence == 0 {
            for (index, cache) in session.encoderCaches.enumerated() {
              if poisons { cache.poison() }
              let (end, after) = (cache.nextPosition, cache.positions)
              let newest = before[index].joined().joined().joined().max().map { $0 + 1 } ?? 0
              #expect(Self.onlyShrinks(before[index], after, new: min(newest, end)..<end))
              before[index] = after
            }
          }
          logits[sequence] += row.map(\.bitPattern)
          return greedy(row, sequence, position)
        }
        return logits
      }
      #expect(run(poisons: false) == run(poisons: true), "\(model.decoderInput) \(model.generation)")
    }
  }
}
