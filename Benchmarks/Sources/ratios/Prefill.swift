import Architectures
import GSL
import Quantities
import Reference
import Tensors
import Workbench

/// A product of `rows` activations with a weight matrix.
private struct Product {
  let rows: Int
  let outputs: Int
  let inputs: Int

  var flops: Double { 2 * Double(rows) * Double(outputs) * Double(inputs) }
}

extension Tensors.Operation {
  /// The product with weights that the operation contains.
  fileprivate var product: Product? {
    switch self {
    case .embedding, .attention, .mixHeads, .norm, .moveEntries, .scoreEntries, .rotateEntries, .transferEntries,
      .quantiseEntries:
      nil
    case .queryKeyValue(let rows, let layer, _, _):
      Product(rows: rows, outputs: layer.queryWidth + 2 * layer.keyValueWidth, inputs: layer.width)
    case .output(let rows, let layer): Product(rows: rows, outputs: layer.width, inputs: layer.queryWidth)
    case .gateUp(let rows, let layer):
      Product(rows: rows, outputs: (layer.feedForwardKind.matrixCount - 1) * layer.feedForward, inputs: layer.width)
    case .down(let rows, let layer): Product(rows: rows, outputs: layer.width, inputs: layer.feedForward)
    case .chunker(let rows, let inputs, let outputs, _), .converter(let rows, let inputs, let outputs):
      Product(rows: rows, outputs: outputs, inputs: inputs)
    case .head(let rows, let width, let vocabulary): Product(rows: rows, outputs: vocabulary, inputs: width)
    }
  }
}

extension Ratios {
  /// Prefill against a loop of CBLAS calls that does nothing but the same products with weights.
  ///
  /// `time` compares the times: attention, norms, activations and embeddings are charged to us and done by nobody on
  /// the other side. `rate` compares matrix FLOP per second, those of attention's products included in ours.
  static func prefill() throws {
    row("model, batch × prompt", "ours ms", "CBLAS ms", "GFLOP/s", "CBLAS", "time", "rate", "spread")
    for threads in [1, 2] {
      setKernelThreads(threads)
      for name in ["photon-small", "block-small", "vanilla-small"] {
        let weights = ModelWeights(try preset(name), seed: 1, holdsNumbers: true)
        for (batch, prompt) in [(1, 512), (4, 512), (1, 2048)] {
          let run = Run(weights, Workload(promptLength: prompt, generatedLength: 1, batchSize: batch))
          let (products, flops) = try products(of: run)
          let productFlops = products.reduce(0) { $0 + $1.flops }
          let loop = ProductLoop(products, threads: threads)
          let (ours, peer, share) = interleave(rounds: 9, ours: { run.time().prefill }, peer: { loop.time() })
          row(
            "\(name), \(batch) × \(prompt), \(threads) thr", short(ours.median * 1e3), short(peer.median * 1e3),
            short(flops / ours.median / 1e9), short(productFlops / peer.median / 1e9), percent(share.median),
            percent(share.median * flops / productFlops), percent(share.spread))
        }
      }
    }
  }

  /// Every product of a prefill with weights, in the order of its first appearance, and all matrix FLOP.
  private static func products(of run: Run) throws -> (products: [Product], flops: Double) {
    let precision = Precision(weights: .fp32, activations: .fp32, cache: .fp32)
    let trace = Trace(levelCount: run.weights.model.levelCount, precision: precision, listsOperations: true)
    let shapes = ModelWeights(run.weights.model, seed: 1, holdsNumbers: false)
    makeSession(shapes, workload: run.workload, machine: Machine(backend: .shapes, trace: trace))
      .prefill(run.prompts)
    let products = trace.operations.flatMap { entry, count in
      entry.operation.product.map { Array(repeating: $0, count: count) } ?? []
    }
    return (products, Double(trace.total(.prefill).matmulFlops))
  }
}

/// Products with operands of their own, so that weights come from memory as they do in a model.
private final class ProductLoop {
  private let products: [Product]
  private let weights: [UnsafeMutablePointer<Float>]
  private let input: UnsafeMutablePointer<Float>
  private let output: UnsafeMutablePointer<Float>
  private let threads: Int

  init(_ products: [Product], threads: Int) {
    func numbers(_ count: Int) -> UnsafeMutablePointer<Float> {
      let base = UnsafeMutablePointer<Float>.allocate(capacity: count)
      for index in 0..<count { base[index] = Float(index % 17) / 17 - 0.5 }
      return base
    }
    self.products = products
    self.threads = threads
    weights = products.map { numbers($0.outputs * $0.inputs) }
    input = numbers(products.map { $0.rows * $0.inputs }.max() ?? 1)
    output = numbers(products.map { $0.rows * $0.outputs }.max() ?? 1)
  }

  deinit {
    weights.forEach { $0.deallocate() }
    input.deallocate()
    output.deallocate()
  }

  func time() -> Double {
    // Our kernels bring threads of their own and keep OpenBLAS on one.
    BLAS.setThreads(threads)
    defer { BLAS.setThreads(1) }
    return seconds {
      for (product, weight) in zip(products, weights) {
        BLAS.sgemm(
          rows: product.rows, columns: product.outputs, inner: product.inputs, a: input, lda: product.inputs,
          b: weight, ldb: product.inputs, transposeB: true, c: output, ldc: product.outputs)
      }
    }
  }
}
