import CKernels
import Foundation
import Workbench

/// `ratios [figure …]`: figures that compare ours with a peer, both measured in turn in one run.
@main
struct Ratios {
  static let figures: [(name: String, run: @Sendable () throws -> Void)] = [
    ("allocations", { try allocations() }), ("pricing", { try pricing() }), ("caches", { try caches() }),
    ("sweep", { try sweep() }),
    ("prefill", { try prefill() }), ("decode", { try decode() }),
  ]

  static func main() throws {
    let wanted = CommandLine.arguments.dropFirst()
    for name in wanted where !figures.contains(where: { $0.name == name }) {
      fatalError("there is no figure \(name), only \(figures.map(\.name).joined(separator: ", "))")
    }
    print("\(ProcessInfo.processInfo.activeProcessorCount) cores, \(String(cString: ck_instruction_set()))")
    for figure in figures where wanted.isEmpty || wanted.contains(figure.name) {
      print("\n\(figure.name)")
      try figure.run()
    }
  }
}

/// A number with three significant digits or whole.
func short(_ value: Double) -> String { String(format: value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.3f", value) }

func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }

func row(_ cells: String...) { print("  " + cells.enumerated().map { pad($1, $0 == 0 ? 40 : 11) }.joined()) }

private func pad(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(width - text.count, 1))
}
