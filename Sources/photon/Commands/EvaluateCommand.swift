import Architectures
import ArgumentParser
import Foundation
import Quantities
import Reference
import Rendering
import Tensors
import Training

/// `photon evaluate`
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Says how well a model predicts data, and how far recursive generation goes astray.",
    discussion: """
      Bits per byte and perplexity are teacher-forced. A PHOTON model with at least two levels also generates the same \
      tokens hierarchically and recursively after the same prompts, and their next-token distributions and latents are \
      compared by distance from the prompt; docs/evaluate-json.md defines every figure.

        photon evaluate -s scenarios/train-quickstart.yaml -d docs/example-config.json
      """)

  @OptionGroup var subject: SubjectOptions

  @Option(
    name: .shortAndLong,
    help: """
      A text file, whose bytes are tokens; may be repeated. By default the synthetic task that the model was trained on.
      """,
    completion: .file())
  var data: [String] = []

  @Flag(help: "The data are 16-bit little-endian numbers of tokens, as training takes them, not text.")
  var tokenFile = false

  @Flag(
    help: "Of the files that the model was trained on, all and in their order, only the end that training held out.")
  var heldOut = false

  @Option(help: "Tokens of a teacher-forced sequence; by default those that the model was trained on, or 256.")
  var context: Int?

  @Option(help: "The most tokens that are read from the data.")
  var limit = 1 << 18

  @Option(help: "Sequences on which recursive and hierarchical generation are compared; 0 leaves it out.")
  var sequences = 4

  @Option(help: "Tokens of their prompts, rounded up to whole meta-contexts.")
  var prompt = 256

  @Option(
    help: "Tokens compared behind each prompt, rounded up to whole meta-contexts; by default 1024 if there are so many."
  )
  var length: Int?

  @Option(
    help: """
      Which tokens both ways are given: data, or those that hierarchical or recursive generation samples.
      """)
  var follow = FollowedTokens.data

  @OptionGroup var sampling: SamplingOptions

  @Option(help: "table or json.")
  var format: OutputFormat = .table

  func validate() throws {
    if heldOut, data.isEmpty { throw ValidationError("--held-out needs the files that it is the end of: --data FILE") }
    if format == .csv { throw ValidationError("--format takes table or json") }
    for (name, value, range) in [
      ("--context", context ?? 2, 2...1 << 24), ("--limit", limit, 2...Int.max),
      ("--sequences", sequences, 0...1 << 20),
      ("--prompt", prompt, 0...1 << 24), ("--length", length ?? 1, 1...1 << 24),
    ] where !range.contains(value) {
      throw ValidationError("\(name) takes an integer from \(range.lowerBound), not \(value)")
    }
  }

  func run() throws {
    let subject = try subject.subject()
    let data = try data.isEmpty ? taskData(subject) : fileData(subject)
    let machine = Machine(backend: .fast)
    let bar = ProgressBar("tokens", total: data.tokens.count)
    // As many sequences as make a few thousand rows.
    let score = TeacherForcedScore(
      subject.weights, tokens: data.tokens, context: data.context, batch: max(1, 4096 / data.context),
      machine: machine, progress: { bar.advance(by: $0) })
    bar.finish()
    guard score.loss.isFinite else {
      printError("error: the loss is no number: the weights or the arithmetic are broken")
      throw ExitCode.failure
    }
    let evaluated = Evaluated(
      subject: subject, data: data, score: score, recursive: try comparison(subject, data, machine),
      answers: answers(subject, data, machine))
    printOutput(format == .json ? evaluated.json.text() + "\n" : evaluated.text)
  }

  // MARK: Recursive beside hierarchical generation

  private func comparison(
    _ subject: Subject, _ data: EvaluationData, _ machine: Machine
  ) throws -> Evaluated.Recursive? {
    guard sequences > 0, subject.isRecursive, let lengths = try lengths(subject.model, data) else { return nil }
    let comparison = RecursiveComparison(
      subject.weights, promptLength: lengths.promptLength, length: lengths.length, machine: machine)
    let count = data.isTask ? min(sequences, data.tokens.count / data.context) : sequences
    let bar = ProgressBar("sequences", total: count)
    for index in 0..<count {
      let start =
        data.isTask ? index * data.context : lengths.start(of: index, among: count, in: data.tokens.count)
      var settings = sampling.settings
      settings.seed &+= UInt64(index)
      comparison.add(Array(data.tokens[start..<start + lengths.needed]), following: follow, sampling: settings)
      bar.advance()
    }
    bar.finish()
    return Evaluated.Recursive(
      promptLength: lengths.promptLength, length: lengths.length, sequences: count, follow: follow,
      stretches: comparison.stretches)
  }

  /// - Returns: `nil` where a task's sequences are too short, which is nobody's mistake.
  private func lengths(_ model: Model, _ data: EvaluationData) throws -> ComparisonLengths? {
    let metaContext = model.metaContextLength
    do {
      return try ComparisonLengths(
        metaContext: metaContext, available: data.isTask ? data.context : data.tokens.count,
        // Of a task the whole meta-contexts before its first answer.
        prompt: data.answers.first.map { $0 / metaContext * metaContext } ?? prompt, length: length, following: follow)
    } catch {
      if data.isTask { return nil }
      throw ValidationError(
        "\(data.name): \(sentence(error)); accepted: more data, a shorter --prompt or --length, or --sequences 0")
    }
  }

  // MARK: Answers

  private func answers(_ subject: Subject, _ data: EvaluationData, _ machine: Machine) -> Evaluated.Answers? {
    guard !data.answers.isEmpty else { return nil }
    let sequences = stride(from: 0, to: data.tokens.count, by: data.context).map {
      Array(data.tokens[$0..<$0 + data.context])
    }
    func score(_ generation: Generation) -> AnswerScore {
      stride(from: 0, to: sequences.count, by: 8).map { start in
        AnswerScore(
          subject.weights.generating(generation), sequences: Array(sequences[start..<min(start + 8, sequences.count)]),
          answers: data.answers, machine: machine)
      }.reduce(AnswerScore(), +)
    }
    return Evaluated.Answers(
      hierarchical: score(.hierarchical), recursive: subject.isRecursive ? score(.recursive) : nil)
  }
}

/// Tokens to evaluate on.
struct EvaluationData {
  /// A file, or a task in a few words.
  let name: String
  let isText: Bool
  let isTask: Bool
  /// Of a task whole sequences one after another.
  let tokens: [Int32]
  /// Tokens of a teacher-forced sequence.
  let context: Int
  /// Positions of a task's sequence whose tokens follow from those before.
  let answers: [Int]
}

extension EvaluateCommand {
  private func fileData(_ subject: Subject) throws -> EvaluationData {
    var tokens = try data.flatMap { try readTokens($0, vocabulary: subject.model.vocabulary) }
    guard tokens.count >= 2 else {
      throw ValidationError("\(data.joined(separator: ", ")): \(tokens.count) tokens; accepted: at least 2")
    }
    if heldOut {
      guard let training = subject.training else {
        throw ValidationError("--held-out: nobody says what share training holds out; give a checkpoint")
      }
      try checkTrainedOn(tokens, subject, training)
      tokens = tokens.suffix(training.heldOutCount(of: tokens.count))
    }
    tokens = Array(tokens.prefix(limit))
    let context = min(self.context ?? subject.training?.context ?? 256, tokens.count)
    return EvaluationData(
      name: data.joined(separator: ", "), isText: !tokenFile, isTask: false, tokens: tokens, context: context,
      answers: [])
  }

  /// What is held out of other data was perhaps trained on.
  private func checkTrainedOn(_ tokens: [Int32], _ subject: Subject, _ training: TrainingSettings) throws {
    guard let fingerprint = subject.dataFingerprint, Fingerprint(tokens).text != fingerprint else { return }
    let files = training.data.text ?? training.data.tokens
    throw ValidationError(
      "--held-out: these are not the files that the model was trained on; accepted: "
        + (files.map { "\($0.joined(separator: ", ")) as training read them, " } ?? "")
        + "or leave --held-out out")
  }

  private func taskData(_ subject: Subject) throws -> EvaluationData {
    guard let training = subject.training, training.data.text == nil, training.data.tokens == nil else {
      throw ValidationError("--data FILE is needed: the model was not trained on a synthetic task")
    }
    if context != nil { throw ValidationError("--context is that of the task; give it with --data alone") }
    do {
      let task = try training.loadData(vocabulary: subject.model.vocabulary, directory: ".")
      let count = min(training.evaluationSequences, max(1, limit / training.context))
      return EvaluationData(
        name: task.summary, isText: false, isTask: true, tokens: task.evaluation(count).flatMap(\.self),
        context: training.context, answers: task.answers)
    } catch {
      throw ValidationError(error.problem.description)
    }
  }

  /// The tokens of a file, as training reads them: where the end of all files is held out, each text ends with a mark.
  private func readTokens(_ file: String, vocabulary: Int) throws -> [Int32] {
    let content = try contents(of: file)
    if tokenFile {
      do {
        return try Corpus.numbers(in: content, key: file, vocabulary: vocabulary).map(Int32.init)
      } catch {
        throw ValidationError(error.problem.description)
      }
    }
    let tokens = content.map(Int32.init) + (heldOut ? [Int32(Corpus.endOfText)] : [])
    if let index = tokens.firstIndex(where: { Int($0) >= vocabulary }) {
      throw ValidationError(
        "\(file): token \(index + 1) is \(tokens[index]); accepted: 0 to \(vocabulary - 1), the model's vocabulary")
    }
    return tokens
  }
}
