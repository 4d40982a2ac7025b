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
  /// Whether it leads from one width to another: a chunker or a converter.
  var isMap = false

  init(name: String, count: Int128, used: Bool, isMap: Bool) {
    self.init(name: name, count: count, used: used)
    self.isMap = isMap
  }

  public init(name: String, count: Int128, used: Bool) {
    self.name = name
    self.count = count
    self.used = used
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

  /// Of chunkers and converters each of so many devices holds a part, rounded up.
  func dividingMaps(by devices: Int) -> ParameterInventory {
    var inventory = self
    for index in components.indices where components[index].isMap {
      let count = components[index].count
      inventory.components[index].count = (count + Int128(devices) - 1) / Int128(devices)
      inventory.total += inventory.components[index].count - count
    }
    return inventory
  }

  /// Everything that occupies memory.
  /// - Unit: bit
  public func memoryBits(_ precision: Precision) -> Int128 {
    (total + startLatents) * Int128(precision.weights.bits)
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
  fileprivate var tableParameters: Int128 { Int128(vocabulary) * Int128(tableWidth) }

  /// One vector of width D_l per level that starts from a learned latent.
  fileprivate var startLatents: Int128 {
    switch decoderInput {
    case .cascade: Int128(levels.last?.layer.width ?? 0)
    case .reconstruction, .reconstructionAndTokens, .encoderState: levels.reduce(0) { $0 + Int128($1.layer.width) }
    }
  }

  fileprivate var vanillaComponents: [ParameterComponent] {
    let stack = ParameterComponent(name: "stack", count: tokenStack.parameterCount, used: true)
    var positions: [ParameterComponent] = []
    if ends.learnedPositions > 0 {
      positions.append(
        ParameterComponent(
          name: "learned positions", count: Int128(ends.learnedPositions) * Int128(layer.width), used: true))
    }
    if ends.embeddingWidth > 0 {
      positions.append(
        ParameterComponent(
          name: "embedding projections", count: 2 * Int128(ends.embeddingWidth) * Int128(layer.width), used: true))
    }
    if tiedHead {
      return [ParameterComponent(name: "embedding and head", count: tableParameters, used: true)] + positions + [stack]
    }
    return [ParameterComponent(name: "embedding", count: tableParameters, used: true)] + positions
      + [stack, ParameterComponent(name: "head", count: tableParameters, used: true)]
  }

  /// From the prompt's bytes up and down again to the head.
  fileprivate var hierarchyComponents: [ParameterComponent] {
    var components = [
      ParameterComponent(
        name: "encoder embedding", count: Int128(vocabulary) * Int128(encoderEmbeddingWidth), used: true)
    ]
    for level in hierarchy {
      if let count = level.chunkerParameters {
        components.append(
          ParameterComponent(name: "level \(level.number) chunker", count: count, used: true, isMap: true))
      }
      let encoder = encoder(at: level.number).parameterCount
      components.append(ParameterComponent(name: "level \(level.number) encoder", count: encoder, used: true))
    }
    for level in hierarchy.reversed() {
      let used = decoderRuns(at: level.number)
      let decoder = self.decoder(at: level.number).parameterCount
      components.append(
        ParameterComponent(
          name: "level \(level.number) converter", count: level.converterParameters, used: used, isMap: true))
      components.append(ParameterComponent(name: "level \(level.number) decoder", count: decoder, used: used))
    }
    if tiedHead {
      components.append(
        ParameterComponent(name: "decoder embedding and head", count: tableParameters, used: true))
    } else {
      // The last token of a chunk is never fed: chunks of one token leave the table unread.
      let used = decoderInput.feedsTokens && levels[1].chunkLength > 1
      components.append(ParameterComponent(name: "decoder embedding", count: tableParameters, used: used))
      components.append(ParameterComponent(name: "head", count: tableParameters, used: true))
    }
    return components
  }
}

extension Level {
  /// Weight and bias, and a norm weight over the inputs of the linear kind; nil for the view.
  fileprivate var chunkerParameters: Int128? {
    let (inputs, width) = (Int128(chunkerInputs), Int128(shape.layer.width))
    switch shape.chunker {
    case .concatenation: return nil
    case .linear: return inputs * width + width + inputs
    case .convolution: return inputs * width + width
    }
  }

  /// D_l → R_l·D_{l−1}, weight and bias.
  fileprivate var converterParameters: Int128 {
    (Int128(shape.layer.width) + 1) * Int128(shape.conditionLength) * Int128(below.width)
  }
}

extension Stack {
  /// Layers of attention and feed-forward with their norms, and the norm that ends the stack.
  fileprivate var parameterCount: Int128 {
    runs.reduce(shape.style.hasLastNorm ? NormRow(Int128(width), shape.style.norm).weights : 0) {
      $0 + Int128($1.layers) * LayerRow<Int128>($1.shape).weights
    }
  }
}
