import Foundation
import Quantities

/// A line for a person; data go to standard output alone.
public func printError(_ text: String) { writeToStandardError(visible(text, keepsLines: true) + "\n") }

/// Text for a person, in one piece; where nobody can receive it, the program says why and ends with 1.
public func printOutput(_ text: String) { printData(visible(text, keepsLines: true)) }

/// Text for a program, which gets it as it is, in one piece; where nobody can receive it, as `printOutput`.
public func printData(_ text: String) {
  do {
    try writeToStandardOutput(Array(text.utf8))
  } catch {
    printError("error: \(error)")
    exit(EXIT_FAILURE)
  }
}

/// Keeps the numbers 0 to 2 for input, output and errors where the program was started without: a file that were opened under
/// one of them would get what is meant for a person. Each is opened the wrong way round, so that its use is an error and
/// nothing is lost without a word.
public func keepStandardStreams() {
  for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
    // The lowest free number is taken.
    _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
  }
}

/// Finds out whether results can be printed, before something that takes long.
/// - Throws: `FileFailure`
public func checkStandardOutput() throws(FileFailure) {
  if write(STDOUT_FILENO, "", 0) != 0 { throw FileFailure("standard output", code: errno) }
}

/// Characters that a line of standard output may have: what `COLUMNS` says, or the terminal, but at least 80; 120 where it
/// is no terminal, so that a file does not depend on the window that a command was typed in.
public var outputWidth: Int {
  if let columns = ProcessInfo.processInfo.environment["COLUMNS"].flatMap({ Int($0) }), columns > 0 {
    return max(80, columns)
  }
  var size = winsize()
  guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 120 }
  return max(80, Int(size.ws_col))
}

/// Ends a command with 1 after everything about its failure was said.
public struct AlreadyReported: Error {
  /// To be thrown after the person was told everything.
  public init() {}
}
