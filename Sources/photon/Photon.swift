import ArgumentParser
import Formulas
import Foundation
import Hardware
import Measurement
import Quantities
import Rendering
import Scenarios
import Serving
import Training

/// The root of the command line. Exit codes: 0 success, 1 failure, 64 a mistake in arguments, scenarios or profiles.
@main
struct Photon: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "photon",
    abstract: "Prices, executes and validates hierarchical language models.",
    discussion: """
      A scenario is a YAML file that says which model, workload, precision and hardware; every command reads it.

        photon explain scenarios/quickstart.yaml

      Shell completions: photon --generate-completion-script bash (or zsh, or fish).
      """,
    version: "0.1.0",
    subcommands: [
      ReportCommand.self,
      ExplainCommand.self,
      SweepCommand.self,
      SimulateCommand.self,
      WhyCommand.self,
      CompareCommand.self,
      FootprintCommand.self,
      CriticalCommand.self,
      AnchorsCommand.self,
      SignatureCommand.self,
      ImportCommand.self,
      HardwareCommand.self,
      ValidateCommand.self,
      MeasureCommand.self,
      CalibrateCommand.self,
      TrainCommand.self,
      RolesCommand.self,
      TraceCommand.self,
      GenerateCommand.self,
      EvaluateCommand.self,
    ])

  static func main() async {
    keepStandardStreams()
    // A file that may not grow is an error of its write, with a name, and no silent death.
    signal(SIGXFSZ, SIG_IGN)
    // A program that is fed and ends early is an error of its own; `writeToStandardOutput` lets those end us who no longer
    // read what we print.
    signal(SIGPIPE, SIG_IGN)
    ParentPipe.endWithInput()
    if let problem = descriptorProblem(8) {
      printError("error: \(problem)")
      exit(withError: ExitCode.failure)
    }
    SystemDescription.limitMemory()
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      end(with: error)
    }
  }

  /// A mistake of the person who asks ends with 64 and says only what is wrong; help would bury the diagnostics.
  private static func end(with error: any Error) -> Never {
    switch error {
    case let error as ScenarioError:
      printError(error.description)
    // The parser wraps what it finds wrong with the arguments; this was thrown by a command that had begun.
    case let error as TraceError:
      printError(error.description)
    case is HardwareError, is CountOverflow, is CheckpointError, is ServingError, is ValidationError:
      printError("error: " + visible("\(error)"))
    case is AlreadyReported:
      exit(withError: ExitCode.failure)
    case is ExitCode:
      exit(withError: error)
    case is CocoaError, is POSIXError, is DecodingError, is EncodingError:
      printError("error: \(sentence(error))")
      exit(withError: ExitCode.failure)
    default:
      let code = exitCode(for: error)
      if code.isSuccess { exit(withError: error) }
      // The parser begins its complaints with a capital; every other one of this program has none.
      let message = fullMessage(for: error)
      printError(message.hasPrefix("Error: ") ? "error: " + message.dropFirst("Error: ".count) : message)
      exit(withError: code)
    }
    exit(withError: ExitCode.validationFailure)
  }
}
