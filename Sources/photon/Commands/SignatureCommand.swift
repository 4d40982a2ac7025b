import Architectures
import ArgumentParser
import Formulas
import Quantities
import Rendering

/// `photon signature`
struct SignatureCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "signature",
    abstract: "Prints one integer that changes when any exact count changes.",
    discussion: """
      The last line is a 64-bit hash over the counts of fixed models and workloads: the nine published models and \
      small hierarchies in every reading and mode. No file and no floating-point number goes into it.

        photon signature
      """)

  func run() async throws {
    var signature = Signature()
    var points = 0
    for model in SignatureModels.all {
      signature.add(parameters(of: model))
      for workload in SignatureModels.workloads {
        for precision in SignatureModels.precisions {
          signature.add(try price(Question(model, workload, precision)))
          points += 1
        }
      }
    }
    printOutput("\(SignatureModels.all.count) models, \(points) points\n\(signature.hash)\n")
  }
}

/// The fingerprint of 128-bit integers, low byte first.
struct Signature {
  private var fingerprint = Fingerprint()

  var hash: UInt64 { fingerprint.value }

  mutating func add(_ value: Int128) {
    var rest = UInt128(truncatingIfNeeded: value)
    for _ in 0..<16 {
      fingerprint.absorb(rest & 0xff)
      rest >>= 8
    }
  }

  mutating func add(_ inventory: ParameterInventory) {
    for component in inventory.components {
      add(component.count)
      add(component.used ? 1 : 0)
    }
    add(inventory.total)
    add(inventory.startLatents)
  }

  mutating func add(_ cost: ExactCost) {
    for phase in Phase.allCases {
      for node in cost[phase] {
        add(address(of: node.node))
        add(node.work)
      }
      add(cost.totals[phase])
    }
    add(cost.cache.bytesAfterPrefill)
    add(cost.cache.bytesAtEnd)
    add(cost.cache.peakBytes)
    add(cost.cache.localPeakBytes)
  }

  /// The address of a node in the signature, which stays what it is when a table of nodes grows: eight components of
  /// each level and side, and below zero those that cache methods add.
  private func address(of node: Node) -> Int128 {
    let place = Int128(2 * node.level + (node.side == .encoder ? 0 : 1))
    switch node.component {
    case .embedding, .chunker, .converter, .projections, .attention, .feedForward, .norm, .head:
      return 8 * place + Int128(node.component.ordinal)
    case .upkeep: return -1 - place
    }
  }

  mutating func add(_ work: Work<Int128>) {
    add(work.matmulFlops)
    add(work.elementwiseFlops)
    add(work.weightBits)
    add(work.activationBits)
    add(work.cacheReadBits)
    add(work.cacheWriteBits)
    add(work.localReadBits)
    add(work.sequentialPasses)
    add(work.sequentialLayers)
  }
}

/// The models and workloads of the signature; a change here changes the integer.
enum SignatureModels {
  static let workloads = [
    Workload(promptLength: 2048, generatedLength: 128),
    Workload(promptLength: 128, generatedLength: 2048, batchSize: 8),
    Workload(promptLength: 0, generatedLength: 17),
    Workload(promptLength: 101, generatedLength: 59, batchSize: 3, continuations: 2),
    Workload(promptLength: 96, generatedLength: 0),
    Workload(promptLength: 1_000_003, generatedLength: 1_003, batchSize: 256, continuations: 4),
  ]

  static let precisions = [Precision(), Precision(weights: .int4, activations: .fp32, cache: .fp8)]

  static let all = published + small

  /// The nine published shapes; PHOTON in every reading and mode.
  /// - Source: v2 Appendix C, Tables 4–12
  private static var published: [Model] {
    [(1664, 4096, 16), (1792, 4608, 20), (1920, 5120, 24)].flatMap { width, feedForward, layers in
      let shape = LayerShape(width: width, heads: 32, feedForward: feedForward)
      func level(_ layers: Int, _ chunker: ChunkerKind) -> LevelShape {
        LevelShape(
          chunkLength: 4, conditionLength: 2, layer: shape, encoderLayers: layers, decoderLayers: layers,
          chunker: chunker)
      }
      let vanilla = Model.vanilla(vocabulary: 32000, layer: shape, layers: layers)
      let block = Model.block(
        vocabulary: 32000, layer: shape, levels: [level(layers / 2, .concatenation)])
      let levels = [level(layers / 4, .concatenation), level(layers / 4, .linear)]
      return [vanilla, block] + readings(of: Model.photon(vocabulary: 32000, layer: shape, levels: levels))
    }
  }

  /// Hierarchies of one to three levels with unequal widths, grouped queries and every chunker kind.
  private static var small: [Model] {
    let chunks = [[1], [3], [2, 3], [4, 1], [2, 2, 3], [3, 1, 2]]
    let kinds: [ChunkerKind] = [.concatenation, .linear, .convolution]
    let base = LayerShape(width: 12, heads: 4, keyValueHeads: 2, feedForward: 20)
    return chunks.flatMap { chunks in
      let levels = chunks.enumerated().map { index, chunk in
        LevelShape(
          chunkLength: chunk, conditionLength: 1 + index,
          layer: LayerShape(
            width: 36 + 12 * index, heads: 3, keyValueHeads: 3, feedForward: 40 + index,
            feedForwardKind: index == 1 ? .twoMatrix : .gated),
          encoderLayers: 1 + index, decoderLayers: 2 + index, chunker: kinds[index])
      }
      return readings(
        of: Model.photon(vocabulary: 50, layer: base, tiedHead: chunks.count == 2, levels: levels))
    }
  }

  /// A model in every decoder input and generation mode that its levels admit.
  private static func readings(of model: Model) -> [Model] {
    DecoderInput.allCases.flatMap { input in
      model.generations.map { mode in
        var reading = model
        reading.decoderInput = input
        reading.generation = mode
        return reading
      }
    }
  }
}
