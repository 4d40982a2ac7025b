import Architectures
import Quantities

extension Stack {
  /// Its share of a prompt, and how it is read.
  func promptPasses(_ model: Model, prompt: Int) -> PromptPasses {
    PromptPasses(
      units: prompt / model.metaContextLength(upTo: level), chunk: prefillChunk, lookahead: lookahead)
  }
}

/// A stack and what it costs whatever the workload: listed once for a model and a precision, since that takes longer than
/// to price a point.
final class PricedStack<Integer: CountingInteger>: Sendable {
  /// Heads of one plan in all layers of a run.
  struct Heads: Sendable {
    let cache: CachePlan
    let rules: HeadRules
    /// Among the layers of the stack, and among the key–value heads of a layer.
    let layers, heads: Range<Int>
  }

  let stack: Stack
  let cost: StackCost<Integer>
  /// Run by run.
  let heads: [Heads]
  /// Of each of them.
  let costs: [HeadCost<Integer>]
  /// Whether continuations read the entries of their prompt where they are.
  let sharesPrompts: Bool
  /// Whether entries lie in the memory of the host.
  let hasHost: Bool

  init(_ stack: Stack, _ precision: Precision) {
    (self.stack, cost, sharesPrompts) = (stack, StackCost(stack, precision), stack.sharesPrompts)
    var (heads, costs, layer) = ([Heads](), [HeadCost<Integer>](), 0)
    for run in stack.runs {
      let layers = layer..<layer + run.layers
      layer = layers.upperBound
      var head = 0
      for own in run.heads {
        heads.append(
          Heads(cache: own.cache, rules: HeadRules(own.cache), layers: layers, heads: head..<head + own.count))
        costs.append(HeadCost(own.cache, run.shape, layers: run.layers, heads: own.count, precision))
        head += own.count
      }
    }
    (self.heads, self.costs) = (heads, costs)
    hasHost = heads.contains { $0.rules.hostBend != nil }
  }

  // MARK: A point

  /// What all heads store of one position in the form in which it is kept.
  /// - Unit: bit
  var entryBits: Integer { costs.reduce(0) { $0 &+ $1.formedBits } }

  /// Scores, softmax and weighted values of all heads, for so many sequences.
  func attention(_ sums: StackSums, in phase: Phase, _ sequences: Integer) -> Work<Integer> {
    var work = Work(activationBits: Integer(word: sums.point[phase].rows) &* cost.attentionActivationBits)
    let own = sums[phase]
    // Elements are large: they are read where they are.
    for index in costs.indices { costs[index].addAttention(own[index], to: &work) }
    return work.times(sequences)
  }

  /// What the methods add beside attention.
  func upkeep(_ sums: StackSums, in phase: Phase, _ sequences: Integer) -> Work<Integer> {
    var work = Work<Integer>.zero
    let own = sums[phase]
    for index in costs.indices where own[index].hasUpkeep { costs[index].addUpkeep(own[index].upkeep, to: &work) }
    return work.times(sequences)
  }

  /// Bits that the rows of all passes append, for so many sequences.
  func appended(_ sums: StackSums, in phase: Phase, _ sequences: Integer) -> Integer {
    let (passes, own) = (sums.point[phase], sums[phase])
    return sequences
      &* bits {
        EntryAmount(
          appended: passes.rows, ahead: passes.lookahead, own[$0].upkeep, hasFresh: heads[$0].rules.residual > 0)
      }
  }

  /// Bits of amounts in all heads.
  /// - Parameter amount: that of one head in one layer, by the index of its run.
  @inline(__always)
  func bits(_ amount: (Int) -> EntryAmount) -> Integer {
    var bits: Integer = 0
    for index in costs.indices { bits &+= costs[index].bits(amount(index)) }
    return bits
  }
}

/// Stacks of the model that was asked about last: points that follow each other are mostly about the same one.
struct PricedStacks<Integer: CountingInteger>: Sendable {
  private var model: Model?
  private var precision = Precision()
  /// From level 1 up, encoder first.
  private(set) var all: [PricedStack<Integer>] = []

  /// Lists those of a question's model, unless they are listed.
  /// - Parameter isWanted: always the same.
  mutating func prepare(_ question: Question, where isWanted: (Stack) -> Bool = { _ in true }) {
    guard precision != question.precision || model != question.model else { return }
    (model, precision) = (question.model, question.precision)
    all = question.model.stacks.filter(isWanted).map { PricedStack($0, question.precision) }
  }
}
