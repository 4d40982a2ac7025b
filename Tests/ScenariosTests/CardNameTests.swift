import Hardware
import Testing

@testable import Scenarios

private let files = ScenarioFiles(searchPaths: [shipped])

private func found(_ name: String) -> String? { files.find(.hardware, named: name, from: "/nowhere") }

private func complaint(_ name: String) -> String {
  do {
    let library = HardwareLibrary(files: files, directory: "/nowhere")
    return try library.profile(name, at: Position(file: "s.yaml", line: 1), path: "hardware").name
  } catch { return "\(error)" }
}

@Suite struct CardNameTests {
  // What nvidia-smi prints of five cards, and what people type.
  @Test(arguments: [
    ("NVIDIA H100 80GB HBM3", "h100-sxm"), ("A100-SXM4-80GB", "a100-80g"), ("NVIDIA GeForce RTX 4090", "rtx-4090"),
    ("H200", "h200-sxm"), ("a100_sxm", "a100-80g"), ("Tesla T4", "t4"), ("NVIDIA-A100-SXM4-40GB", "a100-40g"),
    ("AMD Instinct MI300X", "mi300x"), ("A100 80 GB", "a100-80g"), ("h100 sxm 80 gb", "h100-sxm"),
    ("h200_sxm", "h200-sxm"), ("Apple M4 Max", "m4-max"),
  ])
  func `a name that people type is found`(name: String, profile: String) throws {
    let file = try #require(found(name))
    #expect(file.hasSuffix("/hardware/\(profile).yaml"))
    #expect(ScenarioFiles.canonical(name) == profile)
  }

  @Test func `every spelling reaches a profile that is shipped, and only one`() {
    var seen: [String: String] = [:]
    for card in CardNames.spellings {
      #expect(found(card.profile) != nil, "\(card.profile)")
      for name in card.names {
        #expect(
          seen.updateValue(card.profile, forKey: CardName(name).normalised) ?? card.profile == card.profile, "\(name)")
        #expect(found(name) == found(card.profile), "\(name)")
      }
    }
    for (name, meant) in CardNames.ambiguous { #expect(found(name) == nil && meant.allSatisfy { found($0) != nil }) }
    for (name, kin) in CardNames.kin { #expect(found(name) == nil && found(kin.profile) != nil) }
  }

  @Test func `a card without a profile is told from its kin`() {
    #expect(
      complaint("NVIDIA A10G").hasPrefix(
        "s.yaml:1:1: error: hardware: there is no hardware profile \"NVIDIA A10G\", a card unlike a10: about 70e12 in bf16, 300 W; "
      ))
    #expect(
      complaint("H100")
        == "s.yaml:1:1: error: hardware: more than one card is called \"H100\"; accepted: h100-sxm, h100-pcie")
  }

  @Test(arguments: [
    ("h200-smx", "h200-sxm"), ("rtx-4090x", "rtx-4090"), ("m3max", "m3-max"), ("h200x", "h200-sxm"),
    ("gaudi3x", "gaudi-3"),
  ])
  func `a slip leads to the same card`(name: String, profile: String) {
    #expect(complaint(name).hasSuffix("did you mean \(profile)?"))
  }

  @Test(arguments: ["h201", "b100", "a20", "rtx-4080", "mi210"])
  func `another number is another card`(name: String) {
    #expect(complaint(name).contains("there is no hardware profile") && !complaint(name).contains("did you mean"))
  }
}
