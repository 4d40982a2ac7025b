import Architectures
import Quantities

/// The arguments that turn any scenario into one given point: what a person runs to see it again.
public enum PointArguments {
  /// `--set` and its value in turn; the values are not quoted for a shell.
  public static func arguments(_ question: Question) -> [String] {
    let settings = [
      "model=" + ModelText.flow(question.model),
      "workload={prompt: \(question.workload.promptLength), generate: \(question.workload.generatedLength), "
        + "batch: \(question.workload.batchSize), continuations: \(question.workload.continuations)}",
      "precision=" + question.precision.flow,
      "compare=", "constraints=",
    ]
    return settings.flatMap { ["--set", $0] }
  }

  /// The same as a person types them: a value with spaces, brackets or braces stands in quotes.
  public static func shellText(_ question: Question) -> String {
    arguments(question).map(shellQuoted).joined(separator: " ")
  }
}
