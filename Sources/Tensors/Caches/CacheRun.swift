import Architectures

/// The four choices of a plan as what carries them out. Where nothing goes, or everything is read, there is nothing to
/// ask, so that such a cache asks nobody.
package struct CacheMethods: Sendable {
  var retaining: (any Retaining)?
  var lookingUp: (any LookingUp)?
  var form: any EntryForming
  var placing: any Placing

  package init(_ plan: CachePlan) {
    retaining = Tensors.retaining(plan.retention)
    lookingUp = Tensors.lookingUp(plan.lookup)
    form = forming(plan.entry)
    placing = Tensors.placing(plan.placement)
  }

  /// The methods of a run of heads: those of its plan, unless whoever makes a cache says otherwise.
  package typealias Factory = (HeadRun) -> CacheMethods
  package static let ofPlan: @Sendable (HeadRun) -> CacheMethods = { CacheMethods($0.cache) }
}

/// Alike key–value heads of one layer, as a cache keeps them.
struct CacheRun {
  let layer: Int
  /// Among the key–value heads of the layer.
  let heads: Range<Int>
  /// The layer with these heads alone, and the query heads that read them.
  let shape: LayerShape
  let methods: CacheMethods
  /// The weights that each entry has been given, where the retention asks for them.
  /// - Shape: (groups · key–value heads of the run) × capacity
  let mass: Tensor?

  /// Query features of the run among those of the layer.
  var queryColumns: Range<Int> {
    let width = shape.queryWidth / heads.count
    return heads.lowerBound * width..<heads.upperBound * width
  }

  /// Where a head's mass begins; `nil` for shapes and where nobody asks.
  /// - Parameter head: among those of the run.
  func mass(group: Int, head: Int) -> UnsafeMutablePointer<Float>? {
    guard let mass, let base = mass.base else { return nil }
    return base + (group * heads.count + head) * mass.columns
  }
}

extension Stack {
  /// The shape of every layer.
  /// - Precondition: the runs agree in width, heads and head width, and name all heads of their layers.
  var layerShapes: [LayerShape] {
    for run in runs {
      precondition(
        run.shape.width == width && run.shape.heads == shape.heads && run.shape.headWidth == shape.headWidth
          && run.shape.keyValueHeads == shape.keyValueHeads, "runs of one stack of unequal layers")
      precondition(
        run.heads.allSatisfy { $0.count > 0 } && run.heads.reduce(0) { $0 + $1.count } == run.shape.keyValueHeads,
        "runs of heads that are not the layer's \(run.shape.keyValueHeads)")
    }
    return runs.flatMap { Array(repeating: $0.shape, count: $0.layers) }
  }
}
