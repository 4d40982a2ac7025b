/// A word as a person types it into a POSIX shell: as it is where the shell leaves it alone, otherwise in single quotes,
/// inside which only the single quote itself means something. Every command that the program prints is made with it.
public func shellQuoted(_ word: String) -> String {
  let isPlain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "._-/=,:".contains($0) }
  return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
}
