import ArgumentParser
import Experiments
import Foundation
import Hardware
import Quantities
import Rendering
import Scenarios

/// `photon hardware`
struct HardwareCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hardware",
    abstract: "Lists, shows, checks and carries over hardware profiles.",
    discussion: """
        photon hardware list
        photon hardware show h200-sxm
        photon hardware check scenarios/hardware/h200-sxm.yaml
        photon hardware apply scenarios/measurements/h200-trtllm.yaml --to b200

      docs/hardware-format.md says what a profile holds.
      """,
    subcommands: [HardwareList.self, HardwareShow.self, HardwareCheck.self, HardwareApply.self])
}

struct HardwareList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "The profiles that a scenario can name from this folder.",
    discussion: """
      JSON and CSV also have the sources and the files.

        photon hardware list --format csv
      """)

  @Option(help: "table, json or csv.")
  var format = OutputFormat.table

  func run() async throws {
    let entries = hardwareLibrary().entries()
    let profiles = try entries.map { remarked(try HardwareFile.read(file: $0.file)) }
    var columns: [Column] = [.text("name"), Column("year")]
    columns += ElementType.allCases.map {
      Column("\($0.rawValue)_flops_per_s", $0.rawValue, as: .si(unit: "FLOP/s"))
    }
    columns += [
      Column("memory_bandwidth_bytes_per_s", "bandwidth", as: .si(unit: "B/s")),
      Column("memory_bytes", "memory", as: .si(unit: "B")),
      Column("last_level_cache_bytes", "cache", as: .binaryBytes),
      Column("host_link_bytes_per_s", "host link", as: .si(unit: "B/s")),
      Column("device_link_bytes_per_s", "device link", as: .si(unit: "B/s")),
      Column("board_power_w", "power", as: .si(unit: "W")),
      Column("price_usd_per_hour", "$/h", as: .fixed(decimals: 2)),
      Column("is_calibrated", "calibrated", .left), .text("description"),
    ]
    let isForPeople = format == .table
    if !isForPeople { columns += [.text("source"), .text("file")] }
    var table = Table(columns)
    for (entry, profile) in zip(entries, profiles) {
      var row: [Cell] = [.text(profile.name), Cell(integer: profile.year)]
      row += ElementType.allCases.map { Cell(profile.peaks[$0]?.perSecond) }
      row += [
        Cell(profile.memoryBandwidth.perSecond), Cell(profile.memoryBytes), Cell(integer: profile.lastLevelCacheBytes),
        Cell(profile.hostLink?.perSecond), Cell(profile.deviceLink?.perSecond), Cell(profile.boardPower),
        Cell(profile.pricePerHour), .flag(profile.calibration != nil), .text(profile.description),
      ]
      if !isForPeople { row += [.text(profile.source), .text(entry.file)] }
      table.append(row)
    }
    printData(table.text(as: format.tableFormat))
  }
}

extension Cell {
  init(integer: Int?) { self = integer.map { Cell($0) } ?? .missing }
}

/// How `photon hardware show` answers.
enum ProfileFormat: String, CaseIterable, ExpressibleByArgument { case yaml, table, json }

struct HardwareShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Prints a profile with every default written out.",
    discussion: """
      YAML is a profile that can be changed and used; the table is for reading.

        photon hardware show h200-sxm
        photon hardware show h200-sxm --format table
      """)

  @Argument(help: "A profile's name or file.")
  var name: String

  @Option(help: "yaml, table or json.")
  var format = ProfileFormat.yaml

  func run() async throws {
    let profile = try remarked(hardwareLibrary().profile(name, at: Position(file: "")))
    switch format {
    case .yaml: printData(HardwareFile.text(profile))
    case .table: printOutput(profile.table.text(as: .table))
    case .json: printData(profile.json.text() + "\n")
    }
  }
}

/// How `photon hardware check` answers.
enum CheckFormat: String, CaseIterable, ExpressibleByArgument { case table, json }

struct HardwareCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Reads profiles and says what is wrong with them.",
    discussion: """
      Ends with 64 if a profile is wrong. Remarks about what is allowed and unlikely go to standard error.

        photon hardware check scenarios/hardware/h200-sxm.yaml
      """)

  @Argument(help: "The profiles' files.", completion: .file(extensions: ["yaml"]))
  var files: [String]

  @Option(help: "table or json.")
  var format = CheckFormat.table

  func run() async throws {
    var diagnostics: [Diagnostic] = []
    var results: [JSON] = []
    for file in files {
      do throws(ScenarioError) {
        let profile = try HardwareFile.read(file: file)
        let remarks = HardwareFile.remarks(profile)
        if format == .table { printOutput("\(file): \(profile.name) is a valid profile\n") }
        for remark in remarks { printError("\(file): remark: \(remark)") }
        results.append(result(file, [], remarks))
      } catch {
        diagnostics += error.diagnostics
        results.append(result(file, error.diagnostics, []))
      }
    }
    if format == .json { printData(JSON.array(results).text() + "\n") }
    if !diagnostics.isEmpty { throw ScenarioError(diagnostics) }
  }

  private func result(_ file: String, _ diagnostics: [Diagnostic], _ remarks: [String]) -> JSON {
    let errors = diagnostics.map { diagnostic in
      JSON.object([
        ("line", diagnostic.position.line.map { JSON($0) } ?? .null), ("column", JSON(diagnostic.position.column)),
        ("key", .string(diagnostic.path)), ("found", .string(diagnostic.found)),
        ("accepted", diagnostic.accepted.map { .string($0) } ?? .null),
        ("suggestion", diagnostic.suggestion.map { .string($0) } ?? .null),
      ])
    }
    return .object([
      ("file", .string(file)), ("valid", .flag(diagnostics.isEmpty)), ("errors", .array(errors)),
      ("remarks", .array(remarks.map { .string($0) })),
    ])
  }
}

struct HardwareApply: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Uses another card as well as a fitted profile uses its own.",
    discussion: """
      The shares of peaks, the overheads, the engine's habits and the errors are those of the fit; peaks, bandwidth and \
      memory are the card's.

        photon hardware apply scenarios/measurements/h200-trtllm.yaml --to b200
      """)

  @Argument(help: "A fitted profile's name or file.")
  var fit: String

  @Option(name: .customLong("to"), help: ArgumentHelp("The card's name or file.", valueName: "name or file"))
  var card: String

  @Option(
    name: [.customShort("o"), .long], help: "The new profile's file; standard output without it.",
    completion: .file(extensions: ["yaml"]))
  var output: String?

  func validate() throws { try checkOutput(output) }

  func run() async throws {
    let library = hardwareLibrary()
    let source = try remarked(library.profile(fit, at: Position(file: "")))
    var profile = try remarked(library.profile(card, at: Position(file: "--to")))
    if source.isIdeal {
      throw ValidationError("\(source.name) is a data sheet: there is nothing fitted in it that could be applied")
    }
    profile = profile.reaching(source)
    profile.source = "\(profile.source); efficiencies and overheads of \(source.name)"
    guard let output else { return printData(HardwareFile.text(profile)) }
    profile.name = URL(filePath: output).deletingPathExtension().lastPathComponent
    try HardwareFile.write(profile, to: output)
    printOutput("applied \(source.name) to \(card); written to \(output)\n")
  }
}
