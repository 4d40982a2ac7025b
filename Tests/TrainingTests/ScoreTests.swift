import Architectures
import Foundation
import Reference
import Tensors
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
}
