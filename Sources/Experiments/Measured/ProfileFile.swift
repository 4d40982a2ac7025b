import Hardware
import Rendering
import Scenarios

extension HardwareFile {
  /// Writes a profile, whole or not at all, and the folders that it is to lie in.
  /// - Throws: `FileFailure`
  package static func write(_ profile: HardwareProfile, to file: String) throws(FileFailure) {
    try AtomicFile.makeFolder(parentFolder(of: file))
    try AtomicFile.write(text(profile), to: file)
  }

  /// Finds out whether a profile can be written, before something that takes long.
  /// - Throws: `FileFailure`
  package static func probe(_ file: String) throws(FileFailure) {
    try AtomicFile.makeFolder(parentFolder(of: file))
    try AtomicFile.probe(file)
  }
}
