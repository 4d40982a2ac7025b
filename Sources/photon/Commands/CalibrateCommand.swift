import ArgumentParser
import Experiments
import Foundation
import Hardware
import Measurement
import Quantities
import Rendering
import Scenarios

/// `photon calibrate`
struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Measures this machine and writes its hardware profile.",
    discussion: """
      Times products, attention, norms and plain reads as the executed models run them, fits the profile this-machine to \
      the medians and prints how well it explains them. Takes less than 30 s on two cores that do nothing else.

      With --from, fits profiles to the times that others measured of serving engines: a table (docs/measurements.md), or the \
      JSON of vllm bench serve, sglang.bench_serving or guidellm. --with says what the file does not. Times that the machine \
      cannot reach at its peaks are named.

        photon calibrate
        photon calibrate --from result.json --with hardware=h100-sxm --with precision=fp8 -o fitted.yaml
      """)

  @Option(
    name: [.customShort("o"), .long],
    help: "The profile's file; by default this-machine.yaml among the user's profiles.",
    completion: .file(extensions: ["yaml"]))
  var output: String?

  @OptionGroup var measured: CalibrateFromOptions

  @Option(help: "Threads of the kernels.")
  var threads = 2

  @Flag(help: "Fewer sizes and repetitions.")
  var quick = false

  @Flag(help: "Also prints every timed operation with its prediction.")
  var operations = false

  func validate() throws {
    try checkOutput(output)
    if !(1...1024).contains(threads) { throw ValidationError("--threads takes an integer from 1 to 1024") }
  }

  func run() throws {
    if let table = measured.from { return try measured.run(file: table, output: output) }
    guard let file = output ?? userFile else {
      throw ValidationError("there is no home folder for the profile; name a file with -o")
    }
    try checkStandardOutput()
    try HardwareFile.probe(file)
    var calibration = try calibrateWithProgress(threads: threads, isQuick: quick)
    // A profile is found by its file's name.
    calibration.profile.name = URL(filePath: file).deletingPathExtension().lastPathComponent
    try HardwareFile.write(calibration.profile, to: file)
    for table in tables(calibration) { printOutput(table.text(as: .table) + "\n") }
    printOutput("measured \(calibration.profile.name) (\(calibration.profile.description)); written to \(file)\n")
  }

  private var userFile: String? {
    HardwareLibrary.userFolder(environment: ProcessInfo.processInfo.environment).map { "\($0)/this-machine.yaml" }
  }

  private func tables(_ calibration: Calibration) -> [Table] {
    [reads(calibration), rests(calibration), products(calibration), classes(calibration)]
      + (operations ? [everyOperation(calibration)] : [])
  }

  private func reads(_ calibration: Calibration) -> Table {
    var table = Table(
      title: "Reads by working set",
      [
        Column("bytes", "working set", as: .binaryBytes),
        Column("measured_bytes_per_s", "measured", as: .si(unit: "B/s")),
        Column("fitted_bytes_per_s", "fitted", as: .si(unit: "B/s")),
      ])
    for read in calibration.reads {
      let fitted = calibration.profile.bandwidth(workingSet: Double(read.bytes))
      table.append([Cell(read.bytes), Cell(read.rate.perSecond), Cell(fitted.perSecond)])
    }
    return table
  }

  /// What is still found in the caches.
  private func rests(_ calibration: Calibration) -> Table {
    var table = Table(
      title: "Reads of what rested",
      [
        Column("bytes", "working set", as: .binaryBytes), Column("rest_s", "rest", as: .si(unit: "s")),
        Column("measured_bytes_per_s", "measured", as: .si(unit: "B/s")),
        Column("cached_percent", "fitted share in caches", as: .percent(decimals: 0)),
      ])
    for read in calibration.rested {
      let displaced = calibration.profile.displacement.perSecond * read.interval
      let share = calibration.profile.cachedShare(workingSet: Double(read.bytes) + displaced)
      table.append([Cell(read.bytes), Cell(read.rest), Cell(read.rate.perSecond), Cell(100 * share)])
    }
    return table
  }

  /// The fastest product at each number of rows.
  private func products(_ calibration: Calibration) -> Table {
    var table = Table(
      title: "Products by rows",
      [
        Column("rows", "rows", as: .exact), Column("flop_per_s", "fastest", as: .si(unit: "FLOP/s")),
        Column("share_of_peak_percent", "of the peak", as: .percent(decimals: 1)), .text("operation"),
      ])
    let peak = calibration.profile.peaks[.fp32]?.perSecond ?? .nan
    let samples = calibration.samples.filter { $0.kind == .product }
    for rows in Set(samples.map(\.rows)).sorted() {
      let fastest = samples.filter { $0.rows == rows }.max { $0.matmulFlops / $0.seconds < $1.matmulFlops / $1.seconds }
      guard let fastest else { continue }
      let rate = fastest.matmulFlops / fastest.seconds
      table.append([Cell(rows), Cell(rate), Cell(100 * rate / peak), .text(fastest.operation)])
    }
    return table
  }

  private func classes(_ calibration: Calibration) -> Table {
    let profile = calibration.profile
    var table = Table(
      title: "Fitted efficiencies, and predicted ÷ measured of the timed operations",
      [
        .text("operation_class", "class"), Column("samples", "samples", as: .exact),
        Column("compute_percent", "compute", as: .percent(decimals: 1)),
        Column("half_size", "half size", as: .significant(3)),
        Column("elementwise_percent", "element-wise", as: .percent(decimals: 1)),
        Column("bandwidth_percent", "bandwidth", as: .percent(decimals: 1)),
        Column("overlap_percent", "overlap", as: .percent(decimals: 1)),
        Column("memory_overlap_percent", "of memory", as: .percent(decimals: 1)),
        Column("overhead_s", "overhead", as: .si(unit: "s")),
        Column("mape_percent", "mean error", as: .percent(decimals: 1)),
        Column("bias_percent", "bias", as: .percent(decimals: 1)),
      ])
    for operation in OperationClass.allCases {
      let chosen = calibration.samples.filter { $0.operationClass(on: profile) == operation }
      let errors = chosen.map { 100 * ($0.predicted(on: profile).value / $0.seconds - 1) }
      let efficiency = profile.efficiency[operation]
      let count = Double(max(chosen.count, 1))
      table.append([
        .text(operation.rawValue), Cell(chosen.count), Cell(100 * efficiency.compute.limit),
        Cell(efficiency.compute.halfSize), Cell(100 * (efficiency.elementwise ?? efficiency.compute.limit)),
        Cell(100 * efficiency.bandwidth), Cell(100 * efficiency.overlap),
        Cell(100 * (efficiency.memoryOverlap ?? efficiency.overlap)),
        Cell(efficiency.overhead.value),
        Cell(errors.reduce(0) { $0 + abs($1) } / count), Cell(errors.reduce(0, +) / count),
      ])
    }
    return table
  }

  private func everyOperation(_ calibration: Calibration) -> Table {
    var table = Table(
      title: "Timed operations",
      [
        .text("operation"), Column("working_set_bytes", "working set", as: .binaryBytes),
        Column("measured_s", "measured", as: .si(unit: "s")), Column("predicted_s", "predicted", as: .si(unit: "s")),
        Column("error_percent", "error", as: .percent(decimals: 1)),
      ])
    for sample in calibration.samples {
      let predicted = sample.predicted(on: calibration.profile).value
      table.append([
        .text(sample.operation), Cell(Int(sample.workingSet)), Cell(sample.seconds), Cell(predicted),
        Cell(100 * (predicted / sample.seconds - 1)),
      ])
    }
    return table
  }
}
