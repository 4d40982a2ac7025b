import Formulas
import Rendering
import Scenarios

/// How the memory of one device is filled, and what fits into it.
public enum MemoryFigure: CaseIterable, Sendable {
  /// Whether the batch fits.
  case fits
  /// Prompts that fit.
  case largestBatch
  /// The fewest devices that hold the batch.
  case devicesNeeded
  /// Tokens of context whose entries fit beside weights and activations.
  case cacheTokens
  case device, reserved, weights, activations, cache, free
  /// Entries in the memory of the host, and what it has for them.
  case host, hostMemory

  var names: FigureNames {
    func bytes(_ label: String, _ key: String, _ terminal: String? = nil) -> FigureNames {
      FigureNames(label, .bytes, json: .machine("memory.\(key)_bytes"), terminal: terminal)
    }
    return switch self {
    case .fits: FigureNames("fits", .words, column: "fits", json: .machine("fits"))
    case .largestBatch:
      FigureNames(
        "largest batch", .count, column: "largest_batch", json: .machine("largest_batch"), isObjective: true,
        sense: .maximise)
    case .devicesNeeded: FigureNames("devices needed", .count, json: .machine("devices_needed"), sense: .minimise)
    case .cacheTokens:
      FigureNames("cache tokens that fit", .count, json: .machine("memory.cache_tokens"), sense: .maximise)
    case .device: bytes("device", "device")
    case .reserved: bytes("reserved memory", "reserved", "reserved")
    case .weights: bytes("weights in memory", "weight", "weights")
    case .activations: bytes("activations in memory", "activation", "activations")
    case .cache: bytes("caches in memory", "cache", "caches")
    case .free: bytes("free memory", "free", "free")
    case .host: bytes("caches in the host's memory", "host_cache", "at the host")
    case .hostMemory: bytes("memory of the host", "host", "host")
    }
  }

  /// - Parameter devicesNeeded: nil where so many are not known.
  func cell(of use: MemoryUse, devicesNeeded: Int? = nil) -> Cell {
    switch self {
    case .fits: .flag(use.fits)
    case .largestBatch: use.largestBatch.map { Cell($0) } ?? .missing
    case .devicesNeeded: devicesNeeded.map { Cell($0) } ?? .missing
    case .cacheTokens: use.cacheTokens.map { .integer($0) } ?? .missing
    case .device: .integer(use.deviceBytes)
    case .reserved: .integer(use.reservedBytes)
    case .weights: .integer(use.weightBytes)
    case .activations: .integer(use.activationBytes)
    case .cache: .integer(use.cacheBytes)
    case .free: .integer(use.freeBytes)
    case .host: .integer(use.hostBytes)
    case .hostMemory: use.hostMemoryBytes.map { Cell($0) } ?? .missing
    }
  }

  /// Adds the field of a row.
  /// - Precondition: the figure is a column of a sweep.
  public func append(fits: Bool, largestBatch: Int?, to rows: inout RowBuilder) {
    switch self {
    case .fits: rows.append(fits)
    case .largestBatch: if let largestBatch { rows.append(largestBatch) } else { rows.appendMissing() }
    case .devicesNeeded, .cacheTokens, .device, .reserved, .weights, .activations, .cache, .free, .host, .hostMemory:
      preconditionFailure("\(names.label) is no column of a sweep")
    }
  }
}

extension MemoryUse {
  /// What a person reads where a batch does not fit; nil where it does.
  /// - Parameters:
  ///   - batch: that is asked for.
  ///   - machine: on which it does not fit.
  ///   - devicesNeeded: that would hold it; nil where not even a thousand would.
  public func misfit(batch: Int, on machine: String, devicesNeeded: Int?) -> String? {
    guard !fits else { return nil }
    let largest =
      switch largestBatch {
      case 0?: batch == 1 ? "" : ", and neither does one prompt"
      case let largest?: "; the largest batch that does is \(largest)"
      case nil: ""
      }
    let needed =
      devicesNeeded.map { "it needs \($0) devices" } ?? "no number of devices that its heads divide over holds it"
    let missing = NumberFormat.binaryBytes.text(-freeBytes)
    return "batch \(batch) does not fit \(machine): \(missing) are missing\(largest); \(needed)"
  }
}
