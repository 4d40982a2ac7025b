// swift-tools-version: 6.2
// A package of its own: who builds photon does not fetch the benchmark library.
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let photon: [Target.Dependency] = [.product(name: "PhotonModules", package: "photon")]

let package = Package(
  name: "PhotonBenchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "photon", path: ".."),
    // No traits: allocations are counted by AllocationCount, without a preloaded library.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    .target(name: "AllocationCount"),
    .target(name: "Workbench", dependencies: photon, swiftSettings: strict),
    .executableTarget(
      name: "ratios", dependencies: photon + ["Workbench", "AllocationCount"], swiftSettings: strict),
    .executableTarget(
      name: "serve", dependencies: photon + ["Workbench"], swiftSettings: strict),
    .executableTarget(
      name: "Kernels",
      dependencies: photon + ["Workbench", .product(name: "Benchmark", package: "benchmark")],
      path: "Benchmarks/Kernels",
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
  ]
)
