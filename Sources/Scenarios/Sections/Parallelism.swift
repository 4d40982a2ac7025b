import Architectures

/// How a scenario spreads a model over devices: `devices: 4`, or `parallelism: {tensor: 4}`.
enum Parallelism {
  static let limit = 1024
  /// What others have and this program does not model: their time depends on a schedule or a router, not on counts.
  private static let refused = ["pipeline", "expert", "data", "sequence", "context"]

  /// - Returns: devices that share a model by tensor parallelism; 1 after a diagnostic.
  static func read(_ reader: FieldReader) -> Int {
    let devices = reader.has("devices") ? reader.integer("devices", in: 1...limit) : nil
    guard let section = reader.mapping("parallelism") else { return devices ?? 1 }
    let tensor = section.integer("tensor", default: devices ?? 1, in: 1...limit) ?? 1
    section.finish { key in
      refused.contains(key) ? "\(key) parallelism is not modelled, and not approximated" : nil
    }
    if let devices, devices != tensor {
      section.report("tensor", "found \(tensor) beside devices: \(devices)", accepted: "one of both, or equal values")
    }
    return tensor
  }

  /// Says which models do not divide over the devices.
  static func check(_ models: [NamedModel?], _ devices: Int, _ reader: FieldReader) {
    let key = reader.has("parallelism") ? "parallelism" : "devices"
    for case .some(let named) in models {
      for problem in named.model.problems(sharedBy: devices) {
        reader.report(key, "\(named.name), \(problem.key): \(problem.found)", accepted: problem.accepted)
      }
    }
  }
}
