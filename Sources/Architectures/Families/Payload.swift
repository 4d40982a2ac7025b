/// What a family has beside the model section: a case for each family, with nothing that it does not have.
public enum Payload: Hashable, Sendable {
  /// The layers of the one stack.
  case vanilla(layers: Int)
  /// The level above the tokens; a sound model has exactly one.
  case block(PerLevel<LevelShape>)
  /// The levels and what the paper leaves open about them.
  case photon(Hierarchy)
}

/// PHOTON's levels, how its decoders are read, how it generates and what it keeps.
public struct Hierarchy: Hashable, Sendable {
  /// l = 1 … L, in ascending order.
  public var levels: PerLevel<LevelShape>
  /// What its decoders consume.
  public var decoderInput: DecoderInput
  /// Whether it encodes what it emits.
  public var generation: Generation
  /// Keep every condition sequence that is made, as the first version of the paper stores them (v1 §6.2).
  public var retainConditions: Bool

  /// The defaults are those of a scenario.
  public init(
    levels: PerLevel<LevelShape>, decoderInput: DecoderInput = .cascade, generation: Generation = .hierarchical,
    retainConditions: Bool = false
  ) {
    self.levels = levels
    self.decoderInput = decoderInput
    self.generation = generation
    self.retainConditions = retainConditions
  }
}

extension Payload {
  /// The payload of a family out of a description that has room for all of them; what the family does not have is left
  /// out.
  public init(
    of family: Family, layers: Int = 0, levels: some Sequence<LevelShape> = [], decoderInput: DecoderInput = .cascade,
    generation: Generation = .hierarchical, retainConditions: Bool = false
  ) {
    self =
      switch family {
      case .vanilla: .vanilla(layers: layers)
      case .block: .block(PerLevel(levels))
      case .photon:
        .photon(
          Hierarchy(
            levels: PerLevel(levels), decoderInput: decoderInput, generation: generation,
            retainConditions: retainConditions))
      }
  }
}

extension Model {
  /// A Transformer of one stack.
  public static func vanilla(vocabulary: Int, layer: LayerShape, tiedHead: Bool = false, layers: Int) -> Model {
    Model(vocabulary: vocabulary, layer: layer, tiedHead: tiedHead, payload: .vanilla(layers: layers))
  }

  /// A Block Transformer.
  public static func block(
    vocabulary: Int, layer: LayerShape, tiedHead: Bool = false, levels: some Sequence<LevelShape>
  ) -> Model {
    Model(vocabulary: vocabulary, layer: layer, tiedHead: tiedHead, payload: .block(PerLevel(levels)))
  }

  /// A PHOTON model.
  public static func photon(
    vocabulary: Int, layer: LayerShape, tiedHead: Bool = false, levels: some Sequence<LevelShape>,
    decoderInput: DecoderInput = .cascade, generation: Generation = .hierarchical, retainConditions: Bool = false
  ) -> Model {
    Model(
      vocabulary: vocabulary, layer: layer, tiedHead: tiedHead,
      payload: .photon(
        Hierarchy(
          levels: PerLevel(levels), decoderInput: decoderInput, generation: generation,
          retainConditions: retainConditions)))
  }

  /// Whose payload it is.
  @inlinable public var family: Family {
    switch payload {
    case .vanilla: .vanilla
    case .block: .block
    case .photon: .photon
    }
  }

  /// Layers of the one stack; a hierarchy counts its layers level by level, and here has 0.
  @inlinable public var layers: Int {
    switch payload {
    case .vanilla(let layers): layers
    case .block, .photon: 0
    }
  }

  /// l = 1 … L; none where there is one stack.
  /// - Precondition: only a hierarchy is given levels.
  @inlinable public var levels: PerLevel<LevelShape> {
    get {
      switch payload {
      case .vanilla: []
      case .block(let levels): levels
      case .photon(let hierarchy): hierarchy.levels
      }
    }
    set {
      switch payload {
      case .vanilla: precondition(newValue.isEmpty, "a vanilla model has no levels")
      case .block: payload = .block(newValue)
      case .photon(var hierarchy):
        hierarchy.levels = newValue
        payload = .photon(hierarchy)
      }
    }
  }

  /// What the decoders of a hierarchy consume. A Block Transformer has no choice: with one level its reading is the
  /// default one.
  @inlinable public var decoderInput: DecoderInput {
    get { photon?.decoderInput ?? .cascade }
    set { setPhoton(\.decoderInput, newValue, or: .cascade) }
  }

  /// How tokens are generated; only PHOTON has a choice.
  @inlinable public var generation: Generation {
    get { photon?.generation ?? .hierarchical }
    set { setPhoton(\.generation, newValue, or: .hierarchical) }
  }

  /// Whether every condition sequence that is made is kept; only PHOTON has a choice.
  public var retainConditions: Bool {
    get { photon?.retainConditions ?? false }
    set { setPhoton(\.retainConditions, newValue, or: false) }
  }

  @usableFromInline var photon: Hierarchy? {
    switch payload {
    case .vanilla, .block: nil
    case .photon(let hierarchy): hierarchy
    }
  }

  /// - Precondition: a family without the choice is given its only value.
  @usableFromInline mutating func setPhoton<Value: Equatable>(
    _ path: WritableKeyPath<Hierarchy, Value>, _ value: Value, or only: Value
  ) {
    guard var hierarchy = photon else {
      return precondition(value == only, "a \(family.rawValue) model has no readings and one way to generate")
    }
    hierarchy[keyPath: path] = value
    payload = .photon(hierarchy)
  }
}
