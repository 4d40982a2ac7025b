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
    try? FileManager.default.removeItem(atPath: stage)
    defer { try? FileManager.default.removeItem(atPath: stage) }
    try AtomicFile.makeFolder(stage)
    for figure in figures { try AtomicFile.write(figure.bytes, to: "\(stage)/\(figure.name)") }
    try AtomicFile.write(document.text, to: "\(stage)/report.md")

    try AtomicFile.makeFolder(folder)
    let old = (try? String(contentsOfFile: "\(folder)/report.md", encoding: .utf8)) ?? ""
    let names = figures.map(\.name) + ["report.md"]
    for name in names { try AtomicFile.move("\(stage)/\(name)", to: "\(folder)/\(name)") }
    for name in Self.figureNames(old) where !names.contains(name) {
      try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
    }
  }

  /// A hidden folder on the same file system: `reports/.quickstart.partial`.
  private static func stage(for folder: String) -> String {
    guard let slash = folder.lastIndex(of: "/") else { return ".\(folder).partial" }
    return "\(folder[...slash]).\(folder[folder.index(after: slash)...]).partial"
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
