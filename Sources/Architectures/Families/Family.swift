/// What kind of model it is. A family answers every requirement below, in switches without `default`: one that is added
/// does not compile until each is answered, and nothing else in the program compares families.
@frozen
public enum Family: String, CaseIterable, Codable, Sendable {
  /// A Transformer that scans tokens with one stack.
  case vanilla
  /// A Block Transformer (arXiv:2406.02657): one level above the tokens.
  case block
  /// PHOTON (arXiv:2512.20687): any number of levels, four readings, two ways to generate.
  case photon
}

/// How the layers of a family are arranged: what formulas and executed models branch on.
@frozen
public enum Structure: Sendable {
  /// One stack over the tokens; levels, chunks and conditions do not exist.
  case stack
  /// An encoder and a decoder for each level l = 1 … L.
  case hierarchy
}

extension Family {
  /// How its layers are arranged.
  @inlinable public var structure: Structure {
    switch self {
    case .vanilla: .stack
    case .block, .photon: .hierarchy
    }
  }

  /// The name in running text, at the beginning of a sentence.
  public var title: String {
    switch self {
    case .vanilla: "Vanilla"
    case .block: "Block"
    case .photon: "PHOTON"
    }
  }

  /// `L`: how many levels a model of the family may have.
  public var levelCounts: ClosedRange<Int> {
    switch self {
    case .vanilla: 0...0
    case .block: 1...1
    case .photon: 1...Limits.levels
    }
  }

  /// Whether the paper leaves open what its decoders consume and how it generates, so that a model must say it.
  @inlinable public var hasReadings: Bool {
    switch self {
    case .vanilla, .block: false
    case .photon: true
    }
  }

  /// Whether it is the family that a question is about, rather than a baseline to set beside it.
  public var isSubject: Bool {
    switch self {
    case .vanilla, .block: false
    case .photon: true
    }
  }

  /// The shortest prompt: a stack has nothing to predict from without one, a hierarchy has learned start latents.
  public var leastPromptLength: Int {
    switch structure {
    case .stack: 1
    case .hierarchy: 0
    }
  }

  /// All families, the subject first and the plainest baseline last: the order of tables and figures.
  public static var comparisonOrder: [Family] { allCases.reversed() }
}

extension Model {
  /// How the layers are arranged.
  @inlinable public var structure: Structure { family.structure }

  /// Whether both are of one family.
  public func isSameFamily(as other: Model) -> Bool { family == other.family }

  /// The ways in which the model can generate: recursively only where there is a level below the top to do without.
  public var generations: [Generation] {
    family.hasReadings && levelCount >= 2 ? Generation.allCases : [.hierarchical]
  }
}

/// Something that is about one model.
public protocol ModelBearing {
  var model: Model { get }
}

extension Sequence where Element: ModelBearing {
  /// Those whose model is of a family, in their order.
  public func of(_ family: Family) -> [Element] { filter { $0.model.family == family } }

  /// Those whose model's layers are arranged in a way, in their order.
  public func of(_ structure: Structure) -> [Element] { filter { $0.model.structure == structure } }
}

extension Sequence<Family> {
  /// Those whose layers are arranged in a way, in their order.
  public func of(_ structure: Structure) -> [Family] { filter { $0.structure == structure } }
}
