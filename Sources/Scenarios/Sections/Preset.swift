import Architectures

/// Replaces `preset: NAME` in a model section by the preset's keys, overridden by the section's own.
final class PresetResolver {
  private let files: ScenarioFiles
  private let collector: DiagnosticCollector
  private var read: [String: PositionedValue?] = [:]
  /// The presets read, in the order of their first mention: they belong to a scenario's fingerprint.
  private(set) var texts: [String] = []

  init(files: ScenarioFiles, collector: DiagnosticCollector) {
    self.files = files
    self.collector = collector
  }

  /// - Parameters:
  ///   - file: the file in which the section stands; presets are looked for around it.
  ///   - chain: the files that led here, to find circles.
  /// - Returns: a mapping without `preset` and without dotted keys; `nil` after a diagnostic. Empty keys, which take the
  ///   preset's away, are left for the reader, who knows which exist.
  func resolve(_ section: PositionedValue, path: String, file: String, chain: [String] = []) -> PositionedValue? {
    guard let entries = section.entries else {
      collector.add(
        .init(section.position, path: path, found: "found \(section.summary)", accepted: "a mapping of keys to values"))
      return nil
    }
    var base: [PositionedValue.Entry] = []
    if let preset = section["preset"], !preset.isRemoved {
      guard let inherited = self.base(preset, path: path, file: file, chain: chain) else { return nil }
      base = inherited.entries ?? []
    }
    let own = entries.filter { $0.key != "preset" }
    let plain = own.filter { !isDotted($0.key) }
    let merged = plain + base.filter { entry in !plain.contains { $0.key == entry.key } }
    var result = PositionedValue(.mapping(merged), at: section.position)
    for entry in own where isDotted(entry.key) {
      let dotted = DottedPath(entry.key)
      guard let steps = dotted?.steps, let set = result.setting(steps[...], to: entry.value, makesMappings: true) else {
        let count = dotted?.steps.first == .key("levels") ? result["levels"]?.elements?.count ?? 0 : 0
        collector.add(
          .init(
            entry.keyPosition, path: "\(path).\(entry.key)", found: "there is nothing of this name to set",
            accepted: count == 0 ? "a key of the model" : "levels[1] to levels[\(count)]"))
        continue
      }
      result = set
    }
    return result
  }

  /// How the checkpoint of a preset is stored: what its file says, or that of the preset it is made from; nil where
  /// none does. Files that cannot be read are told of where the model is.
  func precision(of preset: PositionedValue, file: String, chain: [String] = []) -> PositionedValue? {
    guard let name = preset.scalar,
      let found = files.find(.model, named: name, from: ScenarioFiles.directory(of: file)), !chain.contains(found),
      // The same file is read for its model, where what is wrong with it is said.
      let root = try? YAMLText.read(file: found)
    else { return nil }
    if let precision = root[PrecisionReader.key] { return precision }
    return root["model"]?["preset"].flatMap { self.precision(of: $0, file: found, chain: chain + [found]) }
  }

  /// The section's own key that makes its preset impossible: without it the problem would not exist.
  func culprit(_ problem: Problem, in section: PositionedValue, path: String, file: String) -> PositionedValue.Entry? {
    // What these attempts complain of is not what a person wrote.
    let silent = DiagnosticCollector()
    let presets = PresetResolver(files: files, collector: silent)
    return section.entries?.first { entry in
      guard entry.key != "preset" else { return false }
      let rest = PositionedValue(.mapping((section.entries ?? []).filter { $0 != entry }), at: section.position)
      guard let resolved = presets.resolve(rest, path: path, file: file),
        let model = ModelReader(path: path, collector: silent).read(resolved)
      else { return false }
      return !model.problems.contains { $0.key == problem.key }
    }
  }

  private func isDotted(_ key: String) -> Bool { key.contains(".") || key.contains("[") }

  private func base(_ preset: PositionedValue, path: String, file: String, chain: [String]) -> PositionedValue? {
    let path = path + ".preset"
    guard let name = preset.scalar, !name.isEmpty else {
      collector.add(
        .init(preset.position, path: path, found: "found \(preset.summary)", accepted: "the name of a preset"))
      return nil
    }
    let directory = ScenarioFiles.directory(of: file)
    guard let found = files.find(.model, named: name, from: directory) else {
      let names = files.names(.model, from: directory)
      collector.add(
        .init(
          preset.position, path: path, found: "there is no preset \"\(name)\"",
          accepted: names.isEmpty ? "no preset exists here" : enumerate(names),
          suggestion: nearMiss(name, among: names)))
      return nil
    }
    let links = chain + [file]
    let shown = links.map(ScenarioFiles.shown)
    if let start = shown.firstIndex(of: found) {
      let circle = (shown[start...] + [found]).joined(separator: " → ")
      collector.add(
        .init(preset.position, path: path, found: "the presets refer to each other in a circle: \(circle)"))
      return nil
    }
    guard let section = model(in: found) else { return nil }
    return resolve(section, path: "model", file: found, chain: links)
  }

  /// The model section of a preset file.
  private func model(in file: String) -> PositionedValue? {
    if let known = read[file] { return known }
    var section: PositionedValue?
    do {
      let root = try YAMLText.read(file: file)
      let reader = FieldReader(root, path: "", collector: collector)
      _ = reader.text("name", default: "")
      reader.require("model")
      _ = reader.has(PrecisionReader.key)
      section = reader.value("model")
      reader.finish()
      texts.append(root.flow)
    } catch {
      error.diagnostics.forEach(collector.add)
    }
    read[file] = section
    return section
  }
}
