import Architectures
import Hardware

/// What one dispatch costs, before rates: matrix work, element-wise work and traffic, each affine in the index of a
/// progression of dispatches.
@frozen
public struct DispatchWork: Hashable, Sendable {
  /// - Unit: FLOP
  public var matmulFlops: Affine
  /// - Unit: FLOP
  public var elementwiseFlops: Affine
  /// Weights, activations and key–value entries, read and written.
  /// - Unit: byte
  public var bytes: Affine
  /// Weights among `bytes`.
  /// - Unit: byte
  public var weightBytes: Double
  /// Key–value entries among `bytes`, those of local windows included.
  /// - Unit: byte
  public var entryBytes: Affine
  /// Scores that an attention which is not fused stores: of every query with every key of its pass, masked ones too.
  public var scores: Affine

  @inlinable
  public init(
    matmulFlops: Affine = Affine(0), elementwiseFlops: Affine = Affine(0), bytes: Affine = Affine(0),
    weightBytes: Double = 0, entryBytes: Affine = Affine(0), scores: Affine = Affine(0)
  ) {
    self.matmulFlops = matmulFlops
    self.elementwiseFlops = elementwiseFlops
    self.bytes = bytes
    self.weightBytes = weightBytes
    self.entryBytes = entryBytes
    self.scores = scores
  }
}

/// Dispatches of one fused operation that differ at most in how many keys they attend.
///
/// A sequential chain is a list of these. Its time needs no order, because every step takes the sum over its operations;
/// so a whole phase is a short list whose length depends on the model only, never on P, G, batch or K.
@frozen
public struct DispatchGroup: Hashable, Sendable {
  /// The efficiencies that apply; a product becomes a few-row product by its rows.
  @frozen public enum Kind: String, Hashable, Sendable { case product, attentionPrefill, attentionDecode, elementwise }

  /// Where the work is booked.
  public var node: Node
  /// Which efficiencies apply.
  public var kind: Kind
  /// Rows (positions of all sequences) in one dispatch.
  public var rows: Double
  /// Length of the progression of indices.
  public var indices: Double
  /// Dispatches at each index, for example the layers of a stack times the chunks that look alike.
  public var dispatchesPerIndex: Double
  /// Work of one dispatch.
  public var work: DispatchWork
  /// Matrix work of one more row of a product, or of one more key for every query of an attention: what a small dispatch
  /// costs besides its own (`SaturatingEfficiency`).
  /// - Unit: FLOP
  public var unitFlops: Double
  /// Element-wise work of one more key for every query of an attention; 0 for a product.
  /// - Unit: FLOP
  public var unitElementwiseFlops: Double
  /// Consecutive queries of one sequence in one dispatch of an attention; 1 for everything else.
  public var queries: Double
  /// Queries times heads of an attention; 0 for everything else.
  public var queryRows: Double
  /// Heads that share a key in such an attention.
  public var sharing: Double
  /// Bytes that are touched between two uses of the same weights; decides which cache level serves them. Infinite where
  /// nothing is reused.
  public var workingSet: Double
  /// How often the same weights are used in the phase, evenly spaced.
  public var uses: Double
  /// What each of several devices sends to the others after one dispatch.
  public var linkBytes: Double

  @inlinable
  public init(
    node: Node, kind: Kind, rows: Double, indices: Double = 1, dispatchesPerIndex: Double, work: DispatchWork,
    unitFlops: Double = 0, unitElementwiseFlops: Double = 0, queries: Double = 1, queryRows: Double = 0,
    sharing: Double = 1,
    workingSet: Double = .infinity, uses: Double = 1, linkBytes: Double = 0
  ) {
    self.node = node
    self.kind = kind
    self.rows = rows
    self.indices = indices
    self.dispatchesPerIndex = dispatchesPerIndex
    self.work = work
    self.unitFlops = unitFlops
    self.unitElementwiseFlops = unitElementwiseFlops
    self.queries = queries
    self.queryRows = queryRows
    self.sharing = sharing
    self.workingSet = workingSet
    self.uses = uses
    self.linkBytes = linkBytes
  }

  /// Dispatches of the whole group.
  @inlinable public var dispatches: Double { indices * dispatchesPerIndex }
}

/// The operations of one phase (or of the emission of one token), with the steps that the serving loop takes.
public struct DispatchedPhase: Hashable, Sendable {
  /// In no order: a time is their sum.
  public var groups: [DispatchGroup]
  /// Steps that each cost `HardwareProfile.stepOverhead`: 1 for a prefill, one per dispatch of the head in decode.
  public var steps: Double
  /// What crosses the link to the host.
  public var transfers: [LinkTransfers]
  /// Whether that hides behind what the device does, or this behind that; else one follows the other.
  public var overlapsLink: Bool

  public init(groups: [DispatchGroup], steps: Double, transfers: [LinkTransfers] = [], overlapsLink: Bool = true) {
    self.groups = groups
    self.steps = steps
    self.transfers = transfers
    self.overlapsLink = overlapsLink
  }
}

/// Transfers over the link between host and device, of all the passes of a group.
public struct LinkTransfers: Hashable, Sendable {
  /// Where they are booked.
  public var node: Node
  /// How many there are: those that a layer reads, or sends, in a pass are one.
  public var count: Double
  /// Of all together.
  public var bytes: Double

  public init(node: Node, count: Double, bytes: Double) {
    (self.node, self.count, self.bytes) = (node, count, bytes)
  }
}
