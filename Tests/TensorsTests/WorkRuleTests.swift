import Architectures
import Quantities
import Testing

@testable import Tensors

/// A number that books each of its operations as matrix or element-wise work.
struct CountingScalar: KernelScalar {
  struct Counts: Equatable {
    var matmul: Int128 = 0
    var elementwise: Int128 = 0
  }

  @TaskLocal static var meter = Meter()

  final class Meter: @unchecked Sendable {
    var counts = Counts()
    var kind = WorkKind.elementwise
  }

  var value: Double

  init(_ value: Double) { self.value = value }

  private static func count(_ value: Double) -> CountingScalar {
    let meter = meter
    if meter.kind == .matmul { meter.counts.matmul += 1 } else { meter.counts.elementwise += 1 }
    return CountingScalar(value)
  }

  static func + (left: Self, right: Self) -> Self { count(left.value + right.value) }
  static func - (left: Self, right: Self) -> Self { count(left.value - right.value) }
  static func * (left: Self, right: Self) -> Self { count(left.value * right.value) }
  static func / (left: Self, right: Self) -> Self { count(left.value / right.value) }
  static func exponential(_ value: Self) -> Self { count(Double.exponential(value.value)) }
  static func logarithm(_ value: Self) -> Self { count(Double.logarithm(value.value)) }
  static func squareRoot(_ value: Self) -> Self { count(value.value.squareRoot()) }
  static func maximum(_ left: Self, _ right: Self) -> Self { count(max(left.value, right.value)) }
  static func account(as kind: WorkKind) { meter.kind = kind }
}

/// Each work rule against the plain kernels on a scalar that counts, composed as the machine composes them.
struct WorkRuleTests {
  typealias Kernels = PlainKernels<CountingScalar>

  static let layers = [
    LayerShape(width: 6, heads: 2, feedForward: 10),
    LayerShape(width: 12, heads: 4, keyValueHeads: 2, feedForward: 7, feedForwardKind: .twoMatrix),
    LayerShape(width: 10, heads: 2, keyValueHeads: 1, headWidth: 3, feedForward: 5),
  ]

  static var operations: [Operation] {
    layers.flatMap { layer -> [Operation] in
      [
        .embedding(rows: 3, width: 5), .queryKeyValue(rows: 3, layer: layer, store: .local),
        .attention(
          AttentionShape(groups: 2, queries: 3, keysBefore: 4, layer: layer, store: .persistent, readsOnce: true)),
        .attention(
          AttentionShape(groups: 1, queries: 1, keysBefore: 0, layer: layer, store: .local, readsOnce: false)),
        .output(rows: 2, layer: layer), .gateUp(rows: 3, layer: layer), .down(rows: 3, layer: layer),
        .norm(rows: 4, width: 7), .chunker(rows: 2, inputWidth: 9, outputWidth: 4, normalised: true),
        .chunker(rows: 2, inputWidth: 9, outputWidth: 4, normalised: false),
        .converter(rows: 3, inputWidth: 5, outputWidth: 8), .head(rows: 2, width: 6, vocabulary: 11),
        .moveEntries(entries: 7, layer: layer), .scoreEntries(rows: 2, entries: 9, heads: layer.heads),
        .transferEntries(entries: 7, layer: layer),
      ]
    }
  }

  @Test(arguments: operations)
  func `the plain kernel does exactly the work that the rule says`(operation: Operation) {
    let meter = CountingScalar.Meter()
    CountingScalar.$meter.withValue(meter) { Self.run(operation) }
    let work = operation.work(in: .float32)
    #expect(meter.counts == .init(matmul: work.matmulFlops, elementwise: work.elementwiseFlops))
  }

  @Test func `upkeep moves entries inside the device's memory, or over the host's link`() {
    let layer = Self.layers[1]
    // Seven entries of two heads, each a key and a value of three features of a byte: 7 · 2 · 2 · 3 · 8 bits.
    let precision = Precision(weights: .fp32, activations: .fp32, cache: .fp8)
    #expect(
      Operation.moveEntries(entries: 7, layer: layer).work(in: precision)
        == Work(cacheReadBits: 672, cacheWriteBits: 672))
    let transfer = Operation.transferEntries(entries: 7, layer: layer).work(in: precision)
    #expect(transfer == Work(hostBits: 672))
    #expect(transfer.trafficBits == 0 && Work<Int>(transfer + transfer).hostBits == 1344)
  }

  static func run(_ operation: Operation) {
    switch operation {
    case .embedding: break
    case .queryKeyValue(let rows, let layer, _):
      norm(rows, layer.width)
      linear(rows, layer.queryWidth + 2 * layer.keyValueWidth, layer.width)
      for _ in 0..<rows {
        let angles = numbers(layer.headWidth)
        Kernels.rotate(
          heads: layer.heads + layer.keyValueHeads, headWidth: layer.headWidth,
          numbers(layer.queryWidth + layer.keyValueWidth), cosine: angles, sine: angles)
      }
    case .attention(let shape):
      for _ in 0..<shape.groups * shape.layer.heads {
        for query in 0..<shape.queries {
          let keys = shape.keysBefore + query + 1
          let entries = UnsafePointer(numbers(keys * shape.layer.headWidth))
          Kernels.attend(
            headWidth: shape.layer.headWidth, query: numbers(shape.layer.headWidth),
            segments: [(entries, entries, keys / 2), (entries, entries, keys - keys / 2)], weights: numbers(keys),
            into: numbers(shape.layer.headWidth))
        }
      }
    case .output(let rows, let layer): linear(rows, layer.width, layer.queryWidth, residual: true)
    case .gateUp(let rows, let layer):
      norm(rows, layer.width)
      linear(rows, (layer.feedForwardKind.matrixCount - 1) * layer.feedForward, layer.width)
      let count = rows * layer.feedForward
      switch layer.feedForwardKind {
      case .gated: Kernels.gate(count, gate: numbers(count), up: numbers(count), into: numbers(count))
      case .twoMatrix: Kernels.gelu(count, numbers(count), into: numbers(count))
      }
    case .down(let rows, let layer): linear(rows, layer.width, layer.feedForward, residual: true)
    case .norm(let rows, let width): norm(rows, width)
    case .chunker(let rows, let inputWidth, let outputWidth, let normalised):
      if normalised { norm(rows, inputWidth) }
      linear(rows, outputWidth, inputWidth, bias: true)
    case .converter(let rows, let inputWidth, let outputWidth): linear(rows, outputWidth, inputWidth, bias: true)
    case .head(let rows, let width, let vocabulary):
      norm(rows, width)
      linear(rows, vocabulary, width)
    case .moveEntries, .transferEntries: break
    case .scoreEntries(let rows, let entries, let heads):
      for _ in 0..<rows * heads { Kernels.accumulate(entries, numbers(entries), into: numbers(entries)) }
    }
  }

  /// Positive numbers; a few bytes that live as long as the test process.
  static func numbers(_ count: Int) -> UnsafeMutablePointer<CountingScalar> {
    let base = UnsafeMutablePointer<CountingScalar>.allocate(capacity: max(count, 1))
    for index in 0..<max(count, 1) { (base + index).initialize(to: CountingScalar(0.5 + Double(index % 3))) }
    return base
  }

  static func norm(_ rows: Int, _ width: Int) {
    Kernels.norm(rows: rows, width: width, numbers(rows * width), weight: numbers(width), into: numbers(rows * width))
  }

  static func linear(_ rows: Int, _ outputs: Int, _ inputs: Int, bias: Bool = false, residual: Bool = false) {
    Kernels.linear(
      rows: rows, outputs: outputs, inputs: inputs, numbers(rows * inputs), weight: numbers(outputs * inputs),
      bias: bias ? UnsafePointer(numbers(outputs)) : nil,
      residual: residual ? UnsafePointer(numbers(rows * outputs)) : nil,
      into: numbers(rows * outputs))
  }
}
