import Architectures
import ArgumentParser
import Foundation
import Reports
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

        photon evaluate -s scenarios/quickstart.yaml -d scenarios/quickstart.yaml
      """)

  @OptionGroup var subject: SubjectOptions

  @Option(name: .shortAndLong, help: "A text file, whose bytes are tokens.", completion: .file())
  var data: String

  @Flag(help: "The data are 16-bit little-endian numbers of tokens, not text.")
  var tokenFile = false

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
    let tokens = try readTokens(vocabulary: subject.model.vocabulary)
    let machine = Machine(backend: .fast)
    let context = min(self.context ?? subject.training?.context ?? 256, tokens.count)
    let bar = ProgressBar("tokens", total: tokens.count)
    // As many sequences as make a few thousand rows.
    let score = TeacherForcedScore(
      subject.weights, tokens: tokens, context: context, batch: max(1, 4096 / context), machine: machine,
      progress: { bar.advance(by: $0) })
    bar.finish()
    guard score.loss.isFinite else {
      printError("error: the loss is no number: the weights or the arithmetic are broken")
      throw ExitCode.failure
    }
    let evaluated = Evaluated(
      subject: subject, data: data, isText: !tokenFile, tokenCount: tokens.count, context: context, score: score,
      recursive: try comparison(subject, tokens, machine))
    printOutput(format == .json ? evaluated.json.text() + "\n" : evaluated.text)
  }

  /// Sequences evenly spaced over the data.
  private func comparison(_ subject: Subject, _ tokens: [Int32], _ machine: Machine) throws -> Evaluated.Recursive? {
    guard sequences > 0, subject.model.family == .photon, subject.model.levelCount >= 2 else { return nil }
    let metaContext = subject.model.metaContextLength
    func whole(_ count: Int) -> Int { (count + metaContext - 1) / metaContext * metaContext }
    let promptLength = whole(prompt)
    let rest = tokens.count - promptLength
    let most = follow == .data ? rest / metaContext * metaContext : rest < 0 ? 0 : Int.max
    let length = self.length.map(whole) ?? min(whole(1024), most)
    guard length > 0, length <= most else {
      throw ValidationError(
        "\(data): \(tokens.count) tokens are too few for a prompt of \(promptLength) and \(max(length, metaContext)) more; "
          + "accepted: more data, a shorter --prompt or --length, or --sequences 0")
    }
    let comparison = RecursiveComparison(subject.weights, promptLength: promptLength, length: length, machine: machine)
    let needed = promptLength + (follow == .data ? length : 0)
    let bar = ProgressBar("sequences", total: sequences)
    for index in 0..<sequences {
      let start = sequences == 1 ? 0 : index * (tokens.count - needed) / (sequences - 1)
      var settings = sampling.settings
      settings.seed &+= UInt64(index)
      comparison.add(Array(tokens[start..<start + needed]), following: follow, sampling: settings)
      bar.advance()
    }
    bar.finish()
    return Evaluated.Recursive(
      promptLength: promptLength, length: length, sequences: sequences, follow: follow,
      stretches: comparison.stretches)
  }

  private func readTokens(vocabulary: Int) throws -> [Int32] {
    let content = try contents(of: data)
    if tokenFile, content.count % 2 != 0 {
      throw ValidationError("\(data): \(content.count) bytes; accepted: two for each token")
    }
    let tokens =
      tokenFile
      ? stride(from: 0, to: min(content.count, 2 * limit), by: 2).map {
        Int32(content[$0]) | Int32(content[$0 + 1]) << 8
      }
      : content.prefix(limit).map(Int32.init)
    guard tokens.count >= 2 else {
      throw ValidationError("\(data): \(tokens.count) tokens; accepted: at least 2")
    }
    if let index = tokens.firstIndex(where: { Int($0) >= vocabulary }) {
      throw ValidationError(
        "\(data): token \(index + 1) is \(tokens[index]); accepted: 0 to \(vocabulary - 1), the model's vocabulary")
    }
    return tokens
  }
}
