import Quantities

/// A word as a person types it into a POSIX shell: as it is where the shell leaves it alone, otherwise in single quotes,
/// inside which only the single quote itself means something. What is not seen stands there by its bytes, in the quotes
/// `$'…'` of bash, zsh and POSIX.1-2024. Every command that the program prints is made with it.
public func shellQuoted(_ word: String) -> String {
  if word.unicodeScalars.contains(where: \.isHidden) { return "$'" + word.unicodeScalars.map(named).joined() + "'" }
  let isPlain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "._-/=,:".contains($0) }
  return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
}

/// A scalar inside `$'…'`: `\n`, or the three octal digits of each byte of one that is not seen.
private func named(_ scalar: Unicode.Scalar) -> String {
  switch scalar {
  case "\n": return "\\n"
  case "\\", "'": return "\\\(scalar)"
  case _ where scalar.isHidden:
    return String(scalar).utf8.map { byte in
      "\\" + [byte >> 6, byte >> 3 & 7, byte & 7].map(String.init).joined()
    }.joined()
  default: return String(scalar)
  }
}
