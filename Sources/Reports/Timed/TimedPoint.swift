import Architectures
import Formulas
import Quantities

/// One phase of one workload of one model as a machine measured it, beside its prediction.
public struct TimedPhasePoint: Sendable {
  /// As a scenario or a file of rows names it.
  public var name: String
  /// What ran.
  public var question: Question
  /// Which phase of it.
  public var phase: Phase
  /// Of the whole phase: the median of the repetitions, and what a profile says.
  /// - Unit: s
  public var measured, predicted: Double
  /// Half the distance between the quartiles over the median.
  /// - Unit: percent
  public var spreadPercent: Double
  /// What the prediction says the phase waits for.
  public var predictedBound: Bound
  /// Compute over memory time of the prediction.
  public var predictedMargin: Double
  /// Nil where nothing tells.
  public var regime: MeasuredRegime?
  /// Whether other programs kept the machine busy during every attempt.
  public var isDisturbed: Bool
  /// Whether the profile that predicts was corrected by it.
  public var isFitted: Bool
  /// The parts of the phase; empty where they were not timed.
  public var nodes: [TimedNode]

  /// Times are in s, the spread in percent, both of one phase.
  public init(
    name: String, question: Question, phase: Phase, measured: Double, predicted: Double, spreadPercent: Double,
    predictedBound: Bound, predictedMargin: Double, regime: MeasuredRegime? = nil, isDisturbed: Bool = false,
    isFitted: Bool = false, nodes: [TimedNode] = []
  ) {
    (self.name, self.question, self.phase) = (name, question, phase)
    (self.measured, self.predicted, self.spreadPercent) = (measured, predicted, spreadPercent)
    (self.predictedBound, self.predictedMargin, self.regime) = (predictedBound, predictedMargin, regime)
    (self.isDisturbed, self.isFitted, self.nodes) = (isDisturbed, isFitted, nodes)
  }

  /// Predicted ÷ measured − 1.
  /// - Unit: percent
  public var errorPercent: Double { 100 * (predicted / measured - 1) }
}

/// One node of a phase as it was measured, beside its prediction.
public struct TimedNode: Sendable {
  /// Level, side and component.
  public var node: Node
  /// - Unit: s
  public var measured, predicted: Double
  /// Exact work.
  public var work: Work<Int128>
  /// What the prediction says it waits for.
  public var predictedBound: Bound
  /// What most signs say of the node's level.
  public var regime: MeasuredRegime?

  /// Times are in s.
  public init(
    node: Node, measured: Double, predicted: Double, work: Work<Int128>, predictedBound: Bound,
    regime: MeasuredRegime? = nil
  ) {
    (self.node, self.measured, self.predicted, self.work) = (node, measured, predicted, work)
    (self.predictedBound, self.regime) = (predictedBound, regime)
  }
}
