import Architectures
import Quantities

/// A family's passes, listed once: everything that folds over them is generic.
///
/// Lists are as long as the model is deep; P, G, batch and K are numbers in them. The closed forms of pricing stand
/// beside them (`HierarchyWalk`), derived without them, and tests hold the two together.
protocol FamilySchedule: Sendable {
  /// Every pass of a phase, in the order of a level's dispatches, levels from 1 up; the head's dispatches in decode.
  func passes<N: Count>(in phase: Phase, as _: N.Type) -> PhasePasses<N>
  /// What emits the first token once prefill is over: the passes of the chunks that it opens.
  func emission<N: Count>(as _: N.Type) -> [PassGroup<N>]
  /// The teacher-forced pass over the prompt: all stacks over all of it, whatever generation would skip.
  func teacherForced<N: Count>(as _: N.Type) -> [PassGroup<N>]
  /// The passes that emit one token of each member of a batch whose members are at different positions. Members share
  /// the dispatches of a stack, not its keys; rows are those of all members together.
  func step<N: Count>(of members: [BatchMember], as _: N.Type) -> [PassGroup<N>]
}

/// Sequences of a batch that are at the same position.
public struct BatchMember: Hashable, Sendable {
  /// `P`: where they drop the caches of lower levels depends on it.
  public var promptLength: Int
  /// Tokens that are committed before the step, the prompt among them.
  public var length: Int
  /// How many sequences there are.
  public var count: Int

  public init(promptLength: Int, length: Int, count: Int = 1) {
    self.promptLength = promptLength
    self.length = length
    self.count = count
  }
}

extension Question {
  private var stackSchedule: StackSchedule {
    StackSchedule(
      prompt: workload.promptLength, generated: workload.generatedLength,
      chunks: model.cache(at: 0).promptPasses(workload.promptLength))
  }

  private var hierarchySchedule: HierarchySchedule {
    HierarchySchedule(model, prompt: workload.promptLength, generated: workload.generatedLength)
  }

  /// The passes of the model's family over the workload.
  var schedule: any FamilySchedule {
    switch model.structure {
    case .stack: stackSchedule
    case .hierarchy: hierarchySchedule
    }
  }

  /// Every pass of a phase, as the schedule lists them. A schedule whose type is known is compiled for its numbers, which
  /// saves most of the time.
  func passes<N: Count>(in phase: Phase, as _: N.Type) -> PhasePasses<N> {
    switch model.structure {
    case .stack: stackSchedule.passes(in: phase, as: N.self)
    case .hierarchy: hierarchySchedule.passes(in: phase, as: N.self)
    }
  }
}

/// The passes that emit one token of each member of a batch: rows, pairs and entries are those of all of them, and each
/// group is one dispatch of its stack's operations.
/// - Throws: `CountOverflow` where a count could exceed 2^126.
public func stepPasses(_ model: Model, _ members: [BatchMember]) throws(CountOverflow) -> [PassGroup<Int128>] {
  for member in members {
    let workload = Workload(promptLength: member.length, generatedLength: 1, batchSize: max(member.count, 1))
    // Members add up to at most their number times the largest.
    guard try CountBound.estimate(Question(model, workload)) * Double(members.count) < 0x1p126 else { throw .counts }
  }
  let workload = Workload(promptLength: members.first?.promptLength ?? 0, generatedLength: 1)
  return Question(model, workload).schedule.step(of: members, as: Int128.self)
}

extension StackCache {
  /// So many units of a prompt, where they are read in chunks; nil where all are at once.
  func promptPasses(_ units: Int) -> PromptPasses? {
    prefillChunk.map { PromptPasses(units: units, chunk: $0, lookahead: lookahead) }
  }
}

/// The passes of a prompt: the whole ones as one progression, and what is left of it. The last one looks ahead to nothing,
/// so it stands apart where others do.
/// - Parameter group: a pass of so many rows behind so many positions; what it attends and reads grows with them.
func inChunks<N: Count>(_ prompt: PromptPasses, _ group: (_ rows: N, _ before: N) -> PassGroup<N>) -> [PassGroup<N>] {
  let rest = prompt.lookahead > 0 ? prompt.last : prompt.rest
  let (length, before) = (min(prompt.chunk, max(prompt.units, 1)), prompt.units - rest)
  var chunks = group(N.whole(length + prompt.lookahead), 0)
  chunks.lookahead = N.whole(prompt.lookahead)
  chunks.indices = N.whole(before / length)
  chunks.pairsSlope = chunks.rows * N.whole(length)
  chunks.entriesSlope = N.whole(length)
  return [chunks, group(N.whole(rest), N.whole(before))].filter { !$0.isEmpty }
}
