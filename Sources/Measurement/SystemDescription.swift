import Foundation

/// What Linux says of processor, caches and memory; plain guesses where it says nothing.
struct SystemDescription {
  let processor: String
  let cores: Int
  let memoryBytes: Int

  init() {
    let information = Self.text("/proc/cpuinfo")
    let model = information.split(separator: "\n").first { $0.hasPrefix("model name") }
    processor = model.map { $0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces) } ?? "processor"
    cores = ProcessInfo.processInfo.activeProcessorCount
    let total = Self.text("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemTotal") }
    let kibibytes = total?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    memoryBytes = kibibytes.map { $0 * 1024 } ?? Int(ProcessInfo.processInfo.physicalMemory)
  }

  /// Sizes of the second- and last-level caches that `threads` threads use together, ascending.
  ///
  /// The first level is left out: no working set of an operation fits it.
  /// - Unit: byte
  func caches(threads: Int) -> [Int] {
    let folder = "/sys/devices/system/cpu/cpu0/cache"
    let sizes = (0..<8).compactMap { index -> Int? in
      func field(_ name: String) -> String {
        Self.text("\(folder)/index\(index)/\(name)").trimmingCharacters(in: .whitespacesAndNewlines)
      }
      guard let level = Int(field("level")), level >= 2, field("type") != "Instruction",
        let kibibytes = Int(field("size").dropLast())
      else { return nil }
      let isPrivate = !field("shared_cpu_list").contains { $0 == "-" || $0 == "," }
      return kibibytes * 1024 * (isPrivate ? threads : 1)
    }
    var ascending: [Int] = []
    for size in sizes.sorted() where size > ascending.last ?? 0 { ascending.append(size) }
    return ascending
  }

  private static func text(_ file: String) -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
}
