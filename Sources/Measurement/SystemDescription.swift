import CKernels
import Foundation

/// What Linux says of processor, caches and memory; plain guesses where it says nothing.
public struct SystemDescription {
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

  /// Size of the last-level cache, nil where the system does not say.
  ///
  /// The levels above it are left out: what a model reads between two uses of a weight does not fit them.
  /// - Unit: byte
  var lastLevelCache: Int? {
    let folder = "/sys/devices/system/cpu/cpu0/cache"
    let sizes = (0..<8).compactMap { index -> Int? in
      func field(_ name: String) -> String {
        Self.text("\(folder)/index\(index)/\(name)").trimmingCharacters(in: .whitespacesAndNewlines)
      }
      return field("type") == "Instruction" ? nil : Int(field("size").dropLast()).map { $0 * 1024 }
    }
    return sizes.max()
  }

  /// Programs that were running or ready to run, on average over the last minute; nil where the system does not say.
  public static var load: Double? {
    var averages = [0.0]
    return getloadavg(&averages, 1) == 1 ? averages[0] : nil
  }

  /// What the system calls the processor.
  public static var processor: String { SystemDescription().processor }

  /// Processor, cores and vector instructions: what makes times comparable.
  public static var machine: String {
    let system = SystemDescription()
    return "\(system.processor), \(system.cores) cores, \(String(cString: ck_instruction_set()))"
  }

  /// The most memory that this process can have: the machine's, or less where the process or its group is limited.
  /// - Unit: byte
  public static var memoryLimit: Int {
    let groups = text("/proc/self/cgroup").split(separator: "\n").compactMap { line in
      line.hasPrefix("0::") ? String(line.dropFirst(3)) : nil
    }
    let files =
      (groups + [""]).map { "/sys/fs/cgroup\($0)/memory.max" } + [
        "/sys/fs/cgroup/memory/memory.limit_in_bytes"
      ]
    // "max" and "unlimited" are no numbers.
    let ofGroup = files.compactMap { Int(text($0).trimmingCharacters(in: .whitespacesAndNewlines)) }
    let addresses = text("/proc/self/limits").split(separator: "\n").first { $0.hasPrefix("Max address space") }
    let ofProcess = addresses.flatMap { Int($0.split(separator: " ")[3]) }
    return (ofGroup + [ofProcess, SystemDescription().memoryBytes].compactMap(\.self)).min()!
  }

  /// Leaves a tenth of that to the program and the system: what would hold more ends with a word.
  public static func limitMemory() { ck_limit_memory(memoryLimit / 10 * 9) }

  // Which of these files exist depends on the system; one that does not says nothing.
  private static func text(_ file: String) -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
}
