import Hardware
import Quantities

extension HardwareFile {
  /// The profile in a file as a scenario uses it: on so many devices, with its engine, able to price models of some
  /// precisions, and those whose entries lie in the memory of the host if there are such.
  /// - Throws: `ScenarioError` with everything that is wrong in it, or what it lacks, at the key that would have it.
  public static func read(
    file: String, devices: Int, engine: EngineMemory? = nil, for precisions: [Precision],
    usesHost: Bool = false
  ) throws(ScenarioError) -> HardwareProfile {
    let profile = try read(file: file).sharing(devices, engine: engine)
    do throws(HardwareError) {
      for precision in precisions { try profile.check(precision) }
      if usesHost { try profile.checkHost() }
    } catch {
      let steps = DottedPath(error.key)?.steps ?? []
      throw ScenarioError(error, at: try YAMLText.read(file: file).position(of: steps[...]))
    }
    return profile
  }
}

extension HardwareError {
  /// The key of a profile that is missing or lacks an entry.
  fileprivate var key: String {
    switch self {
    case .noPeak: "matmul_flops_per_s"
    case .noDeviceLink: "device_link_bytes_per_s"
    case .noHostLink: "host_link_bytes_per_s"
    }
  }

  fileprivate var accepted: String {
    switch self {
    case .noPeak(_, let type, _): "a rate for \(type.rawValue), or another precision"
    case .noDeviceLink: "the key, or one device"
    case .noHostLink: "the key, or placement: contiguous"
    }
  }
}

extension ScenarioError {
  /// What a machine lacks, where it is asked for or where it would stand.
  /// - Parameters:
  ///   - error: what it lacks.
  ///   - position: the place that a person would change.
  ///   - path: the key there; that of the profile if nil.
  public init(_ error: HardwareError, at position: Position, path: String? = nil) {
    self.init([
      Diagnostic(position, path: path ?? error.key, found: error.description, accepted: error.accepted)
    ])
  }
}
