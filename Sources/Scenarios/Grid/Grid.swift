import Architectures
import Quantities

/// A model with the name under which reports list it: its preset's, or the scenario's.
public struct NamedModel: ModelBearing, Hashable, Sendable {
  /// As reports write it.
  public var name: String
  /// What the name stands for.
  public var model: Model

  /// The name is the one that reports write.
  public init(name: String, model: Model) {
    self.name = name
    self.model = model
  }
}

/// One point of a grid, ready to be priced or executed.
public struct ScenarioPoint: Sendable {
  /// Position in the grid, from 0; points that a constraint excludes keep theirs.
  public var index: Int
  /// Position in `Grid.models`, for tables that are made once per model.
  public var modelIndex: Int
  /// The model's name.
  public var name: String
  /// What is priced or run.
  public var question: Question
  let axes: [Axis]

  /// The model of the question.
  public var model: Model { question.model }
  /// Its prompt, lengths, batch and continuations.
  public var workload: Workload { question.workload }
  /// Its element types.
  public var precision: Precision { question.precision }

  /// One label per axis.
  public var axisValues: [String] { axes.indices.map(axisValue) }

  /// The label of an axis; read from the index, since of millions of points few are asked for all of them.
  public func axisValue(at axis: Int) -> String {
    var stride = 1
    for later in axes[(axis + 1)...] { stride *= later.labels.count }
    return axes[axis].labels[index / stride % axes[axis].labels.count]
  }
}

/// The product of every list and range in a scenario: axes in the order of the text, the last one running fastest.
public struct Grid: Sendable {
  /// The most points that a grid may have.
  public static let pointLimit = 100_000_000
  /// Different models and precisions are read and checked before the first point.
  public static let modelLimit = 65_536

  enum Placement: Sendable {
    /// A digit counts so many positions in the table of models.
    case model(stride: Int)
    case precision(stride: Int)
    /// What each option sets.
    case workload([[(key: WorkloadKey, value: Int)]])
  }

  /// One per list or range that the scenario gives, in the order of the text.
  public let axes: [Axis]
  /// The product of the axes' lengths, points excluded by constraints included.
  public let count: Int
  /// Every model of the grid, in order; `nil` where a constraint about the model alone excludes it.
  public let models: [NamedModel?]
  /// Every precision of the grid, in order.
  public let precisions: [Precision]
  /// By the place of a model that is excluded, the constraint that does.
  let exclusions: [Int: Constraint]
  let placements: [Placement]
  let workload: Workload
  let constraints: [Constraint]

  /// The point at a position, or `nil` if a constraint excludes it.
  /// - Precondition: `index` is in `0..<count`.
  public func point(at index: Int) -> ScenarioPoint? {
    let (modelIndex, precision, workload) = place(index)
    guard let named = models[modelIndex] else { return nil }
    let question = Question(named.model, workload, precision)
    guard constraints.allSatisfy({ $0.allows(question) }) else { return nil }
    return ScenarioPoint(
      index: index, modelIndex: modelIndex, name: named.name, question: question, axes: axes)
  }

  /// Why there is no point at a position that a constraint excludes, and the first position that has one; nil where there is
  /// a point.
  public func refusal(at index: Int) -> Diagnostic? {
    let (modelIndex, precision, workload) = place(index)
    let excluding =
      models[modelIndex].map { named in
        constraints.first { !$0.allows(Question(named.model, workload, precision)) }
      } ?? exclusions[modelIndex]
    guard let excluding else { return nil }
    let first = points.first { _ in true }.map { "\($0.index), the first that no constraint excludes" }
    return Diagnostic(
      excluding.position, path: excluding.path,
      found: "point \(index) is excluded by \(excluding.comparison)", accepted: first.map { "--point \($0)" })
  }

  private func place(_ index: Int) -> (modelIndex: Int, precision: Precision, workload: Workload) {
    precondition((0..<count).contains(index), "a grid of \(count) points has none at \(index)")
    var rest = index
    var modelIndex = 0
    var precisionIndex = 0
    var workload = workload
    for axis in axes.indices.reversed() {
      let digit = rest % axes[axis].labels.count
      rest /= axes[axis].labels.count
      switch placements[axis] {
      case .model(let stride): modelIndex += digit * stride
      case .precision(let stride): precisionIndex += digit * stride
      case .workload(let options):
        for setting in options[digit] { setting.key.set(setting.value, in: &workload) }
      }
    }
    return (modelIndex, precisions[precisionIndex], workload)
  }

  /// Every point that no constraint excludes, in order; at least one.
  public var points: some Sequence<ScenarioPoint> { (0..<count).lazy.compactMap { point(at: $0) } }
}

extension WorkloadKey {
  func set(_ value: Int, in workload: inout Workload) {
    switch self {
    case .prompt: workload.promptLength = value
    case .generate: workload.generatedLength = value
    case .batch: workload.batchSize = value
    case .continuations: workload.continuations = value
    }
  }

  func value(in workload: Workload) -> Int {
    switch self {
    case .prompt: workload.promptLength
    case .generate: workload.generatedLength
    case .batch: workload.batchSize
    case .continuations: workload.continuations
    }
  }

  var range: ClosedRange<Int> {
    switch self {
    case .prompt: 0...Limits.promptLength
    case .generate: 0...Limits.generatedLength
    case .batch: 1...Limits.batchSize
    case .continuations: 1...Limits.continuations
    }
  }
}
