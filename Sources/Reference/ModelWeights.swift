import Architectures
import GSL
import Tensors

/// One level of a hierarchy: chunker and encoder on the way up, converter and decoder on the way down.
struct LevelWeights {
  /// `nil` for a concatenation, which has no parameters.
  let chunker: Linear?
  /// 1 × C·D_{l−1}; only the linear chunker normalises its input.
  let chunkerNorm: Tensor?
  let encoder: StackWeights
  /// D_l → R·D_{l−1}.
  let converter: Linear
  let decoder: StackWeights
  /// Learned start latent, 1 × D_l; `nil` where the reading has none.
  let start: Tensor?
}

/// The parameters of a model, allocated, or only their shapes.
///
/// Values are drawn from one named random stream per tensor, so that a tensor does not depend on which others exist.
/// Matrices get standard deviation 1/√inputs, norms 1 + N(0, 0.1), biases and embeddings N(0, 1)-like scales: nothing
/// starts at zero or at one, where an equivalence test would pass by accident.
public final class ModelWeights {
  /// Whose parameters these are.
  public let model: Model
  /// Whether tensors have storage, or only shapes.
  public let holdsNumbers: Bool
  /// Elements allocated, start latents included.
  public private(set) var parameterCount: Int128 = 0
  /// Elements of learned start latents, which the paper leaves out of every total.
  public private(set) var startLatentCount: Int128 = 0
  private let seed: UInt64
  /// Every tensor under its name, in the order in which the model made them.
  public private(set) var tensors: [(name: String, tensor: Tensor)] = []
  /// What each of the tensors is, in the same order.
  public private(set) var roles: [ParameterRole] = []
  /// All tensors side by side, so that streaming them crosses few pages.
  private let memory: Arena

  /// The end of the line of parameters on which the tensors have their places; they have gaps between them.
  public var lineCount: Int { memory.liveElements }

  /// V × E, read by the level-1 chunker; absent in a vanilla model.
  var encoderEmbedding: Tensor!
  var levels: PerLevel<LevelWeights> = []
  /// The vanilla stack.
  var stack: StackWeights!
  /// V × D_0.
  var embedding: Tensor!
  /// Learned positions × D_0; nil where the model has none.
  private(set) var positions: Tensor?
  /// D_0 × E and E × D_0, where embeddings are E features wide; nil where they are as wide as the stack.
  private(set) var projections: (in: Tensor, out: Tensor)?
  /// V × D_0; the embedding itself when tied.
  var head: Tensor!

  public init(_ model: Model, seed: UInt64, holdsNumbers: Bool) {
    self.model = model
    self.seed = seed
    self.holdsNumbers = holdsNumbers
    memory = Arena(holdsNumbers: holdsNumbers, blockCapacity: 1 << 24, line: .parameters)
    let width = model.layer.width
    switch model.structure {
    case .stack:
      embedding = matrix("embedding", model.vocabulary, model.tableWidth, .embedding, deviation: 1)
      if model.ends.embeddingWidth > 0 {
        projections = (
          matrix("projection in", width, model.tableWidth), matrix("projection out", model.tableWidth, width)
        )
      }
      if model.ends.learnedPositions > 0 {
        positions = matrix("positions", model.ends.learnedPositions, width, .embedding, deviation: 1)
      }
      stack = stack("stack", model.tokenStack)
    case .hierarchy:
      encoderEmbedding = matrix(
        "encoder embedding", model.vocabulary, model.encoderEmbeddingWidth, .embedding, deviation: 1)
      levels = PerLevel((1...model.levelCount).map(level))
      embedding = matrix("decoder embedding", model.vocabulary, width, .embedding, deviation: 1)
    }
    head = model.tiedHead ? embedding : matrix("head", model.vocabulary, model.tableWidth)
  }

  /// The same parameters, not copies, of the model that generates in another way: no parameter depends on that.
  public func generating(_ generation: Generation) -> ModelWeights {
    var model = model
    model.generation = generation
    return ModelWeights(self, model)
  }

  /// The same parameters, not copies, of the model whose persistent caches are kept in another way.
  /// - Parameter cache: of the stack over the tokens, or of every encoder.
  public func keeping(_ cache: StackCache) -> ModelWeights {
    var model = model
    model.setCaches { _ in cache }
    return ModelWeights(self, model)
  }

  /// The same parameters, not copies, of a model that differs in what no parameter depends on: caches, generation.
  public func of(_ model: Model) -> ModelWeights { ModelWeights(self, model) }

  /// - Parameter model: with the same parameters.
  private init(_ other: ModelWeights, _ model: Model) {
    self.model = model
    (seed, holdsNumbers, memory, tensors) = (other.seed, other.holdsNumbers, other.memory, other.tensors)
    (roles, parameterCount, startLatentCount) = (other.roles, other.parameterCount, other.startLatentCount)
    (encoderEmbedding, embedding, head) = (other.encoderEmbedding, other.embedding, other.head)
    (levels, stack) = (other.levels, other.stack)
    (positions, projections) = (other.positions, other.projections)
  }

  /// Room for a gate for each key–value head of each layer of the stack over the tokens, behind all parameters on their
  /// line. It is no parameter of the model.
  func makeGates() -> Tensor {
    memory.tensor(rows: model.layers, columns: model.tokenStack.shape.keyValueHeads)
  }

  /// The embedding table that a side reads: V × E of the encoder, V × D_0 of the decoder; `nil` for a vanilla encoder.
  public func table(_ side: Side) -> Tensor? { side == .encoder ? encoderEmbedding : embedding }

  private func level(_ index: Int) -> LevelWeights {
    let level = model.level(index)
    let (width, name) = (level.layer.width, "level \(index)")
    let learned = level.chunker != .concatenation
    let hasStart = model.decoderInput != .cascade || level.isTop
    defer { if hasStart { startLatentCount += Int128(width) } }
    return LevelWeights(
      chunker: learned ? linear("\(name) chunker", outputs: width, inputs: level.chunkerInputs) : nil,
      chunkerNorm: level.chunker == .linear ? norm("\(name) chunker norm", level.chunkerInputs) : nil,
      encoder: stack("\(name) encoder", model.encoder(at: index)),
      converter: linear("\(name) converter", outputs: level.conditionLength * level.below.width, inputs: width),
      decoder: stack("\(name) decoder", model.decoder(at: index)),
      start: hasStart ? matrix("\(name) start", 1, width, .start, deviation: 1) : nil)
  }

  private func stack(_ name: String, _ stack: Stack) -> StackWeights {
    let shapes = stack.runs.flatMap { Array(repeating: $0.shape, count: $0.layers) }
    let added = ParameterRole.residual(layers: stack.layers)
    let weights = shapes.enumerated().map { layer, shape in
      layerWeights("\(name) \(layer)", shape, added)
    }
    guard stack.shape.style.hasLastNorm else { return StackWeights(stack, layers: weights, lastNorm: nil) }
    return StackWeights(
      stack, layers: weights, lastNorm: norm("\(name) last norm", stack.width),
      lastNormBias: normBias("\(name) last norm", stack.shape))
  }

  /// - Parameter added: what the matrices are whose products are added to the residual stream.
  private func layerWeights(_ name: String, _ shape: LayerShape, _ added: ParameterRole) -> LayerWeights {
    let style = shape.style
    let joint = shape.queryWidth + 2 * shape.keyValueWidth
    let hidden = (shape.feedForwardKind.matrixCount - 1) * shape.feedForward
    let attentionNorm = norm("\(name) attention norm", shape.width)
    let queryKeyValue = biased("\(name) query key value", joint, shape.width, bias: style.attentionBiases != .none)
    let output = biased("\(name) output", shape.width, shape.queryWidth, added, bias: style.attentionBiases == .all)
    let feedForwardNorm =
      style.order == .parallelOneNorm ? attentionNorm : norm("\(name) feed-forward norm", shape.width)
    return LayerWeights(
      attentionNorm: attentionNorm, queryKeyValue: queryKeyValue, output: output, feedForwardNorm: feedForwardNorm,
      gateUp: biased("\(name) gate up", hidden, shape.width, bias: style.feedForwardBiases),
      down: biased("\(name) down", shape.width, shape.feedForward, added, bias: style.feedForwardBiases),
      style: styleWeights(name, shape))
  }

  private func styleWeights(_ name: String, _ shape: LayerShape) -> StyleWeights {
    var weights = StyleWeights()
    guard !shape.isPlain else { return weights }
    let style = shape.style
    weights.attentionNormBias = normBias("\(name) attention norm", shape)
    if style.order != .parallelOneNorm { weights.feedForwardNormBias = normBias("\(name) feed-forward norm", shape) }
    if style.norms == .around {
      weights.attentionEndNorm = norm("\(name) attention end norm", shape.width)
      weights.attentionEndNormBias = normBias("\(name) attention end norm", shape)
      weights.feedForwardEndNorm = norm("\(name) feed-forward end norm", shape.width)
      weights.feedForwardEndNormBias = normBias("\(name) feed-forward end norm", shape)
    }
    let widths: (query: Int, key: Int)? =
      switch style.headNorms {
      case .none: nil
      case .eachHead: (shape.headWidth, shape.headWidth)
      case .allHeads: (shape.queryWidth, shape.keyValueWidth)
      }
    if let widths {
      weights.queryNorm = norm("\(name) query norm", widths.query)
      weights.keyNorm = norm("\(name) key norm", widths.key)
    }
    return weights
  }

  private func biased(
    _ name: String, _ outputs: Int, _ inputs: Int, _ role: ParameterRole = .matrix, bias: Bool
  ) -> Linear {
    Linear(
      weight: matrix(name, outputs, inputs, role),
      bias: bias ? matrix("\(name) bias", 1, outputs, .bias, deviation: 0.1) : nil)
  }

  /// - Parameter name: of the norm.
  private func normBias(_ name: String, _ shape: LayerShape) -> Tensor? {
    shape.style.norm == .layer ? matrix("\(name) bias", 1, shape.width, .bias, deviation: 0.1) : nil
  }

  private func linear(_ name: String, outputs: Int, inputs: Int) -> Linear {
    Linear(
      weight: matrix("\(name) weight", outputs, inputs), bias: matrix("\(name) bias", 1, outputs, .bias, deviation: 0.1)
    )
  }

  private func norm(_ name: String, _ width: Int) -> Tensor { matrix(name, 1, width, .norm, deviation: 0.1, mean: 1) }

  private func matrix(
    _ name: String, _ rows: Int, _ columns: Int, _ role: ParameterRole = .matrix, deviation: Double? = nil,
    mean: Double = 0
  ) -> Tensor {
    let count = rows * columns
    parameterCount += Int128(count)
    let result = memory.tensor(rows: rows, columns: columns)
    tensors.append((name, result))
    roles.append(role)
    guard let base = result.base else { return result }
    let stream = RandomStream(seed: seed, name: name)
    let scale = deviation ?? 1 / Double(columns).squareRoot()
    for index in 0..<count { base[index] = Float(mean + scale * stream.gaussian()) }
    return result
  }
}
