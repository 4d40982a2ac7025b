import Architectures
import Rendering
import Scenarios
import Training

/// What `photon evaluate` found: docs/evaluate-json.md.
struct Evaluated {
  struct Recursive {
    let promptLength: Int
    let length: Int
    let sequences: Int
    let follow: FollowedTokens
    let stretches: [RecursiveComparison.Stretch]
  }

  /// Of a synthetic task.
  struct Answers {
    let hierarchical: AnswerScore
    let recursive: AnswerScore?
  }

  let subject: Subject
  let data: EvaluationData
  let score: TeacherForcedScore
  let recursive: Recursive?
  let answers: Answers?

  private var unit: String { data.isText ? "byte" : "token" }

  var json: JSON {
    let model = subject.model
    return .object([
      ("name", .string(subject.name)),
      ("step", subject.step.map { JSON($0) } ?? .null),
      ("architecture", .string(model.family.rawValue)),
      ("decoder_input", model.family.hasReadings ? .string(model.decoderInput.rawValue) : .null),
      ("cache", ModelText.caches(of: model).map { .string($0) } ?? .null),
      ("data", .string(data.name)),
      ("token", .string(data.isText ? "byte" : "number")),
      ("tokens", JSON(data.tokens.count)),
      (
        "teacher_forced",
        .object([
          ("context", JSON(data.context)), ("sequences", JSON(score.sequenceCount)),
          ("tokens_scored", JSON(score.tokenCount)), ("loss_nats", .number(score.loss)),
          ("bits_per_token", .number(score.bitsPerToken)), ("perplexity", .number(score.perplexity)),
        ])
      ),
      ("recursive", recursive?.json ?? .null),
      ("answers", answers?.json ?? .null),
    ])
  }

  var text: String {
    let model = subject.model
    let reading = model.family.hasReadings ? ", decoder input \(model.decoderInput.rawValue)" : ""
    let state = subject.step.map { "\($0) steps trained" } ?? "random weights"
    let cache = ModelText.caches(of: model).map { "answers are generated with \($0)\n" }
    let found = answers.map { answers in
      (cache ?? "") + "answers found: hierarchical generation \(answers.hierarchical.share)"
        + (answers.recursive.map { ", recursive generation \($0.share)" } ?? "") + "\n"
    }
    func number(_ value: Double) -> String { NumberFormat.fixed(decimals: 4).text(value) }
    return """
      \(subject.name): \(model.family.rawValue)\(reading), \(state)
      \(data.name): \(number(score.bitsPerToken)) bits per \(unit), perplexity \(number(score.perplexity)) per \(unit), \
      teacher-forced over \(score.tokenCount) tokens in \(score.sequenceCount) sequences of \(data.context)

      """ + (found ?? "") + (recursive.map { "\n" + $0.table(unit: unit).text(as: .table) } ?? "")
  }
}

extension Evaluated.Answers {
  fileprivate var json: JSON {
    .object([
      ("asked", JSON(hierarchical.asked)), ("hierarchical_accuracy", .number(hierarchical.accuracy)),
      ("recursive_accuracy", JSON(recursive?.accuracy)),
    ])
  }
}

extension AnswerScore {
  fileprivate var share: String { "\(found) of \(asked)" }
}

extension Evaluated.Recursive {
  fileprivate var json: JSON {
    .object([
      ("prompt", JSON(promptLength)), ("length", JSON(length)), ("sequences", JSON(sequences)),
      ("follow", .string(follow.rawValue)),
      (
        "stretches",
        .array(
          stretches.map { stretch in
            .object([
              ("first", JSON(stretch.positions.lowerBound)), ("last", JSON(stretch.positions.upperBound - 1)),
              ("tokens", JSON(stretch.count)), ("agreement", .number(stretch.agreement)),
              ("kl_nats", .number(stretch.divergenceNats)),
              ("hierarchical_bits_per_token", .number(stretch.hierarchicalBits)),
              ("recursive_bits_per_token", .number(stretch.recursiveBits)),
              ("levels", .array(stretch.levels)),
            ])
          })
      ),
    ])
  }

  /// One row per stretch; the cosines are those of the top level.
  fileprivate func table(unit: String) -> Table {
    var table = Table(
      title: "Recursive beside hierarchical generation: \(sequences) prompts of \(promptLength) tokens, the tokens of "
        + (follow == .data ? "the data" : "\(follow.rawValue) generation"),
      [
        Column("first", "from token"), Column("last", "to"), Column("agreement", as: .percent(decimals: 1)),
        Column("kl_nats", "KL, nat", as: .significant(3)),
        Column("hierarchical_bits", "hierarchical, bit/\(unit)", as: .fixed(decimals: 3)),
        Column("recursive_bits", "recursive, bit/\(unit)", as: .fixed(decimals: 3)),
        Column("unit_cosine", "cos X̂ X", as: .fixed(decimals: 3)),
        Column("chunk_cosine", "cos Â A", as: .fixed(decimals: 3)),
        Column("unrelated_cosine", "unrelated", as: .fixed(decimals: 3)),
      ])
    for stretch in stretches {
      table.append([
        Cell(stretch.positions.lowerBound), Cell(stretch.positions.upperBound - 1), Cell(100 * stretch.agreement),
        Cell(stretch.divergenceNats), Cell(stretch.hierarchicalBits), Cell(stretch.recursiveBits),
        Cell(stretch.unitCosines.last ?? nil), Cell(stretch.chunkCosines.last ?? nil),
        Cell(stretch.unrelatedCosines.last ?? nil),
      ])
    }
    return table
  }
}

extension RecursiveComparison.Stretch {
  fileprivate var levels: [JSON] {
    unitCosines.indices.map { index in
      .object([
        ("level", JSON(index + 2)), ("unit_cosine", JSON(unitCosines[index])),
        ("chunk_cosine", JSON(chunkCosines[index])), ("unrelated_cosine", JSON(unrelatedCosines[index])),
      ])
    }
  }
}
