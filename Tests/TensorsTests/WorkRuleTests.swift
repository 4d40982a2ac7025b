import Architectures
import Quantities
import Testing

@testable import Tensors

/// A number that books each of its operations as matrix or element-wise work.
struct CountingScalar: KernelScalar, Comparable {
  struct Counts: Equatable {
    var matmul: Int128 = 0
    var elementwise: Int128 = 0
  }

  /// Of the task that counts; what others compute meanwhile is no concern of it.
  @TaskLocal static var meter: Meter?

  final class Meter: @unchecked Sendable {
    var counts = Counts()
    var kind = WorkKind.elementwise
  }

  var value: Double

  init(_ value: Double) { self.value = value }

  private static func count(_ value: Double) -> CountingScalar {
    if let meter { meter.kind == .matmul ? (meter.counts.matmul += 1) : (meter.counts.elementwise += 1) }
    return CountingScalar(value)
  }

  static func + (left: Self, right: Self) -> Self { count(left.value + right.value) }
  static func - (left: Self, right: Self) -> Self { count(left.value - right.value) }
  static func * (left: Self, right: Self) -> Self { count(left.value * right.value) }
  static func / (left: Self, right: Self) -> Self { count(left.value / right.value) }
  static func < (left: Self, right: Self) -> Bool { left.value < right.value }
  static func exponential(_ value: Self) -> Self { count(Double.exponential(value.value)) }
  static func logarithm(_ value: Self) -> Self { count(Double.logarithm(value.value)) }
  static func squareRoot(_ value: Self) -> Self { count(value.value.squareRoot()) }
  static func maximum(_ left: Self, _ right: Self) -> Self { count(max(left.value, right.value)) }
  static func account(as kind: WorkKind) { meter?.kind = kind }
  static func rounded(_ value: Self, _ rule: (Double) -> Double) -> Self { count(rule(value.value)) }
  static func converted(_ value: Self, _ rule: (Double) -> Double) -> Self { Self(rule(value.value)) }
}

/// Each work rule against the plain kernels on a scalar that counts, composed as the machine composes them.
struct WorkRuleTests {
  typealias Kernels = PlainKernels<CountingScalar>

  static let layers = [
    LayerShape(width: 6, heads: 2, feedForward: 10),
    LayerShape(width: 12, heads: 4, keyValueHeads: 2, feedForward: 7, feedForwardKind: .twoMatrix),
    LayerShape(width: 10, heads: 2, keyValueHeads: 1, headWidth: 3, feedForward: 5),
  ]

  /// Every value that a style can take, each beside others.
  static let styled: [LayerShape] = {
    var (first, second, third, fourth) = (LayerStyle(), LayerStyle(), LayerStyle(), LayerStyle())
    (first.norm, first.norms, first.headNorms, first.attentionBiases) = (.layer, .around, .eachHead, .queryKeyValue)
    (first.rotatedWidth, first.scoreCap, first.activation) = (2, 50, .gelu)
    (second.norms, second.headNorms, second.feedForwardBiases, second.alibi) = (.after, .allHeads, true, true)
    (second.rotatedWidth, second.activation, second.residualScale) = (0, .relu, 0.5)
    (third.norm, third.order, third.attentionBiases, third.scoreCap) = (.layer, .parallelOneNorm, .all, 30)
    (third.alibi, third.feedForwardBiases, third.activation) = (true, true, .silu)
    (fourth.order, fourth.norms, fourth.residualScale, fourth.activation) = (.parallel, .around, 2, .relu)
    var fifth = second
    (fifth.norms, fifth.norm) = (.behind, .layer)
    return zip(layers + layers, [first, second, third, fourth, fifth, first]).map { $0.styled($1) }
  }()

  static var operations: [Operation] {
    (layers + styled).flatMap { layer -> [Operation] in
      [
        .embedding(rows: 3, width: 5), .mixHeads(rows: 3, layer: layer),
        .queryKeyValue(rows: 3, layer: layer, store: .local),
        .attention(
          AttentionShape(groups: 2, queries: 3, keysBefore: 4, layer: layer, store: .persistent, readsOnce: true)),
        .attention(
          AttentionShape(groups: 1, queries: 1, keysBefore: 0, layer: layer, store: .local, readsOnce: false)),
        .attention(
          AttentionShape(
            groups: 2, queries: 3, keysBefore: 4, layer: layer, store: .persistent, readsOnce: true, window: 6)),
        .attention(
          AttentionShape(
            groups: 2, queries: 3, keysBefore: 4, layer: layer, store: .local, readsOnce: false, window: 2)),
        .attention(
          AttentionShape(
            groups: 2, queries: 5, keysBefore: 1, layer: layer, store: .persistent, readsOnce: true, window: 2,
            sinks: 2)),
        .output(rows: 2, layer: layer), .gateUp(rows: 3, layer: layer), .down(rows: 3, layer: layer),
        .norm(rows: 4, width: 7), .chunker(rows: 2, inputWidth: 9, outputWidth: 4, normalised: true),
        .chunker(rows: 2, inputWidth: 9, outputWidth: 4, normalised: false),
        .converter(rows: 3, inputWidth: 5, outputWidth: 8), .head(rows: 2, width: 6, vocabulary: 11),
        .moveEntries(entries: 7, layer: layer),
        .transferEntries(entries: 7, layer: layer), .rotateEntries(entries: 7, layer: layer),
        .scanKeys(ScanShape(groups: 2, queries: 3, pairs: 10, keys: 5, averaged: 4, layer: layer)),
        .scanKeys(
          ScanShape(
            groups: 2, queries: 3, pairs: 4, keys: 0, averaged: 4, turned: 3, rotatedKeys: 5, representatives: 4,
            made: 2,
            keysOfEach: 3,
            layer: layer)),
        .scoreEntries(
          VoteShape(groups: 2, queries: 3, entries: 5, layer: layer, weights: .again, pooled: 0, window: 4)),
      ]
        + Quantisation.Format.allCases.flatMap { format in
          [1, 2, 32].map {
            .quantiseEntries(
              entries: 7, held: 2, layer: layer, form: Quantisation(format: format, group: $0))
          }
        }
        + VoteShape.Weights.allCases.map {
          .scoreEntries(VoteShape(groups: 2, queries: 3, entries: 9, layer: layer, weights: $0, pooled: 10))
        } + [
          .scoreEntries(
            VoteShape(groups: 2, queries: 3, entries: 2, layer: layer, isBehind: true, weights: .own, pooled: 4)),
          .scoreEntries(
            VoteShape(groups: 2, queries: 3, entries: 9, layer: layer, weights: .again, pooled: 0, isSmoothed: true)),
          .scoreEntries(
            VoteShape(groups: 1, queries: 1, entries: 4, layer: layer, weights: .attention, pooled: 0, isSmoothed: true)
          ),
        ]
    }
      + ends.flatMap { ends in
        ([nil] + NormKind.allCases).map { .head(rows: 2, width: 6, vocabulary: 11, norm: $0, ends: ends) }
          + [.embedding(rows: 3, width: 5, ends: ends)]
      }
  }

  static let ends: [TokenEnds] = {
    var (positions, scales, caps) = (TokenEnds(), TokenEnds(), TokenEnds())
    (positions.learnedPositions, positions.embeddingWidth) = (8, 4)
    (scales.embeddingScale, scales.logitScale) = (3, 8)
    (caps.logitCap, caps.learnedPositions, caps.embeddingScale) = (30, 8, 2)
    return [positions, scales, caps]
  }()

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

  /// Every window up to one that masks nothing, after as many keys as a window may cut off, behind no sinks and some.
  @Test func `pairs and entries of attention under a window are those of a loop`() {
    let layer = Self.layers[1]
    for queries in 1...9 {
      for keysBefore in 0...9 {
        for (window, sinks) in (0...20).flatMap({ window in [0, 1, 4].map { (window, $0) } }) {
          var (pairs, seen): (Int128, Set<Int>) = (0, [])
          for visible in keysBefore + 1...keysBefore + queries {
            for entry in 0..<visible where window == 0 || entry >= visible - window || entry < sinks {
              pairs += 1
              seen.insert(entry)
            }
          }
          func shape(readsOnce: Bool) -> AttentionShape {
            AttentionShape(
              groups: 3, queries: queries, keysBefore: keysBefore, layer: layer, store: .persistent,
              readsOnce: readsOnce, window: window, sinks: sinks)
          }
          #expect(shape(readsOnce: true).pairsPerGroup == pairs)
          for (readsOnce, reads) in [(true, Int128(seen.count)), (false, pairs)] {
            let work = Operation.attention(shape(readsOnce: readsOnce)).work(in: .float32)
            // Three groups; an entry is a key and a value of 32 bits.
            #expect(work.cacheReadBits == 3 * reads * 2 * Int128(layer.keyValueWidth) * 32)
            #expect(work.matmulFlops == 3 * pairs * 4 * Int128(layer.queryWidth))
          }
        }
      }
    }
  }

  @Test func `the description of attention names a window where there is one`() {
    var shape = AttentionShape(
      groups: 2, queries: 3, keysBefore: 4, layer: Self.layers[1], store: .persistent, readsOnce: true)
    let whole = "attention 2 × 3 queries after 4 keys, 4 heads of 3 (persistent)"
    #expect(Operation.attention(shape).description == whole)
    shape.window = 5
    #expect(Operation.attention(shape).description == whole + ", window 5")
    shape.sinks = 2
    #expect(Operation.attention(shape).description == whole + ", window 5 and 2 sinks")
  }

  static func run(_ operation: Operation) {
    switch operation {
    case .embedding(let rows, let width, let ends):
      let count = rows * width
      if ends.embeddingWidth > 0 { linear(rows, width, ends.embeddingWidth) }
      if ends.embeddingScale != 1 { Kernels.scale(count, numbers(count), by: ends.embeddingScale) }
      if ends.learnedPositions > 0 { Kernels.add(count, numbers(count), to: numbers(count)) }
    case .queryKeyValue(let rows, let layer, _, _):
      let style = layer.style
      if style.norms.areBefore { norm(rows, layer.width, style.norm) }
      let joint = layer.queryWidth + 2 * layer.keyValueWidth
      linear(rows, joint, layer.width, bias: style.attentionBiases != .none)
      switch style.headNorms {
      case .none: break
      case .eachHead: norm(rows * (layer.heads + layer.keyValueHeads), layer.headWidth)
      case .allHeads:
        norm(rows, layer.queryWidth)
        norm(rows, layer.keyValueWidth)
      }
      for _ in 0..<rows {
        let angles = numbers(layer.headWidth)
        Kernels.rotate(
          heads: layer.heads + layer.keyValueHeads, headWidth: layer.headWidth, rotated: style.rotatedWidth,
          numbers(layer.queryWidth + layer.keyValueWidth), cosine: angles, sine: angles)
      }
    case .attention(let shape):
      let (rows, keys) = (shape.groups * shape.queries, shape.keysBefore + shape.queries)
      let layout = CacheLayout(
        layers: 1, groups: shape.groups, heads: shape.layer.keyValueHeads, capacity: keys,
        headWidth: shape.layer.headWidth)
      let entries = Entries(layout, layer: 0, keys: numbers(layout.elements), values: numbers(layout.elements))
      let segments = [0..<keys / 2, keys / 2..<keys].map {
        Segment(entries: entries, firstHead: 0, firstEntry: $0.lowerBound, count: $0.count, share: 1)
      }
      segments.withUnsafeBufferPointer {
        Kernels.attend(
          shape, query: numbers(rows * shape.layer.queryWidth), columns: shape.layer.queryWidth, segments: $0,
          weights: numbers(keys), into: numbers(rows * shape.layer.queryWidth))
      }
    case .mixHeads(let rows, let layer):
      let count = rows * layer.queryWidth
      Kernels.mixHeads(
        HeadMixture(
          rows: rows, layer: layer, gates: numbers(layer.keyValueHeads), full: numbers(count), streaming: numbers(count)
        ),
        into: numbers(count))
    case .output(let rows, let layer):
      end(rows, layer, inputs: layer.queryWidth, bias: layer.style.attentionBiases == .all)
    case .gateUp(let rows, let layer):
      let style = layer.style
      if style.norms.areBefore, style.order != .parallelOneNorm { norm(rows, layer.width, style.norm) }
      linear(
        rows, (layer.feedForwardKind.matrixCount - 1) * layer.feedForward, layer.width, bias: style.feedForwardBiases)
      let count = rows * layer.feedForward
      let up = layer.feedForwardKind == .gated ? UnsafePointer(numbers(count)) : nil
      if let activation = style.activation {
        Kernels.activate(count, activation, numbers(count), up: up, into: numbers(count))
      } else if let up {
        Kernels.gate(count, gate: numbers(count), up: up, into: numbers(count))
      } else {
        Kernels.gelu(count, numbers(count), into: numbers(count))
      }
    case .down(let rows, let layer):
      end(rows, layer, inputs: layer.feedForward, bias: layer.style.feedForwardBiases)
    case .norm(let rows, let width): norm(rows, width)
    case .chunker(let rows, let inputWidth, let outputWidth, let normalised):
      if normalised { norm(rows, inputWidth) }
      linear(rows, outputWidth, inputWidth, bias: true)
    case .converter(let rows, let inputWidth, let outputWidth): linear(rows, outputWidth, inputWidth, bias: true)
    case .head(let rows, let width, let vocabulary, let kind, let ends):
      if let kind { norm(rows, width, kind) }
      let table = ends.embeddingWidth == 0 ? width : ends.embeddingWidth
      if table != width { linear(rows, table, width) }
      linear(rows, vocabulary, table)
      let count = rows * vocabulary
      if ends.logitScale != 1 { Kernels.scale(count, numbers(count), by: 1 / ends.logitScale) }
      if ends.logitCap != 0 { Kernels.cap(count, numbers(count), at: ends.logitCap) }
    case .moveEntries, .transferEntries: break
    case .rotateEntries(let entries, let layer):
      for _ in 0..<entries {
        Kernels.rotate(
          heads: layer.keyValueHeads, headWidth: layer.headWidth, rotated: layer.style.rotatedWidth,
          numbers(layer.keyValueWidth), cosine: numbers(layer.headWidth / 2), sine: numbers(layer.headWidth / 2))
      }
    case .scoreEntries(let shape): vote(shape)
    case .scanKeys(let shape):
      let width = shape.layer.headWidth
      let query = (0..<width).map { CountingScalar(Double($0 + 1)) }
      for _ in 0..<shape.groups * shape.pairs * shape.layer.heads {
        _ = Kernels.largestProduct(headWidth: width, queries: query, key: numbers(width))
      }
      for _ in 0..<shape.groups * shape.averaged {
        Kernels.accumulate(
          shape.layer.queryWidth, numbers(shape.layer.queryWidth), into: numbers(shape.layer.queryWidth))
      }
      func rotate(_ heads: Int) {
        Kernels.rotate(
          heads: heads, headWidth: width, rotated: shape.layer.style.rotatedWidth, numbers(heads * width),
          cosine: numbers(width / 2), sine: numbers(width / 2))
      }
      for _ in 0..<shape.groups * shape.turned { rotate(shape.layer.heads) }
      for _ in 0..<shape.groups * shape.rotatedKeys { rotate(shape.layer.keyValueHeads) }
      for _ in 0..<shape.groups * shape.made {
        for _ in 0..<shape.keysOfEach {
          Kernels.accumulate(
            shape.layer.keyValueWidth, numbers(shape.layer.keyValueWidth), into: numbers(shape.layer.keyValueWidth))
        }
        Kernels.scale(shape.layer.keyValueWidth, numbers(shape.layer.keyValueWidth), by: 0.5)
      }
    case .quantiseEntries(let entries, _, let layer, let form):
      for _ in 0..<entries * 2 * layer.keyValueHeads {
        for first in stride(from: 0, to: layer.headWidth, by: form.group) {
          let count = min(form.group, layer.headWidth - first)
          switch form.format {
          case .int8, .int4: _ = Kernels.quantise(count, numbers(count), steps: 255)
          case .fp8: _ = Kernels.quantiseFloats(count, numbers(count))
          }
        }
      }
    }
  }

  @Test(arguments: Quantisation.Format.allCases)
  func `reading quantised entries costs what their dequantisation does`(format: Quantisation.Format) {
    for layer in Self.layers {
      let form = Quantised(plan: Quantisation(format: format, group: 2))
      for (width, size) in [
        (2 * layer.headWidth, form.size(headWidth: layer.headWidth)),
        (layer.headWidth, form.keySize(headWidth: layer.headWidth)),
      ] {
        let meter = CountingScalar.Meter()
        CountingScalar.$meter.withValue(meter) {
          Kernels.dequantise(
            width, Self.numbers(width), scale: CountingScalar(2), zero: format == .fp8 ? nil : CountingScalar(1))
        }
        #expect(meter.counts == .init(elementwise: Int128(size.flops)))
      }
      // Nine entries of which five are quantised, in every head.
      let heads = layer.keyValueHeads
      var shape = AttentionShape(
        groups: 1, queries: 1, keysBefore: 8, layer: layer, store: .persistent, readsOnce: true)
      let plain = Operation.attention(shape).work(in: Precision(weights: .fp32, activations: .fp32, cache: .bf16))
      shape.reads =
        heads * (5 * form.size(headWidth: layer.headWidth) + 4 * KeyAndValue().size(headWidth: layer.headWidth))
      let work = Operation.attention(shape).work(in: Precision(weights: .fp32, activations: .fp32, cache: .bf16))
      #expect(work.matmulFlops == plain.matmulFlops)
      #expect(
        work.elementwiseFlops - plain.elementwiseFlops
          == Int128(5 * heads * 2 * layer.headWidth * (format == .fp8 ? 1 : 2)))
      let bits = format == .int4 ? 4 : 8
      let groups = (layer.headWidth + 1) / 2 * (format == .fp8 ? 16 : 32)
      #expect(
        work.cacheReadBits
          == Int128(heads * 2 * (5 * (bits * layer.headWidth + groups) + 4 * layer.headWidth * 16)))
    }
  }

  /// The weights of every voter as they are obtained, their additions, and the sums of pooling.
  static func vote(_ shape: VoteShape) {
    let width = shape.layer.headWidth
    for query in 0..<shape.groups * shape.queries * shape.layer.heads {
      let visible =
        shape.window > 0
        ? min(shape.entries - shape.queries + 1 + query % shape.queries, shape.window)
        : shape.isBehind ? shape.entries : shape.entries - shape.queries + 1 + query % shape.queries
      let (row, keys, weights) = (numbers(width), numbers(visible * width), numbers(visible))
      switch shape.weights {
      case .attention: break
      case .own:
        Kernels.attentionWeights(
          headWidth: width, query: row,
          segments: [(keys: UnsafePointer(keys), values: UnsafePointer(keys), count: visible)], into: weights)
      case .again:
        let (scale, maximum, sum) = (CountingScalar(0.5), CountingScalar(1), CountingScalar(2))
        for key in 0..<visible {
          CountingScalar.account(as: .matmul)
          var score = CountingScalar(0)
          for index in 0..<width { score = score + row[index] * keys[key * width + index] }
          CountingScalar.account(as: .elementwise)
          weights[key] = CountingScalar.exponential(score * scale - maximum) / sum
        }
      }
      if shape.isSmoothed {
        Kernels.smooth(visible, numbers(visible), by: 0.5, adding: weights)
      } else {
        Kernels.accumulate(visible, weights, into: numbers(visible))
      }
    }
    for _ in 0..<(shape.isSmoothed ? shape.groups * shape.layer.keyValueHeads : 0) {
      let sharing = (0..<shape.layer.heads / shape.layer.keyValueHeads).map { _ in UnsafePointer(numbers(shape.entries))
      }
      Kernels.reduce(sharing, shape.entries, .mean, into: numbers(shape.entries))
      Kernels.smooth(shape.entries, numbers(shape.entries), by: 0.5, adding: numbers(shape.entries))
    }
    let pooled = shape.groups * shape.layer.keyValueHeads * shape.pooled
    Kernels.accumulate(pooled, numbers(pooled), into: numbers(pooled))
  }

  /// Positive numbers; a few bytes that live as long as the test process.
  static func numbers(_ count: Int) -> UnsafeMutablePointer<CountingScalar> {
    let base = UnsafeMutablePointer<CountingScalar>.allocate(capacity: max(count, 1))
    for index in 0..<max(count, 1) { (base + index).initialize(to: CountingScalar(0.5 + Double(index % 3))) }
    return base
  }

  static func norm(_ rows: Int, _ width: Int, _ kind: NormKind = .rms) {
    let (input, result) = (numbers(rows * width), numbers(rows * width))
    switch kind {
    case .rms: Kernels.norm(rows: rows, width: width, input, weight: numbers(width), into: result)
    case .layer:
      Kernels.layerNorm(
        rows: rows, width: width, input, weight: numbers(width), bias: numbers(width), into: result)
    }
  }

  /// The product that ends a half of a layer, and what stands behind it.
  static func end(_ rows: Int, _ layer: LayerShape, inputs: Int, bias: Bool) {
    let (style, count) = (layer.style, rows * layer.width)
    linear(rows, layer.width, inputs, bias: bias)
    if style.norms.areAfter { norm(rows, layer.width, style.norm) }
    if style.residualScale != 1 { Kernels.scale(count, numbers(count), by: style.residualScale) }
    Kernels.add(count, numbers(count), to: numbers(count))
  }

  static func linear(_ rows: Int, _ outputs: Int, _ inputs: Int, bias: Bool = false, residual: Bool = false) {
    Kernels.linear(
      rows: rows, outputs: outputs, inputs: inputs, numbers(rows * inputs), weight: numbers(outputs * inputs),
      bias: bias ? UnsafePointer(numbers(outputs)) : nil,
      residual: residual ? UnsafePointer(numbers(rows * outputs)) : nil,
      into: numbers(rows * outputs))
  }
}
