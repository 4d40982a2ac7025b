import Architectures
import Quantities

/// The arguments that turn any scenario into one given point: what a person runs to see it again.
public enum PointArguments {
  /// `--set` and its value in turn; the values are not quoted for a shell.
  public static func arguments(_ model: Model, _ workload: Workload, _ precision: Precision) -> [String] {
    let settings = [
      "model=" + ModelText.flow(model),
      "workload={prompt: \(workload.promptLength), generate: \(workload.generatedLength), "
        + "batch: \(workload.batchSize), continuations: \(workload.continuations)}",
      "precision={weights: \(precision.weights.rawValue), activations: \(precision.activations.rawValue), "
        + "cache: \(precision.cache.rawValue)}",
      "compare=", "constraints=",
    ]
    return settings.flatMap { ["--set", $0] }
  }

  /// The same as a person types them: a value with spaces, brackets or braces stands in quotes.
  public static func shellText(_ model: Model, _ workload: Workload, _ precision: Precision) -> String {
    arguments(model, workload, precision).map(shellQuoted).joined(separator: " ")
  }
}
