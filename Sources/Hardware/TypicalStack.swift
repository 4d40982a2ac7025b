import Quantities

extension HardwareProfile {
  /// The machine as it is expected to run: of one of which only the data sheet is known, with what kernels and serving
  /// stacks reached of other machines' data sheets; any other one as it is.
  public var expected: HardwareProfile { isIdeal && calibration == nil ? reaching(.typicalStack) : self }

  /// Whether its times are those of a typical stack on its data sheet.
  public var isTypical: Bool { calibration == Self.typicalStack.calibration && calibration != nil }

  /// What stacks reached, over the peaks of no machine.
  static let typicalStack: HardwareProfile = {
    var profile = HardwareProfile(
      name: "typical stack", peaks: PeakRates(), elementwise: Rate(1), memoryBandwidth: Rate(1), memoryBytes: 1)
    return profile
  }()
}
