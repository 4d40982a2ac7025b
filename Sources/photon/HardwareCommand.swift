import ArgumentParser
import Hardware
import Quantities
import Reports
import Scenarios

/// `photon hardware`
struct HardwareCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hardware",
    abstract: "Lists, shows and checks hardware profiles.",
    discussion: """
        photon hardware list
        photon hardware show h200-sxm
        photon hardware check scenarios/hardware/h200-sxm.yaml
      """,
    subcommands: [HardwareList.self, HardwareShow.self, HardwareCheck.self])
}

struct HardwareList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "The profiles that a scenario can name from this folder.",
    discussion: "  photon hardware list --format csv")

  @Option(help: "table, json or csv.")
  var format = OutputFormat.table

  func run() async throws {
    var table = Table([
      .text("name"), .text("description"), Column("memory_bytes", "memory", as: .binaryBytes),
      Column("bandwidth_bytes_per_s", "bandwidth", as: .si(unit: "B/s")),
      Column("bf16_flop_per_s", "bf16", as: .si(unit: "FLOP/s")),
      Column("fp32_flop_per_s", "fp32", as: .si(unit: "FLOP/s")), .text("file"),
    ])
    for entry in hardwareLibrary().entries() {
      let profile = try HardwareFile.read(file: entry.file)
      table.append([
        .text(profile.name), .text(profile.description), Cell(profile.memoryBytes),
        Cell(profile.memoryBandwidth.perSecond), Cell(profile.peaks[.bf16]?.perSecond),
        Cell(profile.peaks[.fp32]?.perSecond), .text(entry.file),
      ])
    }
    printOutput(table.text(as: format.tableFormat))
  }
}

struct HardwareShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Prints a profile with every default written out.",
    discussion: "  photon hardware show h200-sxm")

  @Argument(help: "A profile's name or file.")
  var name: String

  func run() async throws {
    let profile = try hardwareLibrary().profile(name, at: Position(file: "argument"))
    printOutput(HardwareFile.text(profile))
  }
}

struct HardwareCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Reads profiles and says what is wrong with them.",
    discussion: "  photon hardware check scenarios/hardware/h200-sxm.yaml")

  @Argument(help: "The profiles' files.", completion: .file(extensions: ["yaml"]))
  var files: [String]

  func run() async throws {
    var diagnostics: [Diagnostic] = []
    for file in files {
      do throws(ScenarioError) {
        let profile = try HardwareFile.read(file: file)
        printOutput("\(file): \(profile.name) is a valid profile\n")
      } catch {
        diagnostics += error.diagnostics
      }
    }
    if !diagnostics.isEmpty { throw ScenarioError(diagnostics) }
  }
}
