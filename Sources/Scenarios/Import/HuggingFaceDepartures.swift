/// What a configuration asks for and a vanilla preset cannot say, although the matrix work keeps its shape.
extension HuggingFaceReader {
  /// Switches that add what no preset has, and what that is.
  private static let switches = [
    ("lm_head_bias", "a bias of the head"), ("qk_layernorm", "norms of queries and keys with a mean"),
    ("use_qk_norm", "norms of queries and keys that the family does not have"),
    ("apply_residual_connection_post_layernorm", "residuals taken behind the norms"),
  ]

  /// What a family's files may switch on beside what it has.
  func checkSwitches() {
    for (key, meaning) in Self.switches where isTrue(key) { depart(key, meaning, accepted: "false") }
  }

  /// Reports what is not represented: an error, or a warning of an approximate import.
  func depart(_ key: String, _ meaning: String, accepted: String) {
    let value = reader.value(key)?.summary ?? "nothing"
    if approximate {
      add(.warning, key, "found \(value), not represented: \(meaning)")
    } else {
      add(
        .error, key, "found \(value), which cannot be represented: \(meaning)",
        accepted: "\(accepted), or --approximate to import without it")
    }
  }

  private func add(_ severity: Diagnostic.Severity, _ key: String, _ found: String, accepted: String? = nil) {
    reader.collector.add(
      .init(reader.position(of: key), severity: severity, path: key, found: found, accepted: accepted))
  }
}
