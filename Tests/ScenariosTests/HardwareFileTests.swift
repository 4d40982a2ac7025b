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
  func `a shipped data sheet has eleven lines at most, a source and a year, and reads back`(name: String) throws {
    let file = "\(shipped)/hardware/\(name).yaml"
    let profile = try HardwareFile.read(file: file)
    #expect(try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").count <= 11)
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

  /// The vendors' data sheets, dense rates; each file names its source. Memory in MiB is what the driver prints.
  @Test func `the shipped rates are those of the data sheets`() throws {
    let mebibyte = 1_048_576.0
    func figures(_ name: String) throws -> [Double?] {
      let profile = try HardwareFile.read(file: "\(shipped)/hardware/\(name).yaml")
      return [
        profile.peaks[.bf16]?.perSecond, profile.peaks[.fp32]?.perSecond, profile.peaks[.int8]?.perSecond,
        profile.peaks[.fp8]?.perSecond, profile.memoryBandwidth.perSecond, Double(profile.memoryBytes),
        profile.boardPower,
      ]
    }
    #expect(try figures("a100-40g") == [312e12, 19.5e12, 624e12, nil, 1.555e12, 40960 * mebibyte, 400])
    #expect(try figures("a100-80g") == [312e12, 19.5e12, 624e12, nil, 2.039e12, 81920 * mebibyte, 400])
    #expect(try figures("h100-sxm") == [989e12, 67e12, 1979e12, 1979e12, 3.35e12, 81559 * mebibyte, 700])
    #expect(try figures("h100-pcie") == [756.5e12, 51e12, 1513e12, 1513e12, 2e12, 81559 * mebibyte, 350])
    #expect(try figures("h200-sxm") == [989e12, 67e12, 1979e12, 1979e12, 4.8e12, 143771 * mebibyte, 700])
    #expect(try figures("b200") == [2250e12, 80e12, 4500e12, 4500e12, 8e12, 183359 * mebibyte, 1000])
    #expect(try figures("l40s") == [362.05e12, 91.6e12, 733e12, 733e12, 864e9, 46068 * mebibyte, 350])
    #expect(try figures("rtx-4090") == [165.2e12, 82.6e12, 660.6e12, 330.3e12, 1.008e12, 24564 * mebibyte, 450])
    #expect(try figures("mi300x") == [1307.4e12, 163.4e12, 2614.9e12, 2614.9e12, 5.3e12, 196592 * mebibyte, 750])
    #expect(try figures("tpu-v5e") == [197e12, nil, 393e12, nil, 819e9, 16e9, nil])
    #expect(try figures("m3-max") == [14.3e12, 14.3e12, nil, nil, 400e9, 128e9, nil])
    #expect(try figures("epyc-2-cores") == [nil, 236.8e9, nil, nil, 460.8e9, 25_769_803_776, nil])
    #expect(try figures("rtx-3090") == [71e12, 35.6e12, 284e12, nil, 936e9, 24576 * mebibyte, 350])
    #expect(try figures("rtx-5090") == [209.5e12, 104.8e12, 838e12, 419e12, 1.792e12, 32607 * mebibyte, 575])
    #expect(try figures("a10") == [125e12, 31.2e12, 250e12, nil, 600e9, 23028 * mebibyte, 150])
    #expect(try figures("l4") == [121e12, 30.3e12, 242.5e12, 242.5e12, 300e9, 23034 * mebibyte, 72])
    #expect(try figures("t4") == [nil, 8.1e12, 130e12, nil, 320e9, 15360 * mebibyte, 70])
    #expect(try figures("v100-16g") == [nil, 15.7e12, nil, nil, 900e9, 16384 * mebibyte, 300])
    #expect(try figures("v100-32g") == [nil, 15.7e12, nil, nil, 900e9, 32768 * mebibyte, 300])
    #expect(try figures("h20") == [148e12, 44e12, 296e12, 296e12, 4e12, 97871 * mebibyte, 400])
    #expect(try figures("gb200") == [2500e12, 90e12, 5000e12, 5000e12, 8e12, 189471 * mebibyte, 1200])
    #expect(try figures("mi250x") == [191.5e12, 47.85e12, 191.5e12, nil, 1.6384e12, 68_702_699_520, 280])
    #expect(try figures("mi355x") == [2516.6e12, 157.3e12, 5033.2e12, 5033.2e12, 8e12, 309_220_868_096, 1400])
    #expect(try figures("gaudi-3") == [1835e12, nil, nil, 1835e12, 3.67e12, 131072 * mebibyte, 900])
    #expect(try figures("m4-max") == [16.16e12, 16.16e12, nil, nil, 546e9, 115_448_725_504, nil])
    #expect(try figures("xeon-8480") == [172.032e12, 10.752e12, 344.064e12, nil, 307.2e9, 524288 * mebibyte, 350])
    #expect(try figures("ryzen-9950x") == [nil, 5.8368e12, nil, nil, 89.6e9, 65536 * mebibyte, 170])
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
  "a10", "a100-40g", "a100-80g", "b200", "epyc-2-cores", "gaudi-3", "gb200", "h100-pcie", "h100-sxm", "h20", "h200-sxm",
  "l4", "l40s", "m3-max", "m4-max", "mi250x", "mi300x", "mi355x", "rtx-3090", "rtx-4090", "rtx-5090", "ryzen-9950x",
  "t4", "tpu-v5e", "v100-16g", "v100-32g", "xeon-8480",
]
