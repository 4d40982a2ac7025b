import ArgumentParser
import Rendering
import Scenarios

/// `photon import`
struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Writes a preset from a Hugging Face configuration.",
    discussion: """
      Reads Llama, Mistral, Qwen 2, Qwen 3 and GPT-NeoX configurations. What a preset cannot represent is an error \
      that names the key and its value. With --approximate, biases, norms and activations of another kind, parallel \
      residuals, partial rotation and attention windows are left out with a warning each; it says how many \
      parameters are missing. A quantization_config becomes the preset's precision.

        photon import docs/example-config.json --name my-model
      """)

  @Argument(help: "The model's config.json.", completion: .file(extensions: ["json"]))
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
    let imported = try importHuggingFace(file: file, name: name, approximate: approximate)
    printRemarks(imported.warnings)
    if let output {
      try AtomicFile.write(imported.yaml, to: output)
    } else {
      printData(imported.yaml)
    }
  }
}
