import Architectures
import Hardware
import Quantities
import Reports
import Scenarios

/// A machine with round numbers: 4 FLOP per byte at the ridge, so that small models can be bound by arithmetic.
let machine = HardwareProfile(
  name: "round", description: "round numbers",
  peaks: PeakRates([(.bf16, Rate(4e12)), (.fp32, Rate(4e12))]), elementwise: Rate(4e12), memoryBandwidth: Rate(1e12),
  memoryBytes: 8_000_000_000)

/// A two-level PHOTON with its one-level and vanilla relatives, none above a few million parameters.
func small(
  decoderLayers: Int = 1, chunks: String = "4", conditions: String = "2", prompt: String = "256", generate: Int = 64,
  batch: String = "1",
  extra: String = ""
) -> String {
  let level = "{chunk: \(chunks), condition: \(conditions), encoder_layers: 1, decoder_layers: \(decoderLayers)}"
  let base = "vocabulary: 500, width: 64, heads: 4, feed_forward: 160"
  return """
    name: small
    model:
      architecture: photon
      vocabulary: 500
      width: 64
      heads: 4
      feed_forward: 160
      levels:
        - \(level)
        - {chunk: 4, condition: 2, encoder_layers: 1, decoder_layers: 1}
    compare:
      - {architecture: block, \(base), levels: [{chunk: 4, condition: 2, encoder_layers: 2, decoder_layers: 2}]}
      - {architecture: vanilla, \(base), layers: 4}
    workload: {prompt: \(prompt), generate: \(generate), batch: \(batch)}
    \(extra)
    """
}

func scenario(_ text: String) throws -> Scenario {
  try Scenario(
    text: text, file: "small.yaml", options: ScenarioOptions(figures: reportFigureNames, checksHardware: false))
}

func subject(_ text: String = small(), on profiles: [HardwareProfile] = [machine]) throws -> ReportSubject {
  try ReportSubject(try scenario(text), on: profiles, command: "photon report small.yaml")
}
