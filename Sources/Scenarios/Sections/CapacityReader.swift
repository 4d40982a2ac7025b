import Hardware

/// What the engine takes of a device's memory: `capacity: vllm`, or a mapping with an engine and what is adjusted of it.
enum CapacityReader {
  private static let key = "capacity"
  /// 10^15, as the memory of a profile.
  private static let mostBytes = 1_000_000_000_000_000

  /// - Returns: nil where the scenario does not say, or after a diagnostic.
  static func read(_ reader: FieldReader) -> EngineMemory? {
    guard let value = reader.value(key) else { return nil }
    if value.scalar != nil { return preset(reader, key) }
    guard let section = reader.mapping(key), value.entries != nil else { return nil }
    var engine = section.has("engine") ? preset(section, "engine") : EngineMemory(name: "own")
    if var read = engine {
      read.driverBytes = bytes(section, "driver_bytes", read.driverBytes)
      read.share = share(section, "memory_share", read.share)
      read.contextBytes = bytes(section, "context_bytes", read.contextBytes)
      read.graphBytes = bytes(section, "graph_bytes", read.graphBytes)
      read.stepTokens = section.integer("step_tokens", default: read.stepTokens, in: 0...(1 << 27)) ?? 0
      read.cacheShare = share(section, "cache_share", read.cacheShare)
      read.blockTokens = section.integer("block_tokens", default: read.blockTokens, in: 1...(1 << 20)) ?? 1
      engine = read
      section.finish()
    }
    return engine
  }

  private static func preset(_ reader: FieldReader, _ key: String) -> EngineMemory? {
    guard let name = reader.text(key) else { return nil }
    if let engine = EngineMemory.presets.first(where: { $0.name == name }) { return engine }
    let names = EngineMemory.presets.map(\.name)
    reader.report(
      key, "there is no engine \"\(name.prefix(80))\"", accepted: enumerate(names),
      suggestion: nearMiss(name, among: names))
    return nil
  }

  private static func bytes(_ reader: FieldReader, _ key: String, _ standard: Int) -> Int {
    reader.integer(key, default: standard, in: 0...mostBytes) ?? standard
  }

  private static func share(_ reader: FieldReader, _ key: String, _ standard: Double) -> Double {
    reader.number(key, default: standard, in: 0...1) ?? standard
  }
}
