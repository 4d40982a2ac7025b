/// Text that came from outside, as every message, table and terminal shows it: what is not seen or commands a terminal
/// stands there as its number, such as `\u{1B}` or `\n`. Text without such characters is as it was, so that a text may
/// pass here twice.
/// - Parameters:
///   - text: a name, a path, a description; or a whole answer of several lines.
///   - keepsLines: whether line feeds and tabs stay, because the text is more than one line.
public func visible(_ text: some StringProtocol, keepsLines: Bool = false) -> String {
  func isShown(_ scalar: Unicode.Scalar) -> Bool {
    !scalar.isHidden || keepsLines && (scalar == "\n" || scalar == "\t")
  }
  guard !text.unicodeScalars.allSatisfy(isShown) else { return String(text) }
  var shown = ""
  for scalar in text.unicodeScalars {
    if isShown(scalar) { shown.unicodeScalars.append(scalar) } else { shown += scalar.escaped(asASCII: true) }
  }
  return shown
}

extension Unicode.Scalar {
  /// Whether a reader cannot see it, or it moves what others see: controls, line and paragraph separators, marks of
  /// direction, of no width or of no meaning.
  public var isHidden: Bool {
    // Nearly every scalar is one of these.
    if (0x20...0x7E).contains(value) { return false }
    return switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: true
    default: properties.isDefaultIgnorableCodePoint
    }
  }
}
