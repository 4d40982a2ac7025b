import Hardware
import Quantities

/// What a million emitted tokens cost and use on a machine; nil where its profile does not say, or nothing is emitted.
public struct TokenCost: Hashable, Sendable {
  /// Price over throughput.
  /// - Unit: US dollar per million tokens
  public var dollars: Double?
  /// Board power over throughput: an upper bound of what the board draws, without host and cooling.
  /// - Unit: joule per million tokens
  public var joules: Double?

  public init() {}

  /// At a throughput of all devices together; nothing is known where it is 0, or next to it.
  @inlinable
  public init(_ profile: HardwareProfile, at throughput: Rate<Token>) {
    guard throughput.perSecond > 0 else { return }
    let seconds = 1e6 / throughput.perSecond * Double(profile.devices)
    guard seconds.isFinite else { return }
    dollars = profile.pricePerHour.map { $0 / 3600 * seconds }
    joules = profile.boardPower.map { $0 * seconds }
  }
}
