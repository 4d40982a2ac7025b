import Architectures
import Foundation
import Reference
import Tensors
import TestModels
import Testing
import Training

/// What the figures of `photon evaluate` owe to the objective and to generation.
struct ScoreTests {
  static let models: [Subject] = Subject.all

  @Test(arguments: models)
  func `a score over one sequence is the objective's token loss`(subject: Subject) {
    let (weights, machine) = (subject.weights(true), Machine(backend: .plain))
    let tokens = subject.tokens[0]
    let score = TeacherForcedScore(weights, tokens: tokens, context: tokens.count, batch: 4, machine: machine)
    let losses = Objective().losses(
      TrainingPass(weights, tokens: [tokens], firstScored: 1, machine: machine), machine: machine)
    #expect(score.tokenCount == tokens.count - 1 && losses.tokenCount == tokens.count - 1)
    #expect(abs(score.loss - losses.token) < 1e-12 && score.bitsPerToken == score.loss / log(2))
  }

  @Test func `every token but the first of each sequence is scored once, whatever the batch`() {
    let weights = Subject.all[2].weights(true)
    let tokens = (0..<103).map { Int32($0 * $0 % 11) }
    for context in [2, 7, 20, 51, 102, 103, 500] {
      let scores = [1, 3, 50].map {
        TeacherForcedScore(
          weights, tokens: tokens, context: context, batch: $0, machine: Machine(backend: .plain))
      }
      // A last sequence of one token says nothing.
      let sequences = (102 + context) / context - (103 % context == 1 ? 1 : 0)
      #expect(scores.allSatisfy { $0.sequenceCount == sequences })
      #expect(scores.allSatisfy { $0.tokenCount == 103 - (102 + context) / context })
      // Sums of at most 103 doubles of a few nats in another order.
      #expect(scores.allSatisfy { abs($0.nats - scores[0].nats) < 1e-9 })
    }
  }

  @Test func `every answer is found in a model's own greedy text, and none where it is always another token`() {
    for subject in Subject.all {
      let (weights, machine) = (subject.weights(true), Machine(backend: .plain))
      let workload = Workload(promptLength: 3, generatedLength: 12, batchSize: 2)
      let session = makeSession(weights, workload: workload, machine: machine)
      let prompts: [[Int32]] = [[1, 2, 3], [3, 5, 7]]
      session.prefill(prompts)
      let texts = zip(prompts, session.generate()).map { $0 + $1 }
      for answers in [[3], [5, 6, 9], [14], Array(3..<15)] {
        let score = AnswerScore(weights, sequences: texts, answers: answers, machine: machine)
        #expect(score.asked == 2 * answers.count && score.accuracy == 1)
      }
      // The last answer's token is read by nothing that is asked.
      let wrong = texts.map { Array($0.dropLast()) + [($0[14] + 1) % 11] }
      let score = AnswerScore(weights, sequences: wrong, answers: [8, 14], machine: machine)
      #expect(score.found == 2 && score.asked == 4 && (score + score).accuracy == 0.5)
    }
  }

  @Test func `a generated answer counts where every token of it is right`() {
    for subject in Subject.all {
      let (weights, machine) = (subject.weights(true), Machine(backend: .plain))
      let prompts: [[Int32]] = [[1, 2, 3], [3, 5, 7], [0, 1, 4]]
      let session = makeSession(
        weights, workload: Workload(promptLength: 3, generatedLength: 4, batchSize: 3), machine: machine)
      session.prefill(prompts)
      var texts = zip(prompts, session.generate()).map { $0 + $1 }
      let right = GeneratedScore(weights, sequences: texts, answerLength: 4, machine: machine)
      #expect(right.found == 3 && right.tokensFound == 12 && right.asked == 3 && right.accuracy == 1)
      // The model goes on from its own token, so that one wrong token of the sequence makes no other one wrong.
      texts[1][3] = (texts[1][3] + 1) % 11
      let wrong = GeneratedScore(weights, sequences: texts, answerLength: 4, batch: 2, machine: machine)
      #expect(wrong.found == 2 && wrong.tokensFound == 11 && wrong.asked == 3)
    }
  }

  @Test func `a budget that is never reached leaves every answer as it was`() {
    for subject in Subject.all {
      let (weights, machine) = (subject.weights(true), Machine(backend: .plain))
      let sequences = (0..<4).map { row in (0..<13).map { Int32(($0 * $0 + row) % 11) } }
      let full = GeneratedScore(weights, sequences: sequences, answerLength: 5, machine: machine)
      let kept = weights.keeping(StackCache(CachePlan(retention: .heavyHitters(HeavyHitters(heavy: 8, recent: 8)))))
      #expect(!kept.model.hasFullCaches && weights.model.hasFullCaches)
      #expect(GeneratedScore(kept, sequences: sequences, answerLength: 5, machine: machine) == full)
    }
  }

  private static let snapKV = StackCache(CachePlan(retention: .snapKV(SnapKV(budget: 1, window: 1, kernel: 1))))

  @Test func `what is left of a prompt for decode changes no answer where everything is kept`() {
    for subject in Subject.all where subject.model.generation == .hierarchical {
      let (weights, machine) = (subject.weights(true), Machine(backend: .plain))
      let sequences = (0..<3).map { row in (0..<29).map { Int32(($0 * $0 + row) % 11) } }
      func score(_ prefillLength: Int) -> GeneratedScore {
        GeneratedScore(weights, sequences: sequences, answerLength: 4, prefillLength: prefillLength, machine: machine)
      }
      let unit = subject.model.metaContextLength
      #expect((1...25 / unit).allSatisfy { score($0 * unit) == score(25) }, "\(subject)")
    }
  }

  /// Kept behind the prompt are the votes of its last query alone.
  @Test func `a method that evicts behind the prompt is felt where a unit is left for decode, and nowhere else`() {
    for subject in Subject.all where subject.model.generation == .hierarchical {
      let (weights, machine) = (subject.weights(true), Machine(backend: .plain))
      let unit = subject.model.metaContextLength
      let sequences = [(0..<8 * unit + 1).map { Int32(($0 * $0 + 3) % 11) }]
      func nats(_ weights: ModelWeights, _ prefillLength: Int) -> Double {
        GeneratedScore(
          weights, sequences: sequences, answerLength: 1, prefillLength: prefillLength, reads: .right, machine: machine
        ).nats
      }
      // Where chunks are conditioned on what was restored, the latents that matter are one unit older.
      let late = subject.model.levelCount > 1 && subject.model.decoderInput.feedsReconstructions
      let (kept, before) = (weights.keeping(Self.snapKV), (late ? 6 : 7) * unit)
      #expect(nats(kept, 8 * unit) == nats(weights, 8 * unit), "\(subject)")
      #expect(nats(kept, before) != nats(weights, before), "\(subject)")
    }
  }

  @Test func `bits of tokens that decode is fed are those of a teacher-forced pass`() {
    for subject in Subject.all where subject.model.generation == .hierarchical {
      let (weights, machine) = (subject.weights(true), Machine(backend: .plain))
      let tokens = subject.tokens[0]
      let decoded = GeneratedScore(
        weights, sequences: [tokens], answerLength: tokens.count - 1, reads: .right, machine: machine)
      let whole = TeacherForcedScore(weights, tokens: tokens, context: tokens.count, batch: 1, machine: machine)
      // Logits are the same numbers; the pass adds up V = 11 exponentials and takes their logarithm in float: 11 + 3
      // roundings of 2⁻²⁴ of at most the sum or the loss, for each token.
      let largest = max(Double(whole.tokenCount) * log(11), whole.nats)
      #expect(abs(decoded.nats - whole.nats) < 14 * exp2(-24) * (Double(whole.tokenCount) + largest), "\(subject)")
    }
  }

  /// Scores and bytes do not depend on the threads: every task may be answered with as many as there are.
  @Test(arguments: Retention.Method.allCases)
  func `one thread answers as two do, and holds as much`(method: Retention.Method) {
    defer { setKernelThreads(1) }
    for subject in Subject.all {
      let sequences = (0..<4).map { row in (0..<29).map { Int32(($0 * $0 + row) % 11) } }
      for retention in retentions(method) {
        let weights = subject.weights(true).keeping(StackCache(CachePlan(retention: retention), prefillChunk: 3))
        guard weights.model.problems.isEmpty else { continue }
        let runs = [1, 2].map { threads in
          setKernelThreads(threads)
          let machine = Machine(backend: .fast)
          let score = GeneratedScore(
            weights, sequences: sequences, answerLength: 5, prefillLength: 12, reads: .right, machine: machine)
          let session = makeSession(
            weights, workload: Workload(promptLength: 12, generatedLength: 17, batchSize: 4), machine: machine)
          session.prefill(sequences.map { Array($0.prefix(12)) })
          _ = session.generate { _, sequence, position in sequences[sequence][position] }
          return (score, session.memory.figures)
        }
        #expect(runs[0].0 == runs[1].0 && runs[0].1 == runs[1].1, "\(subject), \(retention)")
      }
    }
  }
}
