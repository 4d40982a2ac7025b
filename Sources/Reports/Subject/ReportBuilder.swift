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

  /// Writes everything into a folder beside the final one and moves it over when it is whole, the text last; figures
  /// that only the old text showed are removed.
  /// - Throws: `FileFailure`; an older report is untouched then.
  public func write(to folder: String) throws(FileFailure) {
    let folder = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    let stage = Self.stage(for: folder)
    // What an earlier run left; mostly there is nothing.
    try? FileManager.default.removeItem(atPath: stage)
    // Whatever is wrong with the files of the report is thrown before this; a hidden folder does no harm.
    defer { try? FileManager.default.removeItem(atPath: stage) }
    try AtomicFile.makeFolder(stage)
    for figure in figures { try AtomicFile.write(figure.bytes, to: "\(stage)/\(figure.name)") }
    try AtomicFile.write(document.text, to: "\(stage)/report.md")

    try AtomicFile.makeFolder(folder)
    // An old report that is missing or no text shows no figures that could be out of date.
    let old = (try? String(contentsOfFile: "\(folder)/report.md", encoding: .utf8)) ?? ""
    let names = figures.map(\.name) + ["report.md"]
    for name in names { try AtomicFile.move("\(stage)/\(name)", to: "\(folder)/\(name)") }
    for name in Self.figureNames(old) where !names.contains(name) {
      // Nothing shows it any more.
      try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
    }
  }

  /// A hidden folder on the same file system: `reports/.quickstart.partial`.
  private static func stage(for folder: String) -> String { hiddenName(beside: folder, "partial") }

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
