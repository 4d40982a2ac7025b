import Foundation
import Hardware
import Quantities
import Testing

@testable import Scenarios

private let sheet = HardwareFixture.sheet

/// The diagnostics of a text, one per line.
private func complaints(_ text: String) -> String {
  do {
    _ = try HardwareFixture.parse(text)
    return "none"
  } catch {
    return error.description
  }
}

@Suite struct HardwareFileTests {
  @Test func `four keys make a data sheet on which every peak is reached`() throws {
    let profile = try HardwareFixture.parse(sheet)
    #expect(
      profile
        == HardwareProfile(
          name: "mine", peaks: PeakRates([(.fp32, Rate(67e12)), (.bf16, Rate(989e12))]), elementwise: Rate(67e12),
          memoryBandwidth: Rate(4.8e12), memoryBytes: 141_000_000_000))
    #expect(profile.isIdeal)
    #expect(profile.reserve == 0.05)
    #expect(profile.peaks.types == [.fp32, .bf16])
  }

  @Test func `a profile that was written reads back equal`() throws {
    let text = HardwareFile.text(HardwareFixture.calibrated)
    #expect(try HardwareFile.parse(text, file: "this-machine.yaml", name: "this-machine") == HardwareFixture.calibrated)
  }

  @Test func `a profile is written in a fixed text`() {
    var profile = HardwareProfile(
      name: "mine", description: "A card", source: "its data sheet, 2024", year: 2024,
      peaks: PeakRates([(.bf16, Rate(989e12))]), elementwise: Rate(67e12), memoryBandwidth: Rate(2.039e12),
      memoryBytes: 141_000_000_000)
    #expect(
      HardwareFile.text(profile) == """
        name: mine
        description: A card
        source: "its data sheet, 2024"
        year: 2024
        matmul_flops_per_s: {bf16: 9.89e14}
        elementwise_flops_per_s: 6.7e13
        memory_bandwidth_bytes_per_s: 2.039e12
        memory_bytes: 141000000000
        reserve: 0.05
        few_rows: 16

        """)
    profile.stepOverhead = Seconds(1e-5)
    #expect(HardwareFile.text(profile).hasSuffix("step_overhead_s: 1e-05\n"))
  }

  @Test func `numbers are written with the fewest digits that read back`() {
    let written = [
      (0, "0"), (1, "1"), (999_999, "999999"), (1e6, "1e6"), (2.039e12, "2.039e12"), (1.5e300, "1.5e300"),
      (18_123_456_789.5, "18123456789.5"), (0.05, "0.05"), (1e15, "1e15"), (-2e7, "-2e7"), (1e-7, "1e-07"),
    ]
    for (number, text) in written {
      #expect(HardwareFile.shortest(number) == text)
      #expect(Double(text) == number)
    }
  }

  @Test(arguments: catalogue)
  func `a shipped data sheet has ten lines at most, a source and a year, and reads back`(name: String) throws {
    let file = "\(shipped)/hardware/\(name).yaml"
    let profile = try HardwareFile.read(file: file)
    #expect(try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").count <= 10)
    #expect(profile.name == name)
    #expect(profile.isIdeal)
    #expect(profile.calibration == nil)
    #expect(HardwareFile.remarks(profile) == [])
    #expect(try HardwareFile.parse(HardwareFile.text(profile), file: file, name: name) == profile)
  }

  @Test func `every shipped profile is in the catalogue`() {
    let names = HardwareLibrary(files: ScenarioFiles(), directory: shipped).entries().map(\.name)
    #expect(Set(names).isSuperset(of: catalogue))
  }

  /// The vendors' data sheets, dense rates; each file names its source.
  @Test func `the shipped rates are those of the data sheets`() throws {
    func figures(_ name: String) throws -> [Double?] {
      let profile = try HardwareFile.read(file: "\(shipped)/hardware/\(name).yaml")
      return [
        profile.peaks[.bf16]?.perSecond, profile.peaks[.fp32]?.perSecond, profile.peaks[.int8]?.perSecond,
        profile.peaks[.fp8]?.perSecond, profile.memoryBandwidth.perSecond, Double(profile.memoryBytes),
        profile.boardPower,
      ]
    }
    #expect(try figures("a100-40g") == [312e12, 19.5e12, 624e12, nil, 1.555e12, 40e9, 400])
    #expect(try figures("a100-80g") == [312e12, 19.5e12, 624e12, nil, 2.039e12, 80e9, 400])
    #expect(try figures("h100-sxm") == [989e12, 67e12, 1979e12, 1979e12, 3.35e12, 80e9, 700])
    #expect(try figures("h100-pcie") == [756.5e12, 51e12, 1513e12, 1513e12, 2e12, 80e9, 350])
    #expect(try figures("h200-sxm") == [989e12, 67e12, 1979e12, 1979e12, 4.8e12, 141e9, 700])
    #expect(try figures("b200") == [2250e12, 80e12, 4500e12, 4500e12, 8e12, 180e9, 1000])
    #expect(try figures("l40s") == [362.05e12, 91.6e12, 733e12, 733e12, 864e9, 48e9, 350])
    #expect(try figures("rtx-4090") == [165.2e12, 82.6e12, 660.6e12, 330.3e12, 1.008e12, 24e9, 450])
    #expect(try figures("mi300x") == [1307.4e12, 163.4e12, 2614.9e12, 2614.9e12, 5.3e12, 192e9, 750])
    #expect(try figures("tpu-v5e") == [197e12, nil, 393e12, nil, 819e9, 16e9, nil])
    #expect(try figures("m3-max") == [14.3e12, 14.3e12, nil, nil, 400e9, 128e9, nil])
    #expect(try figures("epyc-2-cores") == [nil, 236.8e9, nil, nil, 460.8e9, 25_769_803_776, nil])
  }

  @Test func `element-wise work runs at the fp32 rate unless it is given, and must be given without one`() throws {
    let line = "elementwise_flops_per_s: 67e12\n"
    #expect(try HardwareFixture.parse(sheet.replacing(line, with: "")).elementwise == Rate(67e12))
    #expect(
      try HardwareFixture.parse(sheet.replacing(line, with: "elementwise_flops_per_s: 5e12\n")).elementwise
        == Rate(5e12))
    #expect(
      complaints(sheet.replacing(line, with: "").replacing("fp32: 67e12, ", with: "")) == """
        mine.yaml:1:1: error: the key elementwise_flops_per_s is missing; accepted: a number above 0, in FLOP/s
        """)
  }

  @Test func `a slipped unit is remarked on and not refused`() throws {
    #expect(HardwareFile.remarks(try HardwareFixture.parse(sheet + "source: a sheet\nyear: 2024\n")) == [])
    let slipped = sheet.replacing("{fp32: 67e12, bf16: 989e12}", with: "{bf16: 989}").replacing("141e9", with: "141")
    #expect(
      HardwareFile.remarks(try HardwareFixture.parse(slipped)) == [
        "source: nothing says where the figures come from", "year: nothing says how old the figures are",
        "matmul_flops_per_s.bf16: 989 is no machine's: is it in G or T?",
        "memory_bytes: 141 is no machine's: is it in GB or TB?",
      ])
    let shifted = sheet.replacing("bf16: 989e12", with: "bf16: 989e8").replacing("141e9", with: "141e6")
    #expect(
      HardwareFile.remarks(try HardwareFixture.parse(shifted + "source: a sheet\nyear: 2024\n")) == [
        "matmul_flops_per_s.bf16: 9.89e10 FLOP/s beside 4.8e12 byte/s is less than 0.1 FLOP for each byte: "
          + "is a rate in G or T?",
        "memory_bytes: 141000000 bytes are read in less than 0.1 ms: is a figure in GB or TB?",
      ])
  }
}

private let catalogue = [
  "a100-40g", "a100-80g", "b200", "epyc-2-cores", "h100-pcie", "h100-sxm", "h200-sxm", "l40s", "m3-max", "mi300x",
  "rtx-4090", "tpu-v5e",
]
