import Architectures
import Formulas
import Quantities
import Scenarios

/// Measured phases that a report draws, and the machine that ran them.
public struct TimedSubject: Sendable {
  /// The heading of the report.
  public var title: String
  /// What a reader types for the same report.
  public var command: String
  /// The machine in words.
  public var machine: String
  /// The most matrix work that the machine does in a second, by its profile.
  /// - Unit: FLOP/s
  public var peak: Double
  /// The most that its main memory moves, by its profile.
  /// - Unit: byte/s
  public var bandwidth: Double
  /// Where the points come from, as sentences in Markdown.
  public var notes: [String]
  /// In the order in which they were measured.
  public var points: [TimedPhasePoint]
  /// Whether decode is over whole meta-contexts, so that the number of generated tokens differs between chunk lengths of
  /// the same workload.
  public var generatesMetaContexts: Bool
  /// What is worth a word about the tables that the points are from.
  public var remarks: [Diagnostic] = []

  /// - Parameters:
  ///   - title: the heading of the report.
  ///   - command: what a reader types for the same report.
  ///   - machine: in words.
  ///   - peak: of matrix products, in FLOP/s.
  ///   - bandwidth: of main memory, in byte/s.
  ///   - notes: where the points come from, as sentences.
  ///   - points: in the order in which they were measured.
  ///   - generatesMetaContexts: whether the number of generated tokens follows the chunk lengths.
  public init(
    title: String, command: String, machine: String, peak: Double, bandwidth: Double, notes: [String] = [],
    points: [TimedPhasePoint], generatesMetaContexts: Bool = false
  ) {
    (self.title, self.command, self.machine) = (title, command, machine)
    (self.peak, self.bandwidth, self.notes) = (peak, bandwidth, notes)
    (self.points, self.generatesMetaContexts) = (points, generatesMetaContexts)
  }

  /// The points that say something: no other program kept the machine busy.
  var quiet: [TimedPhasePoint] { points.filter { !$0.isDisturbed } }

  /// Points that differ only in what is erased.
  func families(erasing lengths: (Model) -> [LevelLength]) -> [[TimedPhasePoint]] {
    quiet.inOrder { point in
      var question = point.question
      for length in lengths(question.model) { length.erase(from: &question.model) }
      if generatesMetaContexts { question.workload.generatedLength = 0 }
      return Family(question: question, phase: point.phase)
    }
  }

  private struct Family: Hashable {
    var question: Question
    var phase: Phase
  }
}

/// One length of one level of a hierarchy, `C_l` or `R_l`.
struct LevelLength: Hashable {
  enum Kind: Hashable { case chunk, condition }

  var kind: Kind
  var level: Int

  var name: String { "\(kind == .chunk ? "C" : "R")_\(level)" }

  func value(of model: Model) -> Int {
    kind == .chunk ? model.levels[level].chunkLength : model.levels[level].conditionLength
  }

  /// Sets it to 0, which no model has.
  func erase(from model: inout Model) {
    switch kind {
    case .chunk: model.levels[level].chunkLength = 0
    case .condition: model.levels[level].conditionLength = 0
    }
  }
}

extension Model {
  /// `C_l` and `R_l` of every level.
  var lengths: [LevelLength] {
    levels.indices.flatMap { [LevelLength(kind: .chunk, level: $0), LevelLength(kind: .condition, level: $0)] }
  }
}

extension TimedPhasePoint {
  /// What a time is shared out over: the tokens of all prompts, or the steps of decode, each of which emits a token of
  /// every sequence.
  var tokens: Double {
    let workload = question.workload
    return phase == .prefill
      ? Double(workload.promptLength * workload.batchSize) : Double(workload.generatedLength)
  }

  /// - Unit: s
  var measuredPerToken: Double { measured / tokens }
  /// - Unit: s
  var predictedPerToken: Double { predicted / tokens }

  /// The model without its lengths: `photon-600m, reconstruction, recursive`; what is usual is left out.
  var variant: String {
    let model = question.model
    let usual = Payload(of: model.family)
    let other = Model(vocabulary: model.vocabulary, layer: model.layer, payload: usual)
    return
      ([name]
      + (model.decoderInput == other.decoderInput ? [] : [model.decoderInput.rawValue])
      + (model.generation == other.generation ? [] : [model.generation.rawValue])).joined(separator: ", ")
  }

  /// `context 2048, batch 16`.
  var place: String {
    let workload = question.workload
    return "\(phase == .prefill ? "prompt" : "context") \(number(workload.promptLength)), "
      + "batch \(number(workload.batchSize))"
      + (workload.continuations > 1 ? ", \(number(workload.continuations)) continuations" : "")
  }
}

extension Phase {
  /// As a heading of a column or an axis.
  var tokenTime: String { self == .prefill ? "time per prompt token" : "time per decode step" }
}

extension Sequence {
  /// Groups of elements with equal keys, in the order in which keys come first.
  func inOrder<Key: Hashable>(by key: (Element) -> Key) -> [[Element]] {
    var places: [Key: Int] = [:]
    var groups: [[Element]] = []
    for element in self {
      let key = key(element)
      if let place = places[key] {
        groups[place].append(element)
      } else {
        places[key] = groups.count
        groups.append([element])
      }
    }
    return groups
  }
}
