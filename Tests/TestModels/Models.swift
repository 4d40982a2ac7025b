import Architectures
import Quantities

/// The three sizes of the paper (v2 Tables 4–12): one width at all levels, every head its own keys.
package struct PublishedSize: CustomStringConvertible, Sendable {
  package let name: String
  package let width: Int
  package let feedForward: Int
  package let layers: Int

  package static let all = [
    PublishedSize(name: "600M", width: 1664, feedForward: 4096, layers: 16),
    PublishedSize(name: "900M", width: 1792, feedForward: 4608, layers: 20),
    PublishedSize(name: "1.2B", width: 1920, feedForward: 5120, layers: 24),
  ]

  package var description: String { name }
  package var shape: LayerShape { LayerShape(width: width, heads: 32, feedForward: feedForward) }

  package var vanilla: Model { Model.vanilla(vocabulary: 32000, layer: shape, layers: layers) }

  package var block: Model {
    let level = LevelShape(
      chunkLength: 4, conditionLength: 2, layer: shape, encoderLayers: layers / 2, decoderLayers: layers / 2,
      chunker: .concatenation)
    return Model.block(vocabulary: 32000, layer: shape, levels: [level])
  }

  package func photon(_ reading: DecoderInput = .cascade, _ generation: Generation = .hierarchical) -> Model {
    let levels = [ChunkerKind.concatenation, .linear].map {
      LevelShape(
        chunkLength: 4, conditionLength: 2, layer: shape, encoderLayers: layers / 4, decoderLayers: layers / 4,
        chunker: $0)
    }
    return Model.photon(
      vocabulary: 32000, layer: shape, levels: levels, decoderInput: reading, generation: generation)
  }
}

/// Llama-2-7B: 32 layers, width 4096, 32 heads of 128, feed-forward 11008, vocabulary 32000.
package let llama = Model.vanilla(
  vocabulary: 32000, layer: LayerShape(width: 4096, heads: 32, feedForward: 11008), layers: 32)

/// A small hierarchy of unequal widths, grouped queries and every chunker kind.
package func small(
  chunks: [Int], conditions: [Int], _ reading: DecoderInput = .cascade, _ generation: Generation = .hierarchical,
  base: LayerShape = LayerShape(width: 12, heads: 4, keyValueHeads: 2, feedForward: 20)
) -> Model {
  let kinds: [ChunkerKind] = [.concatenation, .linear, .convolution]
  let levels = chunks.indices.map { index in
    let layer = LayerShape(
      width: 36 + 12 * index, heads: 3 + 3 * (index % 2), keyValueHeads: 3, feedForward: 40 + index,
      feedForwardKind: index == 1 ? .twoMatrix : .gated)
    return LevelShape(
      chunkLength: chunks[index], conditionLength: conditions[index], layer: layer, encoderLayers: 1 + index,
      decoderLayers: 2 + index, chunker: kinds[index % 3])
  }
  return Model.photon(
    vocabulary: 50, layer: base, levels: levels, decoderInput: reading, generation: generation)
}

/// All reading × mode pairs that a number of levels admits.
package func variants(levels: Int) -> [(DecoderInput, Generation)] {
  DecoderInput.allCases.flatMap { reading in
    (levels > 1 ? Generation.allCases : [.hierarchical]).map { (reading, $0) }
  }
}

/// All lists of `length` values from `values`.
package func product(_ values: [Int], length: Int) -> [[Int]] {
  length == 0 ? [[]] : product(values, length: length - 1).flatMap { head in values.map { head + [$0] } }
}
