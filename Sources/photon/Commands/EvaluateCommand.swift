import Architectures
import ArgumentParser
import Foundation
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
    var subject = try subject.subject()
    let data = try data.isEmpty ? taskData(subject) : fileData(subject)
    let lengths = sequences > 0 && subject.isRecursive ? try lengths(subject.model, data) : nil
    try checkMemory(subject.model, data, comparison: lengths)
    try subject.load()
    let machine = Machine(backend: .fast)
    let bar = ProgressBar("tokens", total: data.tokens.count)
    let score = TeacherForcedScore(
      subject.weights, tokens: data.tokens, context: data.context, batch: Self.batch(data.context),
      machine: machine, progress: { bar.advance(by: $0) })
    bar.finish()
    guard score.loss.isFinite else {
      printError("error: the loss is no number: the weights or the arithmetic are broken")
      throw ExitCode.failure
    }
    let evaluated = Evaluated(
      subject: subject, data: data, score: score, recursive: lengths.map { comparison(subject, data, $0, machine) },
      answers: answers(subject, data, machine))
    printOutput(format == .json ? evaluated.json.text() + "\n" : evaluated.text)
  }

  /// As many sequences as make a few thousand rows.
  static func batch(_ context: Int) -> Int { max(1, 4096 / context) }

  // MARK: Recursive beside hierarchical generation

  private func comparison(
    _ subject: Subject, _ data: EvaluationData, _ lengths: ComparisonLengths, _ machine: Machine
  ) -> Evaluated.Recursive {
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
    for file in data { try checkFile(file) }
    let files: TokenFiles
    let tokens: [Int32]
    do {
      // As training reads them: where the end of all files is held out, each text ends with a mark.
      files = try TokenFiles(
        data.map { (key: $0, path: $0, name: $0) }, tokenFile ? .numbers : heldOut ? .endedText : .text,
        vocabulary: subject.model.vocabulary)
      guard files.count >= 2 else {
        throw ValidationError("\(data.joined(separator: ", ")): \(files.count) tokens; accepted: at least 2")
      }
      let first = heldOut ? files.count - (try heldOutCount(files, subject)) : 0
      tokens = try files.tokens(first..<min(files.count, first + min(limit, files.count)))
    } catch let error as DataError {
      throw ValidationError(error.description)
    }
    let context = min(self.context ?? subject.training?.context ?? 256, tokens.count)
    return EvaluationData(
      name: data.joined(separator: ", "), isText: !tokenFile, isTask: false, tokens: tokens, context: context,
      answers: [])
  }

  /// Tokens at the end of the files that training held out. What is held out of other data was perhaps trained on.
  private func heldOutCount(_ files: TokenFiles, _ subject: Subject) throws -> Int {
    guard let training = subject.training else {
      throw ValidationError("--held-out: nobody says what share training holds out; give a checkpoint")
    }
    if let fingerprint = subject.dataFingerprint, try files.fingerprint() != fingerprint {
      let names = training.data.text ?? training.data.tokens
      throw ValidationError(
        "--held-out: these are not the files that the model was trained on; accepted: "
          + (names.map { "\($0.joined(separator: ", ")) as training read them, " } ?? "")
          + "or leave --held-out out")
    }
    return min(training.heldOutCount(of: files.count), files.count)
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
        name: task.summary, isText: false, isTask: true, tokens: try task.evaluation(count).flatMap(\.self),
        context: training.context, answers: task.answers)
    } catch {
      throw ValidationError(error.description)
    }
  }
}
