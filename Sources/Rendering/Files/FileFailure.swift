import Foundation

/// Why a file could not be written: the path, what failed and the system's reason.
public struct FileFailure: Error, Hashable, CustomStringConvertible {
  /// What kept the file from being written, as far as a person can act on it.
  public enum Reason: Hashable, Sendable {
    /// `inUse` names the process that writes there; `other` stands for every error number that is none of the named ones.
    case notPermitted, noSuchFolder, notAFolder, isAFolder, diskFull, fileTooLarge, inUse(by: String), other
  }

  /// The file that was to be written.
  public let path: String
  /// What the error number means.
  public let reason: Reason
  /// The system's error number.
  public let code: Int32

  init(_ path: String, code: Int32) {
    self.path = path
    self.code = code
    reason =
      switch code {
      case EACCES, EPERM, EROFS: .notPermitted
      case ENOENT: .noSuchFolder
      case ENOTDIR: .notAFolder
      case EISDIR: .isAFolder
      case ENOSPC, EDQUOT: .diskFull
      case EFBIG: .fileTooLarge
      default: .other
      }
  }

  /// - Parameter holder: the process that has the right to write there.
  init(_ path: String, inUseBy holder: String) {
    (self.path, code, reason) = (path, EWOULDBLOCK, .inUse(by: holder))
  }

  public var description: String {
    let because =
      switch reason {
      case .notPermitted: "no permission to write there"
      case .noSuchFolder: "the folder does not exist"
      case .notAFolder: "a part of the path is a file, not a folder"
      case .isAFolder: "it is a folder"
      case .diskFull: "the disk is full"
      case .fileTooLarge:
        "the file would be larger than the system allows; the limit of this process (ulimit -f) may be raised"
      case .inUse(let holder): "\(holder) writes there"
      case .other: String(cString: strerror(code))
      }
    return "cannot write \(path): \(because)"
  }
}
