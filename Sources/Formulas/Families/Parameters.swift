import Architectures
import Quantities

/// One component of the parameter table.
public struct ParameterComponent: Hashable, Sendable {
  /// As tables and JSON write it: `level 1 encoder`.
  public var name: String
  /// Elements of its tensors.
  public var count: Int128
  /// Whether the reading and generation mode ever run it, at some prompt and length.
  public var used: Bool
  /// Its tensors.
  let stored: [StoredWeights]
  /// Whether it leads from one width to another: a chunker or a converter.
  let isMap: Bool

  init(_ name: String, _ stored: [StoredWeights], used: Bool = true, isMap: Bool = false) {
    (self.name, self.stored, self.used, self.isMap) = (name, stored, used, isMap)
    count = stored.reduce(0) { $0 + $1.elements }
  }

  /// Of maps each of so many devices holds a part, rounded up to a whole weight.
  /// - Unit: bit
  fileprivate func memoryBits(_ precision: Precision, devices: Int) -> Int128 {
    let bits = stored.reduce(0) { $0 + $1.bits(precision) }
    guard isMap, devices > 1 else { return bits }
    let (weight, devices) = (Int128(precision.weights.bits), Int128(devices))
    return (bits + devices * weight - 1) / (devices * weight) * weight
  }
}

/// Parameters component by component. Learned start latents stand outside the total, as in the published tables.
/// - Source: v2 Appendix C, Tables 4–12 (which component has which weights).
public struct ParameterInventory: Hashable, Sendable {
  /// In the order in which reports list them.
  public var components: [ParameterComponent]
  /// Elements of all components.
  public var total: Int128
  /// Elements of the learned start latents.
  public var startLatents: Int128

  /// Everything that occupies memory, scales and zero points of quantised weights too.
  /// - Unit: bit
  /// - Parameters:
  ///   - precision: how weights are stored.
  ///   - devices: of whose share of the model this is the inventory; its maps stand in it whole.
  public func memoryBits(_ precision: Precision, devices: Int = 1) -> Int128 {
    components.reduce(startLatents * Int128(precision.norms.bits)) {
      $0 + $1.memoryBits(precision, devices: devices)
    }
  }
}

/// Parameters of a model; the total is the same for all readings.
public func parameters(of model: Model) -> ParameterInventory {
  let components =
    switch model.structure {
    case .stack: model.vanillaComponents
    case .hierarchy: model.hierarchyComponents
    }
  return ParameterInventory(
    components: components, total: components.reduce(0) { $0 + $1.count }, startLatents: model.startLatents)
}

extension Model {
  fileprivate func table(_ role: WeightRole, width: Int) -> [StoredWeights] {
    [StoredWeights(role, inputs: width, outputs: Int128(vocabulary))]
  }

  /// One vector of width D_l per level that starts from a learned latent.
  fileprivate var startLatents: Int128 {
    switch decoderInput {
    case .cascade: Int128(levels.last?.layer.width ?? 0)
    case .reconstruction, .reconstructionAndTokens, .encoderState: levels.reduce(0) { $0 + Int128($1.layer.width) }
    }
  }

  fileprivate var vanillaComponents: [ParameterComponent] {
    let stack = ParameterComponent("stack", tokenStack.stored)
    let embedding = table(.embedding, width: tableWidth)
    var others: [ParameterComponent] = []
    if ends.learnedPositions > 0 {
      others.append(
        ParameterComponent(
          "learned positions",
          [StoredWeights(.embedding, inputs: layer.width, outputs: Int128(ends.learnedPositions))]))
    }
    if ends.embeddingWidth > 0 {
      others.append(
        ParameterComponent(
          "embedding projections",
          [WeightRole.embedding, .head].map {
            StoredWeights($0, inputs: ends.embeddingWidth, outputs: Int128(layer.width))
          }))
    }
    if tiedHead { return [ParameterComponent("embedding and head", embedding)] + others + [stack] }
    return [ParameterComponent("embedding", embedding)] + others + [
      stack, ParameterComponent("head", table(.head, width: tableWidth)),
    ]
  }

  /// From the prompt's bytes up and down again to the head.
  fileprivate var hierarchyComponents: [ParameterComponent] {
    var components = [ParameterComponent("encoder embedding", table(.embedding, width: encoderEmbeddingWidth))]
    for level in hierarchy {
      if let chunker = level.storedChunker {
        components.append(ParameterComponent("level \(level.number) chunker", chunker, isMap: true))
      }
      components.append(ParameterComponent("level \(level.number) encoder", encoder(at: level.number).stored))
    }
    for level in hierarchy.reversed() {
      let used = decoderRuns(at: level.number)
      components += [
        ParameterComponent("level \(level.number) converter", level.storedConverter, used: used, isMap: true),
        ParameterComponent("level \(level.number) decoder", decoder(at: level.number).stored, used: used),
      ]
    }
    let embedding = table(.embedding, width: layer.width)
    if tiedHead { return components + [ParameterComponent("decoder embedding and head", embedding)] }
    // The last token of a chunk is never fed: chunks of one token leave the table unread.
    let used = decoderInput.feedsTokens && levels[1].chunkLength > 1
    return components + [
      ParameterComponent("decoder embedding", embedding, used: used),
      ParameterComponent("head", table(.head, width: layer.width)),
    ]
  }
}

extension Level {
  /// Weight and bias, and a norm weight over the inputs of the linear kind; nil for the view.
  fileprivate var storedChunker: [StoredWeights]? {
    let (inputs, width) = (chunkerInputs, shape.layer.width)
    let map = [
      StoredWeights(.matrix, inputs: inputs, outputs: Int128(width)), StoredWeights(.vector, inputs: width, outputs: 1),
    ]
    switch shape.chunker {
    case .concatenation: return nil
    case .linear: return map + [StoredWeights(.vector, inputs: inputs, outputs: 1)]
    case .convolution: return map
    }
  }

  /// D_l → R_l·D_{l−1}, weight and bias.
  fileprivate var storedConverter: [StoredWeights] {
    let outputs = shape.conditionLength * below.width
    return [
      StoredWeights(.matrix, inputs: shape.layer.width, outputs: Int128(outputs)),
      StoredWeights(.vector, inputs: outputs, outputs: 1),
    ]
  }
}

extension Stack {
  /// Layers of attention and feed-forward with their norms, and the norm that ends the stack.
  fileprivate var stored: [StoredWeights] {
    let layers = runs.flatMap { $0.shape.stored(layers: $0.layers) }
    guard shape.style.hasLastNorm else { return layers }
    return layers + [StoredWeights(.vector, inputs: Int(NormRow(Int128(width), shape.style.norm).weights), outputs: 1)]
  }
}
