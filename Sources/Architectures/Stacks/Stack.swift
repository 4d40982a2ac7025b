/// Key–value heads that are alike: they keep their entries by one plan.
public struct HeadRun: Hashable, Sendable {
  /// Key–value heads; the query heads that read them come with them.
  public var count: Int
  /// How their entries are kept and read.
  public var cache: CachePlan

  @inlinable
  public init(_ count: Int, _ cache: CachePlan) {
    self.count = count
    self.cache = cache
  }
}

/// Neighbouring layers that are alike, with their heads run by run.
///
/// What a layer costs is added up over runs of layers, what attention costs over the runs of heads inside them: so a
/// norm is counted once even where the heads of its layer differ.
public struct LayerRun: Hashable, Sendable {
  /// How many there are.
  public var layers: Int
  /// Dimensions of each. Runs of one stack agree in width, heads and head width.
  public var shape: LayerShape
  /// All key–value heads of the shape, in order.
  public var heads: Runs<HeadRun>

  @inlinable
  public init(layers: Int, shape: LayerShape, heads: Runs<HeadRun>) {
    self.layers = layers
    self.shape = shape
    self.heads = heads
  }

  /// Layers whose heads all keep their entries by one plan.
  @inlinable
  public init(layers: Int, shape: LayerShape, cache: CachePlan) {
    self.init(layers: layers, shape: shape, heads: Runs(HeadRun(shape.keyValueHeads, cache)))
  }
}

/// A stack of Transformer layers as the list of its runs.
public struct Stack: Hashable, Sendable {
  /// Of its node; 0 for the stack over the tokens.
  public let level: Int
  /// Encoder or decoder; the stack over the tokens is a decoder.
  public let side: Side
  /// From the input up.
  public let runs: Runs<LayerRun>
  /// Whether its cache outlives a chunk: a persistent cache rather than a local window.
  public let persists: Bool
  /// Positions of a prompt in one pass; nil: all of them.
  public let prefillChunk: Int?
  /// Last positions of the prompt that run behind each of its passes but the last, and leave nothing there.
  public let lookahead: Int

  @inlinable
  public init(
    level: Int, side: Side, runs: Runs<LayerRun>, persists: Bool, prefillChunk: Int? = nil, lookahead: Int = 0
  ) {
    self.level = level
    self.side = side
    self.runs = runs
    self.persists = persists
    self.prefillChunk = prefillChunk
    self.lookahead = lookahead
  }

  /// A stack of alike layers whose persistent cache is kept in some way.
  public init(level: Int, side: Side, layers: Int, _ shape: LayerShape, _ cache: StackCache) {
    self.init(
      level: level, side: side, runs: cache.runs(of: layers, shape), persists: true, prefillChunk: cache.prefillChunk,
      lookahead: cache.lookahead)
  }

  /// The same layers with a cache that keeps and reads everything: what a teacher-forced pass runs.
  public var keepingEverything: Stack {
    let full = runs.map { LayerRun(layers: $0.layers, shape: $0.shape, cache: .full) }
    return Stack(level: level, side: side, runs: Runs(full[0], Array(full.dropFirst())), persists: persists)
  }

  /// `D`
  @inlinable public var width: Int { runs.first.shape.width }
  /// Of all runs together.
  @inlinable public var layers: Int { runs.reduce(0) { $0 + $1.layers } }
  /// The shape that all runs agree in, as far as they do.
  @inlinable public var shape: LayerShape { runs.first.shape }
  /// Where one of its components is booked.
  @inlinable public func node(_ component: Component) -> Node { Node(level, side, component) }
  /// Whether continuations read the entries of their prompt where they are: no head lets one go, changes its form later,
  /// adds up what it is attended to, or sends it elsewhere.
  public var sharesPrompts: Bool {
    runs.allSatisfy { run in
      run.heads.allSatisfy {
        $0.cache.retention == .everything && $0.cache.entry.residual == 0 && !$0.cache.lookup.tallies
          && $0.cache.placement.host == nil
      }
    }
  }
  /// Whether every head stores a key and a value of each position, as they come.
  public var storesKeysAndValues: Bool { runs.allSatisfy { $0.heads.allSatisfy { $0.cache.entry == .keyAndValue } } }
  /// Whether every head of every layer keeps and reads everything, and a prompt is read in one pass.
  @inlinable public var isFull: Bool {
    prefillChunk == nil && runs.allSatisfy { $0.heads.allSatisfy(\.cache.isFull) }
  }
}

extension LayerShape {
  /// Some of the key–value heads, with the query heads that read them.
  @inlinable public func share(ofHeads count: Int) -> LayerShape {
    var share = self
    share.keyValueHeads = count
    share.heads = count * (heads / keyValueHeads)
    return share
  }
}

extension LevelShape {
  /// Its encoder, whose units are kept in some way.
  public func encoder(at level: Int, _ cache: StackCache) -> Stack {
    Stack(level: level, side: .encoder, layers: encoderLayers, layer, cache)
  }

  /// Its decoder, which runs at the dimensions of the level below.
  @inlinable public func decoder(at level: Int, below: LayerShape) -> Stack {
    Stack(
      level: level, side: .decoder, runs: Runs(LayerRun(layers: decoderLayers, shape: below, cache: .full)),
      persists: false)
  }
}

extension Model {
  /// The one stack over the tokens.
  /// - Precondition: the structure is `.stack`.
  public var tokenStack: Stack {
    switch payload {
    case .vanilla(let layers): return Stack(level: 0, side: .decoder, layers: layers, layer, cache(at: 0))
    case .block, .photon: preconditionFailure("a hierarchy has no stack over the tokens")
    }
  }

  /// Whether each stack is one run, whose heads keep and read everything.
  @inlinable public var isUniform: Bool {
    switch payload {
    case .vanilla, .block, .photon: hasFullCaches && layer.hasAlikeLayers
    }
  }

  /// Encoder l, which keeps its units.
  public func encoder(at level: Int) -> Stack { levels[level].encoder(at: level, cache(at: level)) }

  /// Decoder l, which runs at the dimensions of the level below and whose windows keep everything.
  @inlinable public func decoder(at level: Int) -> Stack {
    levels[level].decoder(at: level, below: layer(at: level - 1))
  }

  /// The stack whose components are booked at a level and side.
  public func stack(_ level: Int, _ side: Side) -> Stack {
    if level == 0 { return tokenStack }
    return side == .encoder ? encoder(at: level) : decoder(at: level)
  }

  /// All stacks: the one over the tokens, or encoder and decoder of each level from level 1 up.
  public var stacks: [Stack] {
    switch structure {
    case .stack: [tokenStack]
    case .hierarchy: levels.indices.flatMap { [encoder(at: $0), decoder(at: $0)] }
    }
  }
}
