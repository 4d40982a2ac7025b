import Architectures
import Benchmark
import CKernels
import Formulas
import Hardware
import Quantities
import Reference
import Tensors
import Workbench

/// Percentiles of the steps that everything else is made of; `ratios` compares them with peers.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock], warmupIterations: 3, maxDuration: .seconds(2), maxIterations: 100_000)
  pricingBenchmarks()
  referenceBenchmarks()
}

private func pricingBenchmarks() {
  for name in ["photon-600m", "block-600m", "vanilla-600m"] {
    Benchmark(
      "price \(name)", configuration: .init(metrics: [.wallClock], scalingFactor: .kilo, maxDuration: .seconds(2))
    ) { benchmark in
      let model = try preset(name)
      let precision = Precision(weights: .bf16, activations: .bf16, cache: .bf16)
      var pricer = Pricer()
      benchmark.startMeasurement()
      for index in benchmark.scaledIterations {
        let workload = Workload(promptLength: 1000 + index, generatedLength: 128)
        blackHole(try pricer.price(Question(model, workload, precision)))
      }
    }
  }
}

private func referenceBenchmarks() {
  for name in ["photon-tiny", "block-tiny", "vanilla-tiny"] {
    for phase in Phase.allCases {
      Benchmark("\(name) \(phase.rawValue) of 64 tokens") { benchmark in
        setKernelThreads(1)
        let weights = ModelWeights(try preset(name), seed: 1, holdsNumbers: true)
        let run = Run(weights, Workload(promptLength: 64, generatedLength: 64))
        _ = run.time()
        let session = makeSession(weights, workload: run.workload, machine: run.machine)
        if phase == .prefill { benchmark.startMeasurement() }
        session.prefill(run.prompts)
        if phase == .prefill { benchmark.stopMeasurement() } else { benchmark.startMeasurement() }
        if phase == .decode { blackHole(session.generate()) }
      }
    }
  }
}
