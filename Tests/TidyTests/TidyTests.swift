import Foundation
import Testing

/// Habits that the compiler does not see; CONTRIBUTING.md says why each exists.
struct TidyTests {
  @Test func `families are compared only where they are defined`() throws {
    // Simple boundaries: by those of Unicode `model.family` is one word.
    let comparison =
      /\b[fF]amily\s*[!=]=|[!=]=\s*\.(vanilla|block|photon|stack|hierarchy)\b|\bisHierarchy\b/.wordBoundaryKind(.simple)
    for file in try Checkout.swift("Sources") where !file.path.hasPrefix("Sources/Architectures/Families/") {
      for (number, line) in file.lines where line.contains(comparison) {
        Issue.record(
          "\(file.path):\(number): ask a requirement of Family (Sources/Architectures/Families), or switch over structure"
        )
      }
    }
    for text in ["guard model.isHierarchy else", "family.structure == .stack", "a.model.family == b"] {
      #expect(text.contains(comparison), "\(text)")
    }
    #expect(!"(structure, isPlanned) != (question.model.structure, plans)".contains(comparison))
  }

  @Test func `no folder has more than fifteen files`() throws {
    // A folder is a list that a reader takes in at once.
    let exceptions: Set<String> = []
    for root in ["Sources", "Tests", "docs", "scenarios"] {
      for (folder, count) in try Checkout.folders(root) where count > 15 && !exceptions.contains(folder) {
        // Presets, profiles and scenarios are data that are looked up by name; docs are listed in docs/README.md.
        if ["scenarios", "scenarios/models", "scenarios/hardware", "docs"].contains(folder) { continue }
        Issue.record("\(folder) has \(count) files: make subfolders by topic")
      }
    }
  }

  @Test func `formulas and executed models do not import each other`() throws {
    let forbidden = [
      "Formulas": ["Tensors", "Reference", "Training", "GSL", "CGSL"], "Tensors": ["Formulas"],
      "Reference": ["Formulas"],
      "Rendering": ["Architectures", "Formulas", "Reference"],
    ]
    for (target, others) in forbidden {
      for file in try Checkout.swift("Sources/" + target) {
        for (number, line) in file.lines where others.contains(where: { line.hasSuffix("import " + $0) }) {
          Issue.record("\(file.path):\(number): they meet in Validation alone")
        }
      }
    }
  }

  @Test func `only the cache computes where an entry lies`() throws {
    // Strides are handed to kernels and sizes to pools; who multiplies or adds them has an opinion of the layout.
    let arithmetic =
      /[*+-]=?\s*(?:\w+\.)*(?:layerStride|groupStride|headStride|capacity)\b|(?:layerStride|groupStride|headStride|capacity)\s*[*+]|(?:keyBase|valueBase|\.offset\(group)/
    for target in ["Tensors", "Reference", "Training", "Measurement", "Validation"] {
      for file in try Checkout.swift("Sources/" + target) where !file.path.hasPrefix("Sources/Tensors/Caches/") {
        for (number, line) in file.lines where line.contains(arithmetic) {
          Issue.record("\(file.path):\(number): ask Entries or Segment (Sources/Tensors/Caches) for the address")
        }
      }
    }
    #expect("let base = group * layout.groupStride".contains(arithmetic))
    #expect("keys + (head * capacity + entry) * headWidth".contains(arithmetic))
    #expect(!"headStride: layout.headStride, groupStride: layout.groupStride".contains(arithmetic))
  }

  @Test func `who ignores an error says why`() throws {
    for file in try Checkout.swift("Sources") {
      for (number, line) in file.lines where line.contains(/\btry\?/) {
        let above = number > 1 ? file.lines[number - 2].1.trimmingCharacters(in: .whitespaces) : ""
        if line.contains("//") || above.hasPrefix("//") { continue }
        Issue.record("\(file.path):\(number): throw it on, or say beside try? why nobody needs to know")
      }
    }
  }

  @Test func `a hash is written once`() throws {
    for file in try Checkout.swift("Sources") where !file.path.hasSuffix("Quantities/Fingerprint.swift") {
      for (number, line) in file.lines where line.lowercased().replacing("_", with: "").contains("100000001b3") {
        Issue.record("\(file.path):\(number): use Fingerprint")
      }
    }
  }

  @Test(arguments: ["README.md", "NOTATION.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
  func `every type and file that a page names exists`(page: String) throws {
    let text = try Checkout.text(page)
    let words = Set(
      try Checkout.swift("Sources").flatMap { file in
        ([file.path] + file.lines.map(\.1)).flatMap { $0.split { !$0.isLetter && !$0.isNumber && $0 != "_" } }
      })
    // A word with a capital first and a small letter in it, such as `CostTable`, is a type.
    for match in text.matches(of: /`([A-Z][A-Za-z]*[a-z][A-Za-z]*)`/) {
      let name = String(match.1)
      if !words.contains(match.1) { Issue.record("\(page) names \(name), which Sources does not have") }
    }
    for match in text.matches(
      of: /\b(?:Sources|Tests|Tools|Benchmarks|docs|scenarios|reports)\/[A-Za-z0-9_.\/-]*[A-Za-z0-9]/)
    {
      if !Checkout.exists(String(match.0)) { Issue.record("\(page) names \(match.0), which does not exist") }
    }
  }

  @Test func `every source that a guide names exists`() throws {
    for page in try Checkout.markdown("docs/models") + Checkout.markdown("docs/caches") {
      let text = try Checkout.text(page)
      let sources = text.matches(of: /`([A-Z][A-Za-z]*(?:\/[A-Za-z]+)+\.swift)`/)
      #expect(!sources.isEmpty, "\(page) does not say where its subject is computed")
      for match in sources where !Checkout.exists("Sources/\(match.1)") && !Checkout.exists(String(match.1)) {
        Issue.record("\(page) names \(match.1), which Sources does not have")
      }
    }
  }

  @Test func `the version is that of the citation`() throws {
    let program = try Checkout.text("Sources/photon/Photon.swift").firstMatch(of: /version: "([0-9.]+)"/)
    let citation = try Checkout.text("CITATION.cff").firstMatch(of: /\nversion: ([0-9.]+)\n/)
    #expect(try #require(program).1 == #require(citation).1)
  }

  @Test func `error lines of this program begin with a small letter`() throws {
    for file in try Checkout.swift("Sources") {
      for (number, line) in file.lines where line.contains("\"Error: ") && !line.contains("hasPrefix") {
        Issue.record("\(file.path):\(number): every complaint begins with error:")
      }
    }
  }
}
