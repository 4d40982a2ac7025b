import Reports

/// A document with the figures that stand beside it; nothing is on disk before `write`.
public struct ReportBuilder: Sendable {
  public var document = MarkdownDocument()
  private var files: [(name: String, bytes: [UInt8])] = []
  private let gnuplot = Gnuplot()

  public init() {}

  /// Draws a figure and refers to it.
  /// - Throws: `FigureFailure`
  public mutating func figure(_ figure: some Figure, _ name: String, caption: String) async throws(FigureFailure) {
    files.append(("\(name).svg", try await gnuplot.render(figure)))
    document.figure("\(name).svg", caption: caption, alternative: figure.title)
  }

  /// Writes the figures first and the document last, each under its final name in one step.
  /// - Throws: `FileFailure`
  public func write(to folder: String) throws(FileFailure) {
    try AtomicFile.makeFolder(folder)
    for file in files { try AtomicFile.write(file.bytes, to: "\(folder)/\(file.name)") }
    try AtomicFile.write(document.text, to: "\(folder)/report.md")
  }
}
