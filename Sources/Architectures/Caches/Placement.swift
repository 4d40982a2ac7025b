/// Where entries lie.
public enum Placement: CacheChoice {
  /// One behind another in the memory of the device.
  case contiguous
  /// In the memory of the host, but for the newest.
  case host(HostMemory)

  /// The methods by the names that scenarios give them.
  public enum Method: String, CaseIterable, Sendable { case contiguous, host }

  /// Which one, without its settings.
  public var method: Method {
    switch self {
    case .contiguous: .contiguous
    case .host: .host
    }
  }

  /// A method with its settings.
  public init?(_ method: Method, _ settings: some CacheSettings) {
    switch method {
    case .contiguous: self = .contiguous
    case .host:
      guard let plan = HostMemory(settings) else { return nil }
      self = .host(plan)
    }
  }

  /// What a scenario says besides the method.
  public var settings: [(key: String, value: CacheSetting)] {
    switch self {
    case .contiguous: []
    case .host(let plan): plan.settings
    }
  }

  /// Where entries lie in the memory of the host; nil where they do not.
  public var host: HostMemory? {
    switch self {
    case .contiguous: nil
    case .host(let plan): plan
    }
  }
}

/// Entries in the memory of the host. They cross the link between host and device when a pass reads them, and when they
/// leave the device behind the pass that made them too old.
public struct HostMemory: Hashable, Sendable {
  /// Newest entries of a head that stay on the device between passes.
  public var onDevice: Int
  /// Whether they cross while the device works on something else: what the link takes then hides behind what the device
  /// takes, or the other way round.
  public var overlaps: Bool

  public init(onDevice: Int = 0, overlaps: Bool = true) {
    self.onDevice = onDevice
    self.overlaps = overlaps
  }

  init?(_ settings: some CacheSettings) {
    let usual = HostMemory()
    guard let onDevice = settings.integer("on_device", in: 0...Limits.promptLength, usual: usual.onDevice),
      let overlaps = settings.flag("overlap", usual: usual.overlaps)
    else { return nil }
    self.init(onDevice: onDevice, overlaps: overlaps)
  }

  var settings: [(key: String, value: CacheSetting)] {
    [("on_device", .integer(onDevice)), ("overlap", .flag(overlaps))]
  }
}

extension CachePlan {
  /// Which entries lie where is known by their age alone, and what is not on the device is in its last form.
  var placementProblems: [Problem] {
    guard let host = placement.host else { return [] }
    var problems: [Problem] = []
    func refuse(_ choice: String, _ method: String) {
      problems.append(
        Problem(
          "placement", "placement: host beside \(choice): \(method)",
          accepted: "\(choice): everything, since entries lie there by their age alone"))
    }
    if retention != .everything { refuse("retention", retention.method.rawValue) }
    if lookup != .everything { refuse("lookup", lookup.method.rawValue) }
    if entry.residual > host.onDevice {
      problems.append(
        Problem(
          "residual", "\(entry.residual) newest entries of another form where \(host.onDevice) stay on the device",
          accepted: Problem.accepted(0...host.onDevice)))
    }
    return problems
  }
}

extension Model {
  /// Whether some of its persistent caches have entries in the memory of the host.
  public var usesHost: Bool { caches.contains { $0.plan.placement.host != nil } }
}
