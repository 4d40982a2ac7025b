import Foundation
import Hardware
import Quantities
import Testing

@testable import Scenarios

private let sheet = """
  matmul_flops_per_s: {fp32: 67e12, bf16: 989e12}
  elementwise_flops_per_s: 67e12
  memory_bandwidth_bytes_per_s: 4.8e12
  memory_bytes: 141e9

  """

private func parse(_ text: String) throws(ScenarioError) -> HardwareProfile {
  try HardwareFile.parse(text, file: "mine.yaml", name: "mine")
}

/// The diagnostics of a text, one per line.
private func complaints(_ text: String) -> String {
  do {
    _ = try parse(text)
    return "none"
  } catch {
    return error.description
  }
}

/// A profile that uses every member of the format.
private let calibrated = HardwareProfile(
  name: "this-machine", description: "2 cores: \"shared\" \\ noisy", source: "photon calibrate\nsecond line",
  year: 2026,
  peaks: PeakRates([(.fp32, Rate(216.123e9)), (.int8, Rate(0.1 + 0.2))]), elementwise: Rate(7.5e9),
  memoryBandwidth: Rate(18_123_456_789.5),
  caches: [
    CacheLevel(bytes: 1 * 0x1p20, bandwidth: Rate(84e9)), CacheLevel(bytes: 36 * 0x1p20, bandwidth: Rate(26e9)),
  ],
  memoryBytes: 25_769_803_776, reserve: 0.125, fewRows: 12,
  efficiency: {
    var efficiency = PerOperationClass<Efficiency>(repeating: .ideal)
    for (index, operation) in OperationClass.allCases.enumerated() {
      efficiency[operation] = Efficiency(
        compute: SaturatingEfficiency(limit: 1 / Double(index + 2), halfSize: Double(index)),
        bandwidth: 0.9 - 0.1 * Double(index), overhead: Seconds(Double(index) * 1.3e-7))
    }
    return efficiency
  }(),
  stepOverhead: Seconds(2.5e-5),
  calibration: CalibrationSummary(
    rows: 180, parameters: 14, meanAbsolutePercentageError: 4.25,
    residuals: [ResidualQuantile(probability: 0.05, value: -0.08), ResidualQuantile(probability: 0.95, value: 0.11)],
    ranges: [CalibratedRange(property: "batch", lowest: 1, highest: 64)], threads: 2),
  pricePerHour: 0.42, boardPower: 65, hostLink: Rate(16e9), deviceLink: Rate(25e9),
  lastLevelCacheBytes: 36 << 20)

@Suite struct HardwareFileTests {
  @Test func `four keys make a data sheet on which every peak is reached`() throws {
    let profile = try parse(sheet)
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
    let text = HardwareFile.text(calibrated)
    #expect(try HardwareFile.parse(text, file: "this-machine.yaml", name: "this-machine") == calibrated)
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

  @Test func `a file is written whole under its final name and read by it`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "photon-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try HardwareFile.write(calibrated, to: "\(folder)/hardware/this-machine.yaml")
    #expect(try HardwareFile.read(file: "\(folder)/hardware/this-machine.yaml") == calibrated)
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/hardware") == ["this-machine.yaml"])
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
    #expect(try parse(sheet.replacing(line, with: "")).elementwise == Rate(67e12))
    #expect(try parse(sheet.replacing(line, with: "elementwise_flops_per_s: 5e12\n")).elementwise == Rate(5e12))
    #expect(
      complaints(sheet.replacing(line, with: "").replacing("fp32: 67e12, ", with: "")) == """
        mine.yaml:1:1: error: the key elementwise_flops_per_s is missing; accepted: a number above 0, in FLOP/s
        """)
  }

  @Test func `a slipped unit is remarked on and not refused`() throws {
    #expect(HardwareFile.remarks(try parse(sheet + "source: a sheet\nyear: 2024\n")) == [])
    let slipped = sheet.replacing("{fp32: 67e12, bf16: 989e12}", with: "{bf16: 989}").replacing("141e9", with: "141")
    #expect(
      HardwareFile.remarks(try parse(slipped)) == [
        "source: nothing says where the figures come from", "year: nothing says how old the figures are",
        "matmul_flops_per_s.bf16: 989 FLOP/s beside 4.8e12 byte/s is less than 0.1 FLOP for each byte: "
          + "is a rate in G or T?",
        "memory_bytes: 141 bytes are read in less than 0.1 ms: is a figure in GB or TB?",
      ])
  }
}

private let catalogue = [
  "a100-40g", "a100-80g", "b200", "epyc-2-cores", "h100-pcie", "h100-sxm", "h200-sxm", "l40s", "m3-max", "mi300x",
  "rtx-4090", "tpu-v5e",
]

@Suite struct HardwareDiagnosticTests {
  @Test func `missing keys are named with what they accept`() {
    #expect(
      complaints("year: 2024\n") == """
        mine.yaml:1:1: error: the key matmul_flops_per_s is missing; accepted: a rate for each of fp32, bf16, fp16, fp8, int8, int4
        mine.yaml:1:1: error: the key elementwise_flops_per_s is missing; accepted: a number above 0, in FLOP/s
        mine.yaml:1:1: error: the key memory_bandwidth_bytes_per_s is missing; accepted: a number above 0, in byte/s
        mine.yaml:1:1: error: the key memory_bytes is missing; accepted: a whole number of bytes from 1 to 10^15, for example 141e9
        """)
  }

  @Test func `an unknown key is refused with the known ones and a near one`() {
    #expect(
      complaints(sheet + "reserv: 0.1\n") == """
        mine.yaml:5:1: error: reserv: unknown key; accepted: name, description, source, year, matmul_flops_per_s, \
        elementwise_flops_per_s, memory_bandwidth_bytes_per_s, caches, memory_bytes, reserve, few_rows, efficiency, \
        step_overhead_s, sequence_overhead_s, price_usd_per_hour, board_power_w, host_link_bytes_per_s, \
        device_link_bytes_per_s, last_level_cache_bytes, serving, calibration; did you mean reserve?
        """)
  }

  @Test func `an unknown element type is refused`() {
    #expect(
      complaints(sheet.replacing("fp32: 67e12", with: "fp64: 67e12")) == """
        mine.yaml:1:22: error: matmul_flops_per_s.fp64: unknown key; accepted: fp32, bf16, fp16, fp8, int8, int4
        """)
  }

  @Test(arguments: [
    ("-1", "-1"), ("0", "0"), (".nan", "\".nan\""), ("nan", "nan"), (".inf", "\".inf\""), ("1e999", "1e999"),
    ("fast", "\"fast\""), ("\"5\"", "\"5\""), ("[1]", "a list of 1"), ("{a: 1}", "a mapping"), ("", "nothing"),
  ])
  func `a rate is a finite number above zero`(written: String, shown: String) {
    #expect(
      complaints(sheet.replacing("bytes_per_s: 4.8e12", with: "bytes_per_s: \(written)"))
        .replacing(/^mine.yaml:\d+:\d+/, with: "mine.yaml")
        == "mine.yaml: error: memory_bandwidth_bytes_per_s: found \(shown); accepted: a number above 0, in byte/s")
  }

  @Test func `positions point at the value`() {
    #expect(
      complaints(sheet.replacing("bf16: 989e12", with: "bf16: -2")) == """
        mine.yaml:1:41: error: matmul_flops_per_s.bf16: found -2; accepted: a number above 0, in FLOP/s
        """)
  }

  @Test(arguments: ["0", "1.5", "-1", "2e15", "141GB"])
  func `memory is a whole number of bytes`(written: String) {
    let shown = Double(written) == nil ? "\"\(written)\"" : written
    #expect(
      complaints(sheet.replacing("141e9", with: written)) == """
        mine.yaml:4:15: error: memory_bytes: found \(shown); accepted: a whole number of bytes from 1 to 10^15, for \
        example 141e9
        """)
  }

  @Test func `no rate at all is refused`() {
    #expect(
      complaints(sheet.replacing("{fp32: 67e12, bf16: 989e12}", with: "{}")) == """
        mine.yaml:1:21: error: matmul_flops_per_s: found no rate; accepted: at least one of fp32, bf16, fp16, fp8, \
        int8, int4
        """)
  }

  @Test func `a name that is not the file's is refused`() {
    #expect(
      complaints("name: other\n" + sheet)
        == "mine.yaml:1:7: error: name: found \"other\"; accepted: mine, the name of the file")
  }

  @Test func `shares and overheads have their ranges`() {
    let text =
      sheet + """
        reserve: 1
        few_rows: -1
        step_overhead_s: -1e-6
        year: 20240
        efficiency:
          matrix_product: {compute: 1.2, half_size: -3, bandwidth: 0}
          attention: {compute: 1}

        """
    #expect(
      complaints(text) == """
        mine.yaml:5:10: error: reserve: found 1; accepted: a share from 0 to below 1
        mine.yaml:6:11: error: few_rows: found -1; accepted: an integer from 0 to 65536
        mine.yaml:7:18: error: step_overhead_s: found -1e-6; accepted: a number of at least 0
        mine.yaml:8:7: error: year: found 20240; accepted: an integer from 1900 to 2100
        mine.yaml:10:29: error: efficiency.matrix_product.compute: found 1.2; accepted: a share above 0 and at most 1
        mine.yaml:10:45: error: efficiency.matrix_product.half_size: found -3; accepted: a number of at least 0
        mine.yaml:10:60: error: efficiency.matrix_product.bandwidth: found 0; accepted: a share above 0 and at most 1
        mine.yaml:11:3: error: efficiency.attention: unknown key; accepted: matrix_product, few_row_product, \
        attention_prefill, attention_decode, elementwise; did you mean attention_prefill?
        """)
  }

  @Test func `caches grow`() {
    let text =
      sheet + """
        caches:
          - {bytes: 1048576, bandwidth_bytes_per_s: 84e9}
          - {bytes: 1048576, bandwidth_bytes_per_s: 26e9}
          - {bytes: 36e6}

        """
    #expect(
      complaints(text) == """
        mine.yaml:7:13: error: caches[2].bytes: found 1048576; accepted: more than the 1048576 of the level before
        mine.yaml:8:5: error: caches[3]: the key bandwidth_bytes_per_s is missing; accepted: a number above 0, in byte/s
        """)
  }

  @Test func `a calibration says how large its error is and its quantiles ascend`() {
    let text =
      sheet + """
        calibration:
          rows: 10
          parameters: 2
          residual_quantiles: [{probability: 0.9, value: 0}, {probability: 0.1, value: 0}]

        """
    #expect(
      complaints(text) == """
        mine.yaml:6:3: error: calibration: the key mape_percent is missing; accepted: a number of at least 0
        mine.yaml:8:68: error: calibration.residual_quantiles[2].probability: found 0.1; accepted: a probability \
        from 0 to 1, ascending
        """)
  }
}

@Suite struct HardwareLibraryTests {
  @Test func `shipped profiles are listed by name and found in any spelling`() throws {
    let library = HardwareLibrary(files: ScenarioFiles(), directory: shipped)
    let names = library.entries().map(\.name)
    #expect(names == names.sorted())
    #expect(Set(names).isSuperset(of: ["a100-80g", "h100-sxm", "h200-sxm", "rtx-4090"]))
    for spelling in ["h100-sxm", "h100_sxm", "H100-SXM"] {
      #expect(try library.profile(spelling, at: Position(file: "s.yaml")).name == "h100-sxm")
    }
  }

  @Test func `an unknown profile is refused with the known ones and a near one`() {
    let library = HardwareLibrary(files: ScenarioFiles(), directory: shipped)
    let error = #expect(throws: ScenarioError.self) {
      try library.profile("h100-smx", at: Position(file: "s.yaml", line: 3, column: 12), path: "hardware[1]")
    }
    let names = library.entries().map(\.name).joined(separator: ", ")
    #expect(
      error?.description
        == "s.yaml:3:12: error: hardware[1]: there is no hardware profile \"h100-smx\"; accepted: \(names); "
        + "did you mean h100-sxm?")
  }

  @Test func `a user's profile is found after the shipped ones`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "photon-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let environment = ["XDG_CONFIG_HOME": folder, "PHOTON_HOME": "/nowhere"]
    let paths = HardwareLibrary.searchPaths(environment: environment)
    #expect(paths == ["/nowhere/scenarios", "\(folder)/photon"])
    let user = try #require(HardwareLibrary.userFolder(environment: environment))
    try HardwareFile.write(calibrated, to: "\(user)/this-machine.yaml")
    let library = HardwareLibrary(files: ScenarioFiles(searchPaths: paths), directory: shipped)
    #expect(try library.profile("this-machine", at: Position(file: "s.yaml")) == calibrated)
  }

  @Test func `the user's folder follows the XDG rules`() {
    #expect(HardwareLibrary.userFolder(environment: ["HOME": "/home/a"]) == "/home/a/.config/photon/hardware")
    #expect(
      HardwareLibrary.userFolder(environment: ["HOME": "/home/a", "XDG_CONFIG_HOME": "relative"])
        == "/home/a/.config/photon/hardware")
    #expect(HardwareLibrary.userFolder(environment: [:]) == nil)
  }
}
