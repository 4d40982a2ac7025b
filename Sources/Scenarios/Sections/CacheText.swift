import Architectures

extension Model {
  /// The model with its caches kept as a text says: what stands behind `cache:` in a scenario, or the whole line.
  /// - Parameters:
  ///   - text: such as `{retention: streaming, sinks: 4, window: 64}`.
  ///   - name: of the text in complaints.
  /// - Throws: `ScenarioError`
  public func keeping(cache text: String, from name: String) throws(ScenarioError) -> Model {
    let parsed = try YAMLText.parse(text, file: name)
    let value = parsed.entries?.count == 1 ? parsed["cache"] ?? parsed : parsed
    let collector = DiagnosticCollector()
    var section = value
    section.content = .mapping([.init(key: "cache", keyPosition: value.position, value: value)])
    let reader = FieldReader(section, path: "", collector: collector)
    guard let cache = ModelReader(path: "", collector: collector).readCache(reader, usual: .full) else {
      throw ScenarioError(collector.diagnostics)
    }
    var model = self
    model.setCaches { _ in cache }
    let problems = model.problems
    guard problems.isEmpty else {
      throw ScenarioError(
        problems.map { problem in
          let key = problem.key.split(separator: ".").last.map(String.init) ?? problem.key
          return Diagnostic(
            value[key]?.position ?? value.position, path: problem.key, found: problem.found, accepted: problem.accepted)
        })
    }
    return model
  }
}
