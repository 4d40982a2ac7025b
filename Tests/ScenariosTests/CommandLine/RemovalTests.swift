import Architectures
import Scenarios
import Testing

/// `--set key=` takes a key away, whichever it is.
struct RemovalTests {
  typealias Section = (name: String, keys: [(String, String)])

  static let level = "{chunk: 4, condition: 2, encoder_layers: 1, decoder_layers: 1}"

  static let sections: [Section] = [
    (
      "model",
      [
        ("architecture", "photon"), ("vocabulary", "100"), ("feed_forward", "64"),
        ("levels", "[\(level), \(level)]"), ("width", "128"), ("heads", "8"), ("key_value_heads", "2"),
        ("head_width", "4"),
        ("feed_forward_kind", "two-matrix"), ("tied_head", "true"), ("decoder_input", "encoder-state"),
        ("generation", "recursive"), ("retain_conditions", "true"),
        ("cache", "{retention: streaming, sinks: 2, window: 8, positions: cache, prefill_chunk: 16}"),
      ]
    ),
    ("workload", [("prompt", "[64, 128]"), ("generate", "7"), ("batch", "[1, 2]"), ("continuations", "3")]),
    ("precision", [("weights", "fp32"), ("activations", "fp16"), ("cache", "fp8")]),
    ("objective", [("minimise", "decode.time_s"), ("subject_to", "[prefill.time_s < 1]")]),
    (
      "measure",
      [
        ("repetitions", "7"), ("warmup", "2"), ("threads", "1"), ("doubled", "false"), ("fitted_share", "0.5"),
        ("seed", "3"),
        ("points", "[{prompt: 4}]"),
      ]
    ),
  ]
  static let plain = [
    ("name", "x"), ("hardware", "[h100-sxm, h200-sxm]"), ("compare", "[base-wide]"), ("constraints", "[batch < 2]"),
    ("devices", "2"),
  ]

  static func text(_ sections: [Section], _ plain: [(String, String)]) -> String {
    sections.map { section in
      "\(section.name): {" + section.keys.map { "\($0.0): \($0.1)" }.joined(separator: ", ") + "}\n"
    }.joined() + plain.map { "\($0.0): \($0.1)\n" }.joined()
  }

  /// Everything that a scenario says, or what is wrong with it, without places.
  static func said(_ fixture: Fixture, _ text: String, _ overrides: [String] = []) -> String {
    do {
      let scenario = try Scenario(
        text: text, file: fixture.path + "/s.yaml", options: .init(overrides: overrides, checksHardware: false))
      let points = scenario.grid.points.map { "\($0.question) \($0.axisValues)" }
      return [
        "\(scenario.name)", "\(scenario.hardware.map(\.name))", "\(scenario.devices)", "\(scenario.compare)",
        "\(scenario.objective as Any)", "\(scenario.measure)", points.joined(separator: "\n"),
      ].joined(separator: "\n")
    } catch {
      return error.diagnostics.map { "\($0.path): \($0.found)" }.sorted().joined(separator: "\n")
    }
  }

  @Test func `a scenario says the same where a key is taken away as where it never was`() throws {
    let fixture = try Fixture.library()
    let whole = Self.text(Self.sections, Self.plain)
    #expect(Self.said(fixture, whole).contains("continuations: 3"), "\(Self.said(fixture, whole))")
    for (index, section) in Self.sections.enumerated() {
      var without = Self.sections
      without.remove(at: index)
      if section.name != "model" {
        #expect(Self.said(fixture, whole, ["\(section.name)="]) == Self.said(fixture, Self.text(without, Self.plain)))
      }
      for key in section.keys.indices {
        var without = Self.sections
        let name = without[index].keys.remove(at: key).0
        let written = Self.said(fixture, Self.text(without, Self.plain))
        #expect(Self.said(fixture, whole, ["\(section.name).\(name)="]) == written, "\(section.name).\(name)=")
      }
    }
    for key in Self.plain.indices {
      var without = Self.plain
      let name = without.remove(at: key).0
      #expect(
        Self.said(fixture, whole, ["\(name)="]) == Self.said(fixture, Self.text(Self.sections, without)), "\(name)=")
    }
  }

  @Test func `keys of caches and levels, and elements of lists, are taken away too`() throws {
    let fixture = try Fixture.library()
    func text(_ cache: String, _ level: String, _ constraints: String) -> String {
      """
      model:
        architecture: photon
        vocabulary: 100
        width: 64
        heads: 4
        feed_forward: 128
        cache: {\(cache)}
        levels: [{chunk: 4, condition: 2, encoder_layers: 1, decoder_layers: 1\(level)}, \(Self.level)]
      workload: {prompt: [4, 8]}
      constraints: [\(constraints)]

      """
    }
    let cache = "retention: streaming, sinks: 2, window: 8"
    let level = ", heads: 2, cache: {retention: streaming, sinks: 1, window: 4}"
    let whole = text(cache, level, "prompt > 4, prompt < 9")
    for (overrides, same) in [
      (["model.cache.sinks="], text("retention: streaming, window: 8", level, "prompt > 4, prompt < 9")),
      (["model.cache="], text("", level, "prompt > 4, prompt < 9")),
      (["model.levels[1].heads="], text(cache, level.replacing(", heads: 2", with: ""), "prompt > 4, prompt < 9")),
      (["model.levels[1].cache="], text(cache, ", heads: 2", "prompt > 4, prompt < 9")),
      (
        ["model.levels[1].cache.sinks="], text(cache, level.replacing(" sinks: 1,", with: ""), "prompt > 4, prompt < 9")
      ),
      (["workload.prompt[2]=", "constraints="], text(cache, level, "").replacing("[4, 8]", with: "[4]")),
      (["constraints[1]="], text(cache, level, "prompt < 9")),
      (["workload.prompt=", "constraints="], text(cache, level, "").replacing("{prompt: [4, 8]}", with: "{}")),
    ] {
      #expect(Self.said(fixture, whole, overrides) == Self.said(fixture, same), "\(overrides)")
      #expect(Self.said(fixture, whole, overrides) != Self.said(fixture, whole), "\(overrides)")
    }
  }

  @Test(arguments: [
    "nonsense", "workload.nonsense", "precision.nonsense", "measure.nonsense", "model.nonsense", "model.cache.nonsense",
    "model.levels[1].nonsense", "objective.nonsense",
  ])
  func `a key that does not exist cannot be taken away`(key: String) throws {
    let complaint = try Fixture.library().complaints(
      Self.text(Self.sections, Self.plain), overrides: ["\(key)="], checksHardware: false)
    #expect(complaint.contains("error: \(key): unknown key; accepted: "), "\(complaint)")
  }
}
