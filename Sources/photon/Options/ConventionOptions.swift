import Formulas
import Scenarios

extension Conventions {
  /// The conventions that `--convention key=value` arguments ask for; the last one of a key wins.
  /// - Throws: `ScenarioError` with every argument that is wrong.
  init(arguments: [String]) throws(ScenarioError) {
    self.init()
    var diagnostics: [Diagnostic] = []
    for (index, argument) in arguments.enumerated() {
      let position = Position(file: "--convention", line: index + 1, column: 1)
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let key = parts[0].replacing("-", with: "_")
      guard let setting = settings.first(where: { $0.key == key }) else {
        diagnostics.append(
          Diagnostic(
            position, path: "", found: "there is no convention \"\(parts[0])\"",
            accepted: settings.map { "\($0.key)=\($0.accepted.joined(separator: "|"))" }.joined(separator: ", ")))
        continue
      }
      guard parts.count == 2, let changed = with(key, parts[1]) else {
        diagnostics.append(
          Diagnostic(
            position, path: key, found: parts.count == 2 ? "found \"\(parts[1])\"" : "found no value",
            accepted: setting.accepted.joined(separator: ", ")))
        continue
      }
      self = changed
    }
    if !diagnostics.isEmpty { throw ScenarioError(diagnostics) }
  }

  /// The switches that differ from the standard, as they are written; empty for none.
  var changes: [String] {
    zip(settings, Conventions().settings).filter { $0.value != $1.value }.map { "\($0.0.key)=\($0.0.value)" }
  }
}
