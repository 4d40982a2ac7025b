import Architectures
import ArgumentParser
import Formulas
import Foundation
import Hardware
import Quantities
import Rendering
import Scenarios
import ServingRows

extension MeasuredTable.Latency: ExpressibleByArgument {}

/// How a table of measurements is read.
struct MeasuredRowsOptions: ParsableArguments {
  @Option(
    name: .customLong("model"),
    help: ArgumentHelp(
      "The preset or scenario of a model in the measured rows; may be repeated.", valueName: "name=file"))
  var models: [String] = []

  @Option(
    name: .customLong("with"),
    help: ArgumentHelp(
      "What empty or missing cells of a column hold, for example precision=fp8; may be repeated.",
      valueName: "column=value"))
  var filling: [String] = []

  @Option(
    help: ArgumentHelp(
      "The profile that measured rows are priced on; by default the one they name.", valueName: "name or file"))
  var profile: String?

  @Option(
    help: ArgumentHelp("Only measured rows with this value; may be repeated.", valueName: "column=value"))
  var only: [String] = []

  @Flag(
    help: """
      One fit over all machines, engines and precisions, as shares of each machine's peaks; the profile is that of the \
      machine with most rows, or --profile.
      """)
  var pool = false

  @Option(help: "Whether measured times per output token count the first token: exclusive or inclusive.")
  var latency = MeasuredTable.Latency.exclusive

  func validate() throws {
    for argument in models { _ = try Self.split(argument, "--model") }
    for argument in filling {
      let (name, _) = try Self.split(argument, "--with")
      if !MeasuredTable.columns.contains(name) {
        throw ValidationError(
          "--with \(argument): there is no column \(name); columns are "
            + MeasuredTable.columns.joined(separator: ", "))
      }
    }
    for argument in only {
      let (name, _) = try Self.split(argument, "--only")
      if MeasuredColumn(rawValue: name) == nil {
        throw ValidationError("--only \(argument): there is no column \(name) to choose by; \(Self.columnNames)")
      }
    }
  }

  static let columnNames = "columns are " + MeasuredColumn.allCases.map(\.rawValue).joined(separator: ", ")

  private static func split(_ argument: String, _ option: String) throws -> (String, String) {
    guard let sign = argument.firstIndex(of: "="), sign != argument.startIndex else {
      throw ValidationError("\(option) \(argument): write it as \(option == "--model" ? "NAME=FILE" : "COLUMN=VALUE")")
    }
    return (String(argument[..<sign]), String(argument[argument.index(after: sign)...]))
  }

  /// The rows of a file with their models, by the machine that they are priced on, in the order of the file.
  /// - Parameter fits: whether coefficients are fitted to the rows.
  /// - Throws: `ScenarioError` with everything that is wrong.
  func groups(file: String, fits: Bool) throws -> [MeasuredMachine] {
    let filling = try Dictionary(filling.map { try Self.split($0, "--with") }, uniquingKeysWith: { $1 })
    let table = try MeasuredTable(file: file, latency: latency, filling: filling)
    printRemarks(table.remarks)
    var rows = table.rows
    for argument in only {
      let (name, value) = try Self.split(argument, "--only")
      guard let column = MeasuredColumn(rawValue: name) else { continue }
      rows = rows.filter { column.value(of: $0).lowercased() == value.lowercased() }
    }
    if rows.isEmpty { throw ValidationError("no row of \(file) is left by \(only.joined(separator: ", "))") }
    let files = try Dictionary(models.map { try Self.split($0, "--model") }, uniquingKeysWith: { $1 })
    let names = ModelNames(files: files, searchPaths: searchPaths, near: file)
    let library = hardwareLibrary(near: file)
    if pool { return [try pooled(names.points(rows), library, near: file)] }
    guard let profile else {
      let points = try names.points(rows)
      return try MeasuredColumn.hardware.values(of: rows).map { name in
        let own = points.filter { $0.row.hardware == name }
        if name.isEmpty {
          throw ScenarioError([
            Diagnostic(
              own[0].row.position, path: "hardware", found: "there is none",
              accepted:
                "--with hardware=NAME, which fills in what is missing, or --profile NAME, which prices all rows on one machine"
            )
          ])
        }
        return try MeasuredMachine(
          remarked(library.profile(name, at: own[0].row.position, path: "hardware")), own)
      }
    }
    let chosen = try typedProfile(profile, option: "--profile", near: file)
    if fits, chosen.calibration != nil {
      printError(
        "\(chosen.name) is fitted itself, perhaps to these rows: its memory and admission are kept; --profile with the data "
          + "sheet below it would fit them anew")
    }
    let own = rows.filter { Self.isRow($0, on: chosen) }
    if !own.isEmpty, own.count < rows.count {
      let others = MeasuredColumn.hardware.values(of: rows.filter { !Self.isRow($0, on: chosen) })
      printError("left out \(rows.count - own.count) rows of \(others.joined(separator: ", "))")
    }
    return [try MeasuredMachine(chosen, names.points(own.isEmpty ? rows : own))]
  }

  /// All rows as those of one machine, each priced on its own.
  private func pooled(
    _ points: [ServingPoint], _ library: HardwareLibrary, near file: String
  ) throws -> MeasuredMachine {
    let counts = Dictionary(grouping: points, by: \.row.hardware).mapValues(\.count)
    var machines: [String: HardwareProfile] = [:]
    let own = try points.map { point in
      let name = point.row.hardware
      let machine = try machines[name] ?? remarked(library.profile(name, at: point.row.position, path: "hardware"))
      machines[name] = machine
      try point.row.check(on: machine)
      return ServingPoint(row: point.row, model: point.model, machine: machine)
    }
    if let profile {
      return try MeasuredMachine(typedProfile(profile, option: "--profile", near: file), own)
    }
    let most = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }!.key
    return try MeasuredMachine(machines[most]!, own)
  }

  /// Whether a row was measured on the machine of a profile, which may be a fitted one: `h200-sxm-vllm-fp8`.
  private static func isRow(_ row: MeasuredRow, on profile: HardwareProfile) -> Bool {
    let hardware = row.hardware
    let name = ScenarioFiles.canonical(profile.name)
    return hardware.isEmpty || name == hardware || name.hasPrefix(hardware + "-")
  }
}

/// Measured rows of one machine.
struct MeasuredMachine {
  var profile: HardwareProfile
  var points: [ServingPoint]

  /// - Throws: `ScenarioError` at the first row of a precision that the machine cannot price.
  init(_ profile: HardwareProfile, _ points: [ServingPoint]) throws(ScenarioError) {
    (self.profile, self.points) = (profile, points)
    for point in points { try point.row.check(on: point.machine ?? profile) }
    remarkWeights()
  }

  /// Weights that exceed the devices' memory were not on these devices, or not in this precision.
  private func remarkWeights() {
    var said = Set<String>()
    for point in points {
      let (row, machine) = (point.row, point.machine ?? profile)
      let question = Question(point.model, Workload(promptLength: 1, generatedLength: 1), row.precision.precision)
      // A count beyond the range is refused where the row is priced.
      guard let demand = try? MemoryDemand(question, devices: row.devices),
        demand.weightBytes > Int128(machine.memoryBytes)
      else { continue }
      let what =
        "\(visible(row.model)) in \(row.precision.name) has \(NumberFormat.si(unit: "B").text(demand.weightBytes)) of weights"
        + (row.devices == 1 ? "" : " on each of \(row.devices) devices")
        + ", \(visible(machine.name)) has \(NumberFormat.si(unit: "B").text(Int128(machine.memoryBytes))) of memory"
      if said.insert(what).inserted {
        printError("\(row.position): remark: \(what); accepted: the columns precision and devices as measured")
      }
    }
  }
}
