import Architectures
import CKernels
import Quantities
import Reference
import Tensors
import Workbench

extension Ratios {
  /// Decode of models larger than the last-level cache: the bytes that its operations must read and write, over its
  /// time, against a plain read of a buffer that no cache holds.
  static func decode() throws {
    row("model, batch", "ms per token", "GB/s", "read GB/s", "share", "spread")
    let bytes = 512 << 20
    let buffer = UnsafeMutablePointer<Float>.allocate(capacity: bytes / 4)
    buffer.initialize(repeating: 1, count: bytes / 4)
    defer { buffer.deallocate() }
    for threads in [1, 2] {
      setKernelThreads(threads)
      for (name, model) in try largeModels() {
        let weights = ModelWeights(model, seed: 1, holdsNumbers: true)
        let run = Run(weights, Workload(promptLength: 64, generatedLength: 64))
        let traffic = decodeBytes(run)
        // The read's time is scaled to the traffic of the run, so that a round's quotient is the share of bandwidth.
        let read = { seconds { _ = ck_read(buffer, bytes, 1) } * traffic / Double(bytes) }
        let (ours, peer, share) = interleave(rounds: 9, ours: { run.time().decode }, peer: read)
        row(
          "\(name), \(threads) thr", short(ours.median / 64 * 1e3), short(traffic / ours.median / 1e9),
          short(traffic / peer.median / 1e9), percent(share.median), percent(share.spread))
      }
    }
  }

  private static func largeModels() throws -> [(String, Model)] {
    var wide = try preset("vanilla-small")
    wide.layer = LayerShape(width: 1024, heads: 16, feedForward: 3072)
    return [
      ("photon-small", try preset("photon-small")), ("block-small", try preset("block-small")),
      ("vanilla-small", try preset("vanilla-small")), ("vanilla of width 1024", wide),
    ]
  }

  /// Compulsory traffic of the generation of a run in fp32.
  private static func decodeBytes(_ run: Run) -> Double {
    let precision = Precision(weights: .fp32, activations: .fp32, cache: .fp32)
    let trace = Trace(levelCount: run.weights.model.levelCount, precision: precision)
    let shapes = ModelWeights(run.weights.model, seed: 1, holdsNumbers: false)
    let session = makeSession(shapes, workload: run.workload, machine: Machine(backend: .shapes, trace: trace))
    session.prefill(run.prompts)
    _ = session.generate()
    let work = trace.total(.decode)
    return Double(work.weightBits + work.cacheReadBits + work.cacheWriteBits + work.localReadBits) / 8
  }
}
