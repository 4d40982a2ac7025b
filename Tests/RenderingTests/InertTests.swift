import Foundation
import Quantities
import Rendering
import Testing

struct InertTests {
  @Test(arguments: [
    ("plain words – é 漢字 5 µs", "plain words – é 漢字 5 µs"), ("a\nb\tc\r", "a\\nb\\tc\\r"),
    ("\u{1B}[31m", "\\u{1B}[31m"),
    ("\u{202E}x\u{200B}", "\\u{202E}x\\u{200B}"),
    ("\u{9B}\u{85}\u{2028}\u{7F}\0", "\\u{009B}\\u{0085}\\u{2028}\\u{7F}\\0"),
    ("\u{FEFF}\u{E000}\u{3164}", "\\u{FEFF}\\u{E000}\\u{3164}"), ("", ""),
  ])
  func `what is not seen is named, and twice is as once`(text: String, shown: String) {
    #expect(visible(text).lowercased() == shown.lowercased())
    #expect(visible(visible(text)) == visible(text))
    #expect(!visible(text).unicodeScalars.contains { $0.isHidden })
    #expect(visible("a\n\tb" + text, keepsLines: true).hasPrefix("a\n\tb"))
  }

  @Test(arguments: ["", "`", "``a`", " a ", "a`b``c", "<b>", "a\nb", "\u{1B}", "|", "  "])
  func `a code span ends where it ends`(text: String) throws {
    let span = codeSpan(text)
    let fence = span.prefix { $0 == "`" }
    let inside = span.dropFirst(fence.count).dropLast(fence.count)
    #expect(span.hasSuffix(fence) && !span.contains("\n"))
    // No run of backticks inside is as long as the fence.
    #expect(!inside.split(separator: /[^`]+/).contains { $0.count == fence.count })
    #expect(inside.trimming(text) == visible(text).trimming(text))
  }

  @Test func `a block of a page stays one block`() {
    var document = MarkdownDocument()
    document.heading("a\n# b")
    document.paragraph("x\n\n# y <script>z</script> 3 < 4 `<b>` [a](b.md) ![a](http://c) `open")
    document.list(["# c\n- d", "e"])
    document.figure("f.svg", caption: "g](http://h)", alternative: "i](j) <k>")
    document.details("l</summary>", code: "```\nm\u{1B}")
    #expect(
      document.text == """
        ## a # b

        x  # y &lt;script>z&lt;/script> 3 < 4 `<b>` [a](b.md) ![a\\](http://c) `open

        - \\# c - d
        - e

        ![i)(j) &lt;k>](f.svg)

        *g\\](http://h)*

        <details><summary>l&lt;/summary></summary>

        ````
        ```
        m\\u{1B}
        ````

        </details>

        """)
  }

  @Test func `a cell of a table ends where it ends`() {
    var table = Table([.text("a|b", "a|b <i>"), .text("c")])
    table.append(["`d|e` \\| f", "g\nh"])
    let lines = table.text(as: .markdown).split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[0].hasPrefix("| a\\|b &lt;i> ") && lines[2] == "| `d\\|e` \\ \\| f | g\\nh |")
    // A pipe counts unless a backslash stands before it.
    #expect(lines.allSatisfy { $0.matches(of: /(^|[^\\])\|/).count == 3 })
  }

  @Test func `JSON holds every text, and nothing that is not seen`() throws {
    let texts = ["\u{1B}[31m", "\u{202E}", "\u{9B}", "\u{E0001}", "é漢\u{1F642}", "\"\\\n\r\t/", "\0"]
    let written = JSON.array(texts.map(JSON.string)).text()
    #expect(!written.unicodeScalars.contains { $0.isHidden })
    #expect(try JSONSerialization.jsonObject(with: Data(written.utf8)) as? [String] == texts)
  }
}

extension StringProtocol {
  /// Without spaces around it, where the other text has none of its own there.
  fileprivate func trimming(_ other: String) -> String { trimmingCharacters(in: .whitespaces) }
}
