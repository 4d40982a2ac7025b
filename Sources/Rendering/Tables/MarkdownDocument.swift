import Quantities

/// A Markdown text made of blocks with one empty line between them. A block is what it was added as, whatever names and
/// descriptions stand in it: they make no headings, no HTML, and no links out of the folder.
public struct MarkdownDocument: Sendable {
  private var blocks: [String] = []

  /// No blocks.
  public init() {}

  /// A heading with as many `#` as its level.
  /// - Precondition: a level from 1 to 6.
  public mutating func heading(_ text: String, level: Int = 2) {
    precondition((1...6).contains(level), "Markdown has six levels of headings")
    blocks.append(String(repeating: "#", count: level) + " " + inert(text))
  }

  /// A paragraph; it may carry inline Markdown.
  public mutating func paragraph(_ text: String) { blocks.append(inert(text, beginsBlock: true)) }

  /// One item a line; nothing for no items.
  public mutating func list(_ items: [String], isNumbered: Bool = false) {
    guard !items.isEmpty else { return }
    let lines = items.enumerated().map { index, item in
      (isNumbered ? "\(index + 1). " : "- ") + inert(item, beginsBlock: true)
    }
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
    blocks.append("![\(inert(alternative ?? caption).replacing("[", with: "(").replacing("]", with: ")"))](\(path))")
    blocks.append("*\(inert(caption))*")
  }

  /// A fenced block that a reader opens at its summary, which is plain text.
  public mutating func details(_ summary: String, code text: String, language: String = "") {
    let safe = visible(summary).replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    blocks.append("<details><summary>\(safe)</summary>")
    code(text, language: language)
    blocks.append("</details>")
  }

  /// A fenced block; the fence is longer than any run of backticks inside.
  public mutating func code(_ text: String, language: String = "") {
    let fence = String(repeating: "`", count: max(longestRun(of: "`", in: text), 2) + 1)
    blocks.append("\(fence)\(language)\n\(visible(text.trimmingLastLineBreak, keepsLines: true))\n\(fence)")
  }

  /// The whole document, with a line break at its end.
  public var text: String { blocks.joined(separator: "\n\n") + "\n" }
}

extension String {
  fileprivate var trimmingLastLineBreak: String { hasSuffix("\n") ? String(dropLast()) : self }
}
