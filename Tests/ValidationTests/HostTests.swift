import Architectures
import Quantities
import Testing

@testable import Formulas
@testable import Reference
@testable import Tensors

/// Footprints of entries in the memory of the host, against executed caches.
struct HostTests {
  static var questions: [Question] {
    FootprintTests.models.flatMap { model in
      [(0, nil), (2, 3), (5, 1), (40, 4)].flatMap { (onDevice: Int, chunk: Int?) -> [Question] in
        [(EntryForm.keyAndValue, ExemptHeads.none), (.quantised(Quantisation(format: .int4, group: 1)), .heads(1))]
          .flatMap { entry, exempt -> [Question] in
            var model = model
            model.setCaches { _ in
              StackCache(
                CachePlan(entry: entry, placement: .host(HostMemory(onDevice: onDevice))), exempt: exempt,
                prefillChunk: chunk)
            }
            return [(7, 5), (12, 9), (13, 20)].map {
              Question(model, Workload(promptLength: $0.0, generatedLength: $0.1), .float32)
            }
          }
      }
    }
  }

  @Test func `the footprint is the device's and the host's, each that of the executed caches over generation`() throws {
    for question in Self.questions {
      let session = makeSession(
        ModelWeights(question.model, seed: 1, holdsNumbers: false), workload: question.workload,
        machine: Machine(backend: .shapes))
      session.prefill([[Int32](repeating: 0, count: question.workload.promptLength)])
      var host: Int128 = 0
      _ = session.generate { _, _, _ in
        // What has closed before a token is processed; its own entry is on the device.
        let caches = (session as? HierarchySession)?.encoderCaches.map { $0 } ?? (session as! VanillaSession).caches
        host += caches.reduce(0) { $0 + $1.bitsAtHost(in: .fp32) }
        return 0
      }
      let (whole, prompt) = (try ModelFootprint(question), try ModelFootprint(question.with(generatedLength: 0)))
      #expect(whole.hostStored - prompt.hostStored == host, "\(question)")
      var onDevice = question
      onDevice.model.setCaches { level in
        var cache = question.model.cache(at: level)
        cache.plan.placement = .contiguous
        return cache
      }
      let same = try ModelFootprint(onDevice)
      #expect(whole.stored == same.stored && whole.footprint == same.footprint)
      #expect(abs(whole.deviceFootprint + whole.hostFootprint - whole.footprint) < 1e-15)
    }
  }

  /// Σ over the tokens of the prompt, one by one: during a pass the host holds what it held when the pass began.
  @Test func `the memory of the host over a prompt is that of a walk over its tokens`() throws {
    for question in Self.questions {
      let question = question.with(generatedLength: 0)
      for part in try ModelFootprint(question).parts {
        let stack = question.model.stack(part.node.level, part.node.side)
        guard stack.persists, let host = part.plan.placement.host else {
          #expect(part.hostStored == 0)
          continue
        }
        let (prompt, span) = (question.workload.promptLength, question.model.metaContextLength(upTo: stack.level))
        let (units, chunk) = (prompt / span, stack.prefillChunk ?? max(prompt / span, 1))
        let held = (0..<prompt).reduce(0) { sum, token in
          let unit = token / span
          return sum + max((unit == units ? units : unit / chunk * chunk) - host.onDevice, 0)
        }
        #expect(part.hostStored == Int128(held), "\(part)")
      }
    }
  }
}
