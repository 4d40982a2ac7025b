import Foundation
import Rendering

/// A document with the figures that stand beside it; nothing is on disk before `write`.
public struct ReportBuilder: Sendable {
  /// The text so far.
  public var document = MarkdownDocument()
  /// Figures in the order of the text.
  public private(set) var figures: [(name: String, bytes: [UInt8])] = []
  private let gnuplot = Gnuplot()

  /// An empty report.
  public init() {}

  /// Draws a figure and refers to it.
  /// - Throws: `FigureFailure`
  public mutating func figure(_ figure: some Figure, _ name: String, caption: String) async throws(FigureFailure) {
    precondition(!figures.contains { $0.name == "\(name).svg" }, "two figures are called \(name)")
    figures.append(("\(name).svg", try await gnuplot.render(figure)))
    document.figure("\(name).svg", caption: caption, alternative: figure.title)
  }

  /// Writes everything under hidden names and gives each file its own when all are whole, the text last; figures that only
  /// the old text showed are removed.
  /// - Throws: `FileFailure`; an older report is untouched then.
  public func write(to folder: String) throws(FileFailure) {
    try AtomicFile.makeFolder(folder)
    // An old report that is missing or no text shows no figures that could be out of date.
    let old = (try? String(contentsOfFile: "\(folder)/report.md", encoding: .utf8)) ?? ""
    let files = figures + [("report.md", Array(document.text.utf8))]
    try AtomicFile.write(files.map { ("\(folder)/\($0.name)", $0.bytes) })
    for name in Self.figureNames(old) where !figures.contains(where: { $0.name == name }) {
      // Nothing shows it any more.
      try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
    }
  }

  /// The SVG files beside a text that it shows.
  static func figureNames(_ text: String) -> [String] {
    text.split(separator: "](").dropFirst().compactMap { part in
      guard let end = part.firstIndex(of: ")"), part[..<end].hasSuffix(".svg"), !part[..<end].contains("/") else {
        return nil
      }
      return String(part[..<end])
    }
  }
}
