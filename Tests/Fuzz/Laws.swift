import Foundation
import Reports

/// What holds for every answer and every refusal, whatever was asked.
enum Laws {
  /// The value of a JSON text.
  /// - Throws: `Broken.json`
  static func json(_ text: String) throws -> Any {
    do {
      return try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    } catch {
      throw Broken.json(String(text.prefix(400)))
    }
  }

  /// - Throws: `Broken.widths` unless all rows of a CSV text have as many cells.
  static func table(_ text: String) throws {
    var widths: Set<Int> = []
    var (cells, isQuoted) = (1, false)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): isQuoted.toggle()
      case UInt8(ascii: ",") where !isQuoted: cells += 1
      case UInt8(ascii: "\n") where !isQuoted:
        widths.insert(cells)
        cells = 1
      default: break
      }
    }
    if isQuoted || widths.count > 1 { throw Broken.widths("\(widths.sorted())") }
  }

  /// - Throws: `Broken.disagreement` unless a row of a sweep says of a machine what `photon explain` says of it.
  static func agree(_ row: [String: Any], _ machine: Any, _ figures: [PointFigure]) throws {
    for figure in figures {
      guard let column = figure.names.column, let path = figure.names.machinePath, let swept = row[column] else {
        continue
      }
      var value: Any? = machine
      for key in path.split(separator: ".") { value = (value as? [String: Any])?[String(key)] }
      // A row joins words with spaces, an object has a list of them.
      let explained = (value as? [String])?.joined(separator: " ") ?? value
      // A phase without work has no object of its own.
      let isMissing = explained == nil || explained as? String == ""
      let agrees = (swept as? NSObject) == (explained as? NSObject) || swept is NSNull && isMissing
      if !agrees { throw Broken.disagreement("\(column): \(swept), but explain has \(explained ?? "nothing")") }
    }
  }

  /// What is wrong with a refusal; nil where nothing is.
  /// - Parameter place: what it must name, if anything.
  static func problem(of refusal: String, place: Input.Place?) -> String? {
    if refusal.isEmpty { return "a refusal without a word" }
    let control = refusal.unicodeScalars.first {
      $0.properties.generalCategory == .control && $0 != "\n" || $0.properties.generalCategory == .format
    }
    if let control { return "a refusal with a control character \(String(control.value, radix: 16))" }
    let isPlaced =
      switch place {
      // An argument is a place too: it may be what no longer suits the file.
      case .line: refusal.contains(/(?m)^\S[^\n]*?:\d+:\d+: (error|warning): \S|^error: --[a-z-]+: \S/)
      case .file(let name): refusal.contains(name)
      case nil: true
      }
    if !isPlaced { return "a refusal without a place" }
    // The limit of the process was met: ours says so in words, an interpreter in its own.
    if refusal.contains("no memory:") || refusal.contains("MemoryError") {
      return "more memory than a tiny question needs"
    }
    for word in ["NSCocoa", "Error Domain", "DecodingError", "EncodingError", "Swift.", "Optional("] {
      if refusal.contains(word) { return "a refusal in the words of a library" }
    }
    return nil
  }
}
