import Foundation

/// Ties the life of programs to that of the one that started them, however that ends: their standard input is a pipe into
/// which nobody writes, and which ends with the last process that holds its other end.
public final class ParentPipe: Sendable {
  /// The variable of the environment that asks a program to end with its standard input.
  public static let variable = "PHOTON_ENDS_WITH_INPUT"
  /// How long a program may take to keep what it has. Chosen.
  /// - Unit: s
  public static let patience = 30

  /// What programs get as their standard input.
  public let readEnd: Int32
  private let writeEnd: Int32

  /// - Throws: `FileFailure` where no more files can be opened.
  public init() throws(FileFailure) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw FileFailure("a pipe", code: errno) }
    (readEnd, writeEnd) = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  /// Where the environment asks for it: once standard input ends, this process is asked to end as by a person, and does
  /// so at last.
  public static func endWithInput() {
    guard getenv(variable) != nil else { return }
    Thread.detachNewThread {
      var byte: UInt8 = 0
      var count = 1
      while count > 0 || count < 0 && errno == EINTR { count = read(STDIN_FILENO, &byte, 1) }
      kill(getpid(), SIGTERM)
      sleep(UInt32(patience))
      kill(getpid(), SIGKILL)
    }
  }
}
