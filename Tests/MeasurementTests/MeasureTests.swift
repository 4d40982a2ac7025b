import Architectures
import Quantities
import Reference
import Tensors
import Testing

@testable import Measurement

private let layer = LayerShape(width: 16, heads: 2, feedForward: 32)
private let model = Model.photon(
  vocabulary: 31, layer: layer, tiedHead: false,
  levels: [
    LevelShape(
      chunkLength: 2, conditionLength: 2, layer: layer, encoderLayers: 1, decoderLayers: 1, chunker: .concatenation),
    LevelShape(chunkLength: 2, conditionLength: 1, layer: layer, encoderLayers: 1, decoderLayers: 1, chunker: .linear),
  ])

@Suite struct MeasureTests {
  @Test func `median and spread are those of the repetitions`() {
    let cache = CacheFigures(bytesAfterPrefill: 1, bytesAtEnd: 1, peakBytes: 1, localPeakBytes: 0)
    let workload = Workload(promptLength: 8, generatedLength: 4, batchSize: 2)
    var measurement = Measurement(
      workload: workload, prefillSeconds: [3, 1, 2], decodeSeconds: [2, 2, 2], cache: cache)
    measurement.append(Measurement(workload: workload, prefillSeconds: [4, 5], decodeSeconds: [2, 2], cache: cache))
    #expect(measurement.median(.prefill) == 3)
    // Quartiles 2 and 4: half their distance over the median.
    #expect(abs(measurement.spreadPercent(.prefill) - 100.0 / 3) < 1e-12)
    #expect(measurement.spreadPercent(.decode) == 0)
  }

  @Test func `a run takes time, and its nodes take no more than all of it`() {
    let measured = MeasuredModel(model, seed: 1, threads: 1)
    let workload = Workload(promptLength: 8, generatedLength: 8)
    let run = measured.run(workload)
    #expect(run.prefillSeconds[0] > 0 && run.decodeSeconds[0] > 0)
    #expect(run.cache == measured.run(workload).cache)
    let head = Node(0, .decoder, .head)
    for probe in [nil] + Probe.allCases.map(Optional.some) {
      let times = measured.timeNodes(workload, probe: probe)
      #expect(times.nodes(.decode).allSatisfy { times.median(.decode, $0) > 0 })
      #expect(times.nodes(.decode).contains(head) && !times.nodes(.prefill).contains(head))
      #expect(times.median(.prefill, head) == 0)
    }
    // Nothing is left out afterwards.
    #expect(measured.run(workload).cache == run.cache)
  }

  @Test func `times of nodes add up repetition by repetition`() {
    let measured = MeasuredModel(model, seed: 1, threads: 1)
    let workload = Workload(promptLength: 8, generatedLength: 8)
    var times = NodeTimes()
    #expect(times.nodes(.prefill).isEmpty)
    for _ in 0..<3 { times.append(measured.timeNodes(workload)) }
    #expect(times.nodes(.prefill) == measured.timeNodes(workload).nodes(.prefill))
  }

  @Test func `what the system or the reference kernel says disturbs a run`() {
    func isDisturbed(_ stolen: Double, _ switches: Double, _ ratio: Double) -> Bool {
      Disturbance(stolenShare: stolen, switchesPerSecond: switches, referenceRatio: ratio).isDisturbed
    }
    #expect(!isDisturbed(0, 0, 1))
    #expect(isDisturbed(0.05, 0, 1) && isDisturbed(0, 300, 1) && isDisturbed(0, 0, 2))
    let meter = DisturbanceMeter(threads: 1)
    var runs = 0
    let watched = meter.watch { runs += 1 }
    #expect(runs == 1 && watched.referenceRatio >= 1 && watched.stolenShare >= 0 && meter.referenceSeconds > 0)
  }

  @Test func `a trace times what lies between its dispatches and nothing after its end`() {
    let trace = Trace(levelCount: 0, precision: .float32, timesOperations: true)
    let node = Node(0, .decoder, .head)
    trace.record(.norm(rows: 1, width: 1), at: node, layer: 0)
    trace.phase = .decode
    let ended = trace.time(.prefill, at: node)
    trace.stop()
    #expect(ended > .zero)
    #expect(trace.time(.prefill, at: node) == ended)
    #expect(trace.time(.decode, at: node) == .zero)
  }
}
