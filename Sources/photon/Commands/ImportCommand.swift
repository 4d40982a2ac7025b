import Architectures
import ArgumentParser
import Formulas
import Rendering
import Scenarios

/// `photon import`
struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Writes a preset from a Hugging Face configuration, or from a file of weights.",
    discussion: """
      Reads config.json of Llama, Mistral, Qwen 2 and 3, GPT-NeoX, Gemma 1 to 3, Phi-3, Falcon, GPT-2, OPT, StarCoder2, \
      Granite, OLMo 2 and SmolLM3, also inside a model that sees or hears. Biases, norms, learned positions, parallel \
      blocks, caps, scales and windows are in the preset, and a quantization_config becomes its precision. What it cannot \
      represent is an error that names the key and its value; with --approximate it is left out with a warning where the \
      matrix work keeps its shape.

        photon import docs/example-config.json --name my-model

      Of a GGUF file its metadata are read, and of safetensors the header and the config.json beside it: the number of \
      parameters is said, and a preset is written if it has as many. Weights are not read.
      """)

  @Argument(help: "The model's config.json, or a .safetensors or .gguf file.", completion: .file())
  var file: String

  @Option(name: [.customShort("o"), .long], help: "Where the preset goes; standard output by default.")
  var output: String?

  @Option(help: "The preset's name; by default the name the configuration carries.")
  var name: String?

  @Flag(help: "Leaves out what a preset cannot represent, with a warning, instead of refusing it.")
  var approximate = false

  func validate() throws {
    try checkOutput(output)
    // A preset is found by the name of its file.
    if let name, !ScenarioFiles.isName(name) {
      throw ValidationError("--name: found \"\(name.prefix(80))\"; accepted: \(ScenarioFiles.acceptedName)")
    }
  }

  func run() async throws {
    guard WeightFile.isOne(file) else {
      return try write(importHuggingFace(file: file, name: name, approximate: approximate))
    }
    let weights = try WeightFile.read(file)
    let imported: ImportedModel
    if weights.isGGUF {
      imported = try importGGUF(weights, file: file, name: name, approximate: approximate)
    } else if let configuration = ScenarioFiles.beside(file, "config.json") {
      imported = try importHuggingFace(file: configuration, name: name, approximate: approximate)
    } else {
      // No header says how many heads there are.
      guard output == nil else {
        throw ValidationError(
          "no preset: \(file) does not say how many heads there are, and no config.json is beside it")
      }
      return printData(
        text(of: weights) + "no preset: a header does not say how many heads there are; put config.json beside it\n")
    }
    printError(String(text(of: weights).dropLast()))
    try check(weights, imported)
    try write(imported)
  }

  private func write(_ imported: ImportedModel) throws {
    printRemarks(imported.warnings)
    if let output {
      try AtomicFile.write(imported.yaml, to: output)
    } else {
      printData(imported.yaml)
    }
  }

  /// Parameters, and the element types that they are stored in.
  private func text(of weights: WeightFile) -> String {
    let rows = weights.elements.map { "  \($0.word): \($0.count) in \($0.arrays) arrays\n" }
    let aside = weights.arrays.count - weights.parameters.count
    return "\(weights.parameterCount) parameters in \(weights.parameters.count) arrays"
      + (aside == 0 ? "\n" : ", \(aside) arrays beside them\n") + rows.joined()
  }

  /// A preset of other parameters than the file has is no preset of it.
  private func check(_ weights: WeightFile, _ imported: ImportedModel) throws {
    let (own, model) = (Int128(weights.parameterCount), imported.model)
    let inventory = parameters(of: model)
    guard !weights.isPacked, own != inventory.total else { return }
    let table = Int128(model.vocabulary) * Int128(model.layer.width)
    let stored = model.tiedHead && own == inventory.total + table
    let found =
      "found \(own) parameters where the preset has \(inventory.total)"
      + (stored ? ": the head is stored apart, although it is tied" : "")
    let isRefused = !stored && !approximate
    let diagnostic = Diagnostic(
      Position(file: file, line: 1), severity: isRefused ? .error : .warning, path: "", found: found,
      accepted: isRefused ? "a file of the model's parameters alone, or --approximate" : nil)
    if isRefused { throw ScenarioError([diagnostic]) }
    printError(diagnostic.description)
  }
}
