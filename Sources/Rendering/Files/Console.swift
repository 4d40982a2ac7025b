import Foundation

/// A line for a person; data go to standard output alone.
public func printError(_ text: String) { writeToStandardError(text + "\n") }

/// Text as it is, in one piece; where nobody can receive it, the program says why and ends with 1.
public func printOutput(_ text: String) {
  do {
    try writeToStandardOutput(text)
  } catch {
    printError("error: \(error)")
    exit(EXIT_FAILURE)
  }
}

/// Ends a command with 1 after everything about its failure was said.
public struct AlreadyReported: Error {
  /// To be thrown after the person was told everything.
  public init() {}
}
