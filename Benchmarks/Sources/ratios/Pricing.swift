import Architectures
import Formulas
import Foundation
import Hardware
import Quantities
import Workbench

extension Ratios {
  /// All counts of one point with the plain roofline of both phases, on one core; no two points that follow each other
  /// are equal.
  static func pricing() throws {
    row("model", "ns per point", "spread")
    let profile = HardwareProfile(
      name: "example", peaks: PeakRates([(.bf16, Rate(1e15))]), elementwise: Rate(1e14), memoryBandwidth: Rate(4e12),
      memoryBytes: 1 << 37)
    let precision = Precision(weights: .bf16, activations: .bf16, cache: .bf16)
    let roofline = try Roofline(profile, precision)
    let workloads = (1...64).map { Workload(promptLength: 1000 + 37 * $0, generatedLength: 100 + $0, batchSize: $0) }
    for name in ["photon-600m", "block-600m", "vanilla-600m"] {
      let model = try preset(name)
      var pricer = Pricer()
      var times = Samples()
      var (checksum, bytes) = (0.0, Int64(0))
      for _ in 0..<21 {
        let time = try seconds {
          for _ in 0..<1000 {
            for workload in workloads {
              try pricer.fill(Question(model, workload, precision))
              let times = pricer.times(on: roofline.together)
              checksum += times.prefill.time.value + times.decode.time.value
              bytes &+= Int64(truncatingIfNeeded: pricer.cacheFigures.peakBytes)
            }
          }
        }
        times.append(time / Double(1000 * workloads.count) * 1e9)
      }
      precondition(checksum.isFinite && bytes > 0)
      row(name, short(times.median), percent(times.spread))
    }
  }

  /// All counts, and counts and footprint, of a model under each retention at a million tokens, on one core; the prompt
  /// differs from point to point, the model is the same for all points of a row.
  static func caches() throws {
    row("caches", "ns per price", "spread", "ns per footprint", "spread")
    let precision = Precision(weights: .bf16, activations: .bf16, cache: .bf16)
    let rounds = 20
    for (name, model) in try cachedModels() {
      let questions = (0..<64).map {
        Question(model, Workload(promptLength: 1_000_000 + 37 * $0, generatedLength: 1000), precision)
      }
      var pricer = Pricer()
      var (prices, footprints) = (Samples(), Samples())
      var checksum = Int128(0)
      func perPoint(_ point: (Question) throws -> Void) rethrows -> Double {
        try seconds { for _ in 0..<rounds { for question in questions { try point(question) } } }
          / Double(rounds * questions.count) * 1e9
      }
      for _ in 0..<21 {
        prices.append(
          try perPoint {
            try pricer.fill($0)
            checksum &+= pricer.totals.decode.cacheReadBits &+ pricer.cacheFigures.peakBytes
          })
        footprints.append(try perPoint { checksum &+= try pricer.footprint($0).stored })
      }
      precondition(checksum != 0)
      row(name, short(prices.median), percent(prices.spread), short(footprints.median), percent(footprints.spread))
    }
  }

  /// Every method in the 32 layers of a vanilla model; what takes longest with entries of two forms, and in a hierarchy.
  private static func cachedModels() throws -> [(String, Model)] {
    func with(_ retention: Retention, _ entry: EntryForm = .keyAndValue, in model: Model) -> Model {
      var model = model
      model.setCaches { _ in StackCache(CachePlan(retention: retention, entry: entry), prefillChunk: 32_768) }
      return model
    }
    let (vanilla, photon) = (try preset("llama-3.1-8b"), try preset("photon-600m"))
    let int4 = EntryForm.quantised(Quantisation(format: .int4, residual: 64))
    let pyramid = usual(.pyramidKV)
    return Retention.Method.allCases.map { ($0.rawValue, with(usual($0), in: vanilla)) } + [
      ("pyramidkv, int4", with(pyramid, int4, in: vanilla)), ("pyramidkv, photon-600m", with(pyramid, in: photon)),
    ]
  }

  /// A method as its authors have it, with budgets of about two thousand entries where they have none.
  private static func usual(_ method: Retention.Method) -> Retention {
    switch method {
    case .everything: .everything
    case .slidingWindow: .slidingWindow(2048)
    case .streaming: .streaming(Streaming())
    case .heavyHitters: .heavyHitters(HeavyHitters())
    case .snapKV: .snapKV(SnapKV())
    case .pyramidKV: .pyramidKV(PyramidKV())
    case .chunked: .chunked(ChunkedEviction(sparsity: 0.7))
    }
  }

  /// A million points to CSV by the built tool, its start included.
  static func sweep() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardizedFileURL
    let tool = root.appending(path: ".build/release/photon")
    let output = FileManager.default.temporaryDirectory.appending(path: "photon-sweep-\(getpid()).csv")
    defer { try? FileManager.default.removeItem(at: output) }
    row("points", "s", "spread", "MB")
    var times = Samples()
    for _ in 0..<5 {
      let process = Process()
      process.executableURL = tool
      process.arguments = ["sweep", root.appending(path: "Benchmarks/million.yaml").path, "-o", output.path]
      process.environment = ["PHOTON_HOME": root.path]
      process.standardError = FileHandle.nullDevice
      var failure: (any Error)?
      let time = seconds {
        do { try process.run() } catch { failure = error }
        process.waitUntilExit()
      }
      if let failure { throw failure }
      precondition(process.terminationStatus == 0, "the sweep failed: build the tool with ./photon --help first")
      times.append(time)
    }
    let text = try Data(contentsOf: output, options: .mappedIfSafe)
    let lines = text.reduce(into: 0) { $0 += $1 == UInt8(ascii: "\n") ? 1 : 0 }
    row("\(lines - 1)", short(times.median), percent(times.spread), "\(text.count / 1_000_000)")
  }
}
