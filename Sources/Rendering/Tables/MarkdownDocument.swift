/// A Markdown text made of blocks with one empty line between them.
public struct MarkdownDocument: Sendable {
  private var blocks: [String] = []

  /// No blocks.
  public init() {}

  /// A heading with as many `#` as its level.
  /// - Precondition: a level from 1 to 6.
  public mutating func heading(_ text: String, level: Int = 2) {
    precondition((1...6).contains(level), "Markdown has six levels of headings")
    blocks.append(String(repeating: "#", count: level) + " " + text)
  }

  /// A paragraph; it may carry inline Markdown.
  public mutating func paragraph(_ text: String) { blocks.append(text) }

  /// One item a line; nothing for no items.
  public mutating func list(_ items: [String], isNumbered: Bool = false) {
    guard !items.isEmpty else { return }
    let lines = items.enumerated().map { index, item in (isNumbered ? "\(index + 1). " : "- ") + item }
    blocks.append(lines.joined(separator: "\n"))
  }

  /// A table of the pipe form, with numbers as a person reads them.
  public mutating func table(_ table: Table) {
    blocks.append(table.text(as: .markdown).trimmingLastLineBreak)
  }

  /// A figure beside the document: the image, and the caption under it in italics.
  /// - Parameters:
  ///   - path: of the image, from the folder of the document.
  ///   - caption: what the figure shows, in Markdown.
  ///   - alternative: what a reader who cannot see the image is told; the caption if nil.
  public mutating func figure(_ path: String, caption: String, alternative: String? = nil) {
    blocks.append("![\(alternative ?? caption)](\(path))")
    blocks.append("*\(caption)*")
  }

  /// A fenced block; the fence is longer than any run of backticks inside.
  public mutating func code(_ text: String, language: String = "") {
    var run = 0
    var longest = 2
    for character in text {
      run = character == "`" ? run + 1 : 0
      longest = max(longest, run)
    }
    let fence = String(repeating: "`", count: longest + 1)
    blocks.append("\(fence)\(language)\n\(text.trimmingLastLineBreak)\n\(fence)")
  }

  /// The whole document, with a line break at its end.
  public var text: String { blocks.joined(separator: "\n\n") + "\n" }
}

extension String {
  fileprivate var trimmingLastLineBreak: String { hasSuffix("\n") ? String(dropLast()) : self }
}
