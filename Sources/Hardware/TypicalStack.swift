import Quantities

extension HardwareProfile {
  /// The machine as it is expected to run: of one of which only the data sheet is known, with what kernels and serving
  /// stacks reached of other machines' data sheets; any other one as it is.
  public var expected: HardwareProfile { isIdeal && calibration == nil ? reaching(.typicalStack) : self }

  /// Whether its times are those of a typical stack on its data sheet.
  public var isTypical: Bool { calibration == Self.typicalStack.calibration }

  /// What stacks reached of the peaks of their machines: the pooled fit of the form `launch` to two thirds of the public rows
  /// of scenarios/measurements/public-anchors.csv (docs/public-anchors.md), and quantiles of measured ÷ predicted − 1 over
  /// the same rows. Its own peaks mean nothing.
  public static let typicalStack: HardwareProfile = {
    let (bandwidth, arithmetic, overlap, launch) = (0.80, 0.64, 0.01, 1.57e-5)
    var efficiency = PerOperationClass(
      repeating: Efficiency(
        compute: SaturatingEfficiency(limit: arithmetic), bandwidth: bandwidth, overhead: Seconds(launch)))
    for operation in [OperationClass.matrixProduct, .fewRowProduct, .oneRowProduct] {
      efficiency[operation].overlap = overlap
    }
    efficiency.elementwise.compute.limit = 1
    efficiency.attentionDecode.tile = 64
    let quantiles = [(0.05, -0.21), (0.25, -0.11), (0.5, -0.02), (0.75, 0.11), (0.95, 0.76)]
    return HardwareProfile(
      name: "typical stack", peaks: PeakRates(), elementwise: Rate(1), memoryBandwidth: Rate(1), memoryBytes: 1,
      efficiency: efficiency,
      calibration: CalibrationSummary(
        rows: 0, parameters: 4, meanAbsolutePercentageError: 0,
        residuals: quantiles.map { ResidualQuantile(probability: $0.0, value: $0.1) }))
  }()
}
