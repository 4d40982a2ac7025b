import Foundation
import Testing

/// A cache method and an architecture that exist only as patches: `Tests/GhostTests/run` builds a copy of the program with
/// both and runs every command on them; `./check` calls it. Here stands what needs no build.
@Suite struct GhostTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
  private static let repository = folder.deletingLastPathComponent().deletingLastPathComponent()

  /// Files that a patch changes or adds.
  private static func touched(by patch: String) throws -> [String] {
    try String(contentsOf: folder.appending(path: patch), encoding: .utf8).split(separator: "\n")
      .filter { $0.hasPrefix("+++ b/") }.map { String($0.dropFirst("+++ b/".count)) }
  }

  /// The paragraph of CONTRIBUTING.md that begins with a heading in bold.
  private static func recipe(_ heading: String) throws -> String {
    let page = try String(contentsOf: repository.appending(path: "CONTRIBUTING.md"), encoding: .utf8)
    let start = try #require(page.range(of: "**\(heading)**"))
    return String(page[start.lowerBound...].components(separatedBy: "\n\n")[0])
  }

  @Test(arguments: [("method.patch", "A cache method", 6), ("family.patch", "An architecture", 8)])
  func `a ghost touches the files of its recipe, and few`(patch: String, heading: String, most: Int) throws {
    let files = try Self.touched(by: patch)
    #expect(!files.isEmpty && files.count <= most)
    let recipe = try Self.recipe(heading)
    for file in files {
      // A method's own files have names of their own: the recipe names their folder.
      let exists = FileManager.default.fileExists(atPath: Self.repository.appending(path: file).path)
      let place = exists ? file : (file as NSString).deletingLastPathComponent
      #expect(recipe.contains("`\(place)`"), "\(heading): \(place)")
    }
  }
}
