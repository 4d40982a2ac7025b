import Foundation
import Hardware
import TestFolders
import Testing

@testable import Scenarios

@Suite struct HardwareLibraryTests {
  @Test func `shipped profiles are listed by name and found in any spelling`() throws {
    let library = HardwareLibrary(files: ScenarioFiles(), directory: shipped)
    let names = library.entries().map(\.name)
    #expect(names == names.sorted())
    #expect(Set(names).isSuperset(of: ["a100-80g", "h100-sxm", "h200-sxm", "rtx-4090"]))
    for spelling in ["h100-sxm", "h100_sxm", "H100-SXM"] {
      #expect(try library.profile(spelling, at: Position(file: "s.yaml")).name == "h100-sxm")
      #expect(ScenarioFiles().find(.hardware, named: spelling, from: shipped)?.hasSuffix("/h100-sxm.yaml") == true)
    }
  }

  @Test func `an unknown profile is refused with the known ones and a near one`() {
    let library = HardwareLibrary(files: ScenarioFiles(), directory: shipped)
    let error = #expect(throws: ScenarioError.self) {
      try library.profile("h100-smx", at: Position(file: "s.yaml", line: 3, column: 12), path: "hardware[1]")
    }
    let names = enumerate(library.entries().map(\.name))
    #expect(
      error?.description
        == "s.yaml:3:12: error: hardware[1]: there is no hardware profile \"h100-smx\"; accepted: \(names); "
        + "did you mean h100-sxm?")
  }

  @Test func `a user's profile is found after the shipped ones`() throws {
    let folder = TestFolders.newPath()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let environment = ["XDG_CONFIG_HOME": folder, "PHOTON_HOME": "/nowhere"]
    let paths = HardwareLibrary.searchPaths(environment: environment)
    #expect(paths == ["/nowhere/scenarios", "\(folder)/photon"])
    let user = try #require(HardwareLibrary.userFolder(environment: environment))
    try FileManager.default.createDirectory(atPath: user, withIntermediateDirectories: true)
    try HardwareFile.text(HardwareFixture.calibrated).write(
      toFile: "\(user)/this-machine.yaml", atomically: false, encoding: .utf8)
    let library = HardwareLibrary(files: ScenarioFiles(searchPaths: paths), directory: shipped)
    #expect(try library.profile("this-machine", at: Position(file: "s.yaml")) == HardwareFixture.calibrated)
  }

  @Test func `the user's folder follows the XDG rules`() {
    #expect(HardwareLibrary.userFolder(environment: ["HOME": "/home/a"]) == "/home/a/.config/photon/hardware")
    #expect(
      HardwareLibrary.userFolder(environment: ["HOME": "/home/a", "XDG_CONFIG_HOME": "relative"])
        == "/home/a/.config/photon/hardware")
    #expect(HardwareLibrary.userFolder(environment: [:]) == nil)
  }
}
