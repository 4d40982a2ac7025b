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
              let times = pricer.times(on: roofline)
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

  /// All counts and the footprint of a model under each retention at a million tokens, on one core; the prompt differs
  /// from point to point.
  static func caches() throws {
    row("retention", "ns per price", "spread", "ns per footprint", "spread")
    let precision = Precision(weights: .bf16, activations: .bf16, cache: .bf16)
    let full = try preset("llama-3.1-8b")
    for method in Retention.Method.allCases {
      var model = full
      model.setCaches { _ in StackCache(CachePlan(retention: Self.usual(method)), prefillChunk: 32_768) }
      let questions = (0..<64).map {
        Question(model, Workload(promptLength: 1_000_000 + 37 * $0, generatedLength: 1000), precision)
      }
      var pricer = Pricer()
      var (prices, footprints) = (Samples(), Samples())
      var checksum = Int128(0)
      for _ in 0..<11 {
        prices.append(
          try seconds {
            for question in questions {
              try pricer.fill(question)
              checksum &+= pricer.cacheFigures.peakBytes
            }
          } / Double(questions.count) * 1e9)
        footprints.append(
          try seconds { for question in questions { checksum &+= try ModelFootprint(question).stored } }
            / Double(questions.count) * 1e9)
      }
      precondition(checksum != 0)
      row(
        method.rawValue, short(prices.median), percent(prices.spread), short(footprints.median),
        percent(footprints.spread))
    }
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
