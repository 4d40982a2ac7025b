import Architectures
import ArgumentParser
import Formulas
import Quantities
import Reference
import Rendering
import Tensors
import Training

/// `photon generate`
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Continues a prompt with a trained model, token by token.",
    discussion: """
      The continuation goes to standard output while it is made: tokens below 256 as bytes of UTF-8 text, others as their \
      number in ⟨⟩. Then standard error says tokens/s, the bytes that the caches held, and what the same tokens cost by \
      the formulas. With --scenario the weights are random, and so is the text.

        photon generate -s scenarios/train-quickstart.yaml --prompt Hi --tokens 16
        photon generate -s scenarios/models/photon-tiny.yaml --generation recursive
        photon generate -s scenarios/models/vanilla-tiny.yaml --prompt-ids 5,9 --ids
      """)

  @OptionGroup var subject: SubjectOptions

  @Option(help: "The prompt: its bytes are tokens.")
  var prompt: String?

  @Option(help: "A file whose bytes are the prompt.", completion: .file())
  var promptFile: String?

  @Option(help: "The prompt as numbers of tokens: 5,700,3.")
  var promptIds: String?

  @Option(help: "hierarchical or recursive; by default the model's own.")
  var generation: Generation?

  @Option(help: "Tokens to emit.")
  var tokens = 256

  @OptionGroup var sampling: SamplingOptions

  @Flag(help: "Writes numbers of tokens, one a line, instead of text.")
  var ids = false

  func validate() throws {
    if [prompt, promptFile, promptIds].count(where: { $0 != nil }) > 1 {
      throw ValidationError("give one of --prompt, --prompt-file and --prompt-ids")
    }
    if !(1...1 << 24).contains(tokens) { throw ValidationError("--tokens takes 1 to 16777216, not \(tokens)") }
  }

  func run() throws {
    var subject = try subject.subject()
    try subject.generate(generation)
    let model = subject.model
    let prompt = try promptTokens(vocabulary: model.vocabulary)
    let workload = Workload(promptLength: prompt.count, generatedLength: tokens)
    if let problem = workload.problems(for: model).first { throw ValidationError(problem.description) }

    try checkMemory(model, workload)
    try subject.load()
    let session = makeSession(subject.weights, workload: workload, machine: Machine(backend: .fast))
    let sampler = Sampler(
      sampling.settings, vocabulary: model.vocabulary, promptLength: prompt.count, generatedLength: tokens)
    let output = TokenOutput(promptLength: prompt.count, length: tokens, writesNumbers: ids)
    let clock = ContinuousClock()
    let prefill = clock.measure { session.prefill([prompt]) }
    let decode = clock.measure {
      _ = session.generate { logits, sequence, position in
        let token = sampler.choose(logits, sequence, position)
        // What is not worth writing: the run ends below.
        if sampler.undefined == nil { output.write(token, at: position) }
        return token
      }
    }
    output.finish()
    if let place = sampler.undefined {
      printError(
        "error: the logits of token \(place.position + 1) are no numbers: the weights or the arithmetic are broken")
      throw ExitCode.failure
    }
    let rate = Double(tokens) / (decode / .seconds(1))
    printError(
      "\(tokens) tokens in \(NumberFormat.si(unit: "s").text(decode / .seconds(1))): "
        + "\(NumberFormat.significant(3).text(rate)) tokens/s; prompt of \(prompt.count) tokens in "
        + NumberFormat.si(unit: "s").text(prefill / .seconds(1)))
    for line in try costLines(Question(model, workload, .float32), session.memory.figures) { printError(line) }
  }

  /// What the caches held, and the closed forms of the same run.
  private func costLines(_ question: Question, _ held: CacheFigures) throws -> [String] {
    let cost = try price(question).totals
    func bytes(_ value: Int128) -> String { NumberFormat.binaryBytes.text(value) }
    func perToken(_ value: Int128) -> Double { Double(value) / Double(question.workload.generatedLength) }
    let decode = cost.decode
    return [
      "caches: \(bytes(held.bytesAfterPrefill)) after the prompt, \(bytes(held.bytesAtEnd)) at the end, "
        + "\(bytes(held.peakBytes)) at most, local windows \(bytes(held.localPeakBytes)) at most"
        + (held == cost.cache
          ? "; by the formulas the same" : "; by the formulas \(bytes(cost.cache.bytesAtEnd)) at the end"),
      "formulas: each token takes \(NumberFormat.si(unit: "FLOP").text(perToken(decode.matmulFlops))) of products and "
        + "\(NumberFormat.si(unit: "FLOP").text(perToken(decode.elementwiseFlops))) element-wise, and moves "
        + "\(NumberFormat.binaryBytes.text(perToken(decode.weightBits) / 8)) of weights and "
        + "\(NumberFormat.binaryBytes.text(perToken(decode.cacheReadBits) / 8)) of cached keys and values",
    ]
  }

  private func promptTokens(vocabulary: Int) throws -> [Int32] {
    if let promptIds {
      return try promptIds.split(separator: ",", omittingEmptySubsequences: false).map { word in
        guard let token = Int32(word.trimmingPrefix { $0 == " " }), 0..<Int32(vocabulary) ~= token else {
          throw ValidationError("--prompt-ids: found \"\(word)\"; accepted: 0 to \(vocabulary - 1)")
        }
        return token
      }
    }
    let bytes =
      try promptFile.map { [UInt8](try contents(of: $0, limit: Limits.promptLength)) } ?? Array((prompt ?? "").utf8)
    if let index = bytes.firstIndex(where: { Int($0) >= vocabulary }) {
      throw ValidationError(
        "\(promptFile ?? "--prompt"): byte \(index + 1) is \(bytes[index]); accepted: 0 to \(vocabulary - 1)")
    }
    return bytes.map(Int32.init)
  }
}

/// Writes tokens in their order as soon as those before them are known: chunks that are decoded side by side choose
/// theirs out of order.
private final class TokenOutput {
  private let promptLength: Int
  private let writesNumbers: Bool
  /// By emitted position; −1 where none is chosen yet.
  private var tokens: [Int32]
  private var written = 0
  private var stream = UTF8Stream()

  init(promptLength: Int, length: Int, writesNumbers: Bool) {
    self.promptLength = promptLength
    self.writesNumbers = writesNumbers
    tokens = [Int32](repeating: -1, count: length)
  }

  func write(_ token: Int32, at position: Int) {
    tokens[position - promptLength] = token
    var text = ""
    while written < tokens.count, tokens[written] >= 0 {
      text += self.text(tokens[written])
      written += 1
    }
    if !text.isEmpty { printData(text) }
  }

  func finish() { printData(writesNumbers ? "" : stream.finish() + "\n") }

  private func text(_ token: Int32) -> String {
    if writesNumbers { return "\(token)\n" }
    return token < 256 ? stream.append(UInt8(token)) : stream.finish() + "⟨\(token)⟩"
  }
}
