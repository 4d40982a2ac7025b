import Architectures
import Formulas
import Foundation
import Quantities
import Rendering

// MARK: Numbers in running text

func number(_ value: Int) -> String { NumberFormat.exact.text(Int128(value)) }
func seconds(_ value: Seconds) -> String { NumberFormat.si(unit: "s").text(value.value) }
func percent(_ share: Double) -> String { NumberFormat.percent(decimals: 1).text(100 * share) }
func wholePercent(_ share: Double) -> String { NumberFormat.percent(decimals: 0).text(100 * share) }
func ratio(_ value: Double) -> String { NumberFormat.ratio.text(value) }
func significant(_ value: Double) -> String { NumberFormat.significant(3).text(value) }
func byteText(_ value: Int128) -> String { NumberFormat.binaryBytes.text(value) }

/// `+12.5 %`, `−3.0 %`, or `0 %` for less than a twentieth of a per cent.
func change(from old: Double, to new: Double) -> String {
  guard old != 0 else { return "–" }
  let change = 100 * (new / old - 1)
  guard change.magnitude >= 0.05 else { return "0" + NumberFormat.narrowSpace + "%" }
  return (change > 0 ? "+" : "") + NumberFormat.percent(decimals: 1).text(change)
}

/// `2.63× faster` or `1.50× slower`, whichever it is.
func pace(_ own: Seconds, against other: Seconds) -> String {
  guard own.isNumber || other.isNumber else { return "–" }
  if own == other { return "as fast" }
  return own < other ? "\(ratio(other.value / own.value)) faster" : "\(ratio(own.value / other.value)) slower"
}

/// `memory 24.5×`; the margin is left out where one of both resources is not needed at all.
func boundText(_ figure: TimeFigure) -> String {
  guard figure.compute.isNumber || figure.memory.isNumber else { return "–" }
  return figure.margin.isFinite ? "\(figure.bound.rawValue) \(ratio(figure.margin))" : figure.bound.rawValue
}

/// `prompt 256, 32 generated, batch 4`.
func describe(_ workload: Workload) -> String {
  let continuations = workload.continuations > 1 ? ", \(number(workload.continuations)) continuations" : ""
  return "prompt \(number(workload.promptLength)), \(number(workload.generatedLength)) generated, "
    + "batch \(number(workload.batchSize))\(continuations)"
}

/// The largest CSV file that a report reads: more was not written for a report. Chosen.
/// - Unit: byte
let largestTableBytes = 10_000_000

func capitalised(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

extension Phase {
  var title: String { self == .prefill ? "Prefill" : "Decode" }
}

extension TimeCause {
  /// As the end of `… of the time goes into`.
  var title: String {
    switch self {
    case .arithmetic: "arithmetic"
    case .weights: "reading weights"
    case .cache: "keys and values"
    case .intermediates: "activations"
    case .link: "the link to the host"
    case .overhead: "overheads"
    }
  }
}

extension Model {
  /// `C = (4, 4), R = (2, 2)`, level by level; the family's name where there are no levels.
  var hierarchyText: String {
    guard !levels.isEmpty else { return family.rawValue }
    let chunks = levels.map { String($0.chunkLength) }.joined(separator: ", ")
    let conditions = levels.map { String($0.conditionLength) }.joined(separator: ", ")
    return "C = (\(chunks)), R = (\(conditions))"
  }

  /// `photon-600m with C = (4, 4), R = (2, 2)` as Markdown; the name alone where there are no levels.
  func described(as name: String) -> String {
    levels.isEmpty ? codeSpan(name) : "\(codeSpan(name)) with \(hierarchyText)"
  }

  /// Whether every level has the lengths of the published models, C = 4 and R = 2.
  var hasPublishedLengths: Bool { levels.allSatisfy { $0.chunkLength == 4 && $0.conditionLength == 2 } }
}

/// How a report names a file: relative to a folder if it lies inside, else by its last part where the path is absolute,
/// so that no report tells where its writer keeps things.
public func shownPath(_ path: String, from folder: String = FileManager.default.currentDirectoryPath) -> String {
  guard path.hasPrefix("/") else { return path }
  let full = URL(filePath: path).standardizedFileURL.path
  let inside = URL(filePath: folder).standardizedFileURL.path + "/"
  return full.hasPrefix(inside) ? String(full.dropFirst(inside.count)) : URL(filePath: full).lastPathComponent
}

// MARK: Stretches of one sign

/// `memory-bound up to batch 3, compute-bound from batch 4 on`; at most four stretches are told. Where nothing changes,
/// only the doublings were looked at, and the text says so.
func describe(_ stretches: [Stretch], _ quantity: String, positive: String, negative: String) -> String {
  func word(_ stretch: Stretch) -> String { stretch.isPositive ? positive : negative }
  guard let first = stretches.first, let last = stretches.last, stretches.count > 1 else {
    return stretches.first.map {
      "\(word($0)) at every doubling from \(number($0.range.lowerBound)) to \(number($0.range.upperBound))"
    } ?? ""
  }
  var parts = ["\(word(first)) up to \(quantity) **\(number(first.range.upperBound))**"]
  parts += stretches.dropFirst().dropLast().prefix(2).map {
    "\(word($0)) from \(number($0.range.lowerBound)) to \(number($0.range.upperBound))"
  }
  return parts.joined(separator: ", ") + ", \(word(last)) from \(number(last.range.lowerBound)) on"
}
