// swift-tools-version: 6.2
import PackageDescription

/// Every target is built in Swift 6 mode and with warnings as errors, so a clean build is a lint of its own.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// Hot loops in Swift are few and short; whole-module optimisation of the release build is enough for them.
/// The vector kernels are C because Swift cannot compile one function for several instruction sets.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
  name: "photon",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "photon", targets: ["photon"]),
    // For Benchmarks/, which is a package of its own.
    .library(
      name: "PhotonModules",
      targets: [
        "GSL", "Quantities", "Architectures", "Hardware", "Formulas", "CKernels", "Tensors", "Reference", "Training",
        "Scenarios",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    // The command `swift package generate-documentation`; nothing that is built depends on it.
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CGSL", pkgConfig: "gsl", providers: [.apt(["libgsl-dev", "libopenblas-dev"])]),
    .target(name: "CKernels"),

    module("GSL", ["CGSL", "Quantities"]),
    module("Quantities"),
    module("Architectures", ["Quantities"]),
    module("Hardware", ["Quantities"]),
    module("Formulas", ["Quantities", "Architectures", "Hardware"]),
    module("Tensors", ["Quantities", "Architectures", "CGSL", "CKernels"]),
    module("Reference", ["Quantities", "Architectures", "Tensors", "GSL"]),
    module("Training", ["Quantities", "Architectures", "Tensors", "Reference", "GSL", "CKernels"]),
    module("Serving", ["Quantities", "Architectures", "Hardware", "Formulas", "GSL"]),
    module(
      "Scenarios",
      ["Quantities", "Architectures", "Hardware", "Serving", .product(name: "Yams", package: "Yams")]),
    module(
      "Measurement",
      ["Quantities", "Architectures", "Hardware", "Tensors", "Reference", "GSL", "CKernels"]),
    module(
      "Validation",
      [
        "Quantities", "Architectures", "Hardware", "Formulas", "Tensors", "Reference",
        "Measurement", "GSL",
      ]),
    module("ServingRows", ["Quantities", "Architectures", "Hardware", "Formulas", "Scenarios", "GSL"]),
    module("Rendering", ["Quantities", .product(name: "Subprocess", package: "swift-subprocess")]),
    module(
      "Reports",
      ["Quantities", "Architectures", "Hardware", "Formulas", "Scenarios", "ServingRows", "Rendering", "GSL"]),
    module(
      "Experiments",
      [
        "Quantities", "Architectures", "Hardware", "Formulas", "Tensors", "Training", "Scenarios", "Measurement",
        "Validation",
        "Rendering", "Reports", "GSL", .product(name: "Subprocess", package: "swift-subprocess"),
      ]),
    .executableTarget(
      name: "photon",
      dependencies: [
        "Quantities", "Architectures", "Hardware", "Formulas", "Tensors", "Reference", "Training",
        "Scenarios", "Measurement", "Validation", "ServingRows", "Serving", "Rendering", "Reports", "Experiments",
        "GSL",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: strict),

    // Models that several test targets ask about.
    .target(
      name: "TestModels", dependencies: ["Quantities", "Architectures"], path: "Tests/TestModels", swiftSettings: strict
    ),
    // Changed texts of every format: `./check` runs it for a minute.
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "Quantities", "Architectures", "Hardware", "Formulas", "Reference", "Training", "Scenarios", "ServingRows",
        "Rendering", "Reports", "Experiments", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ], path: "Tests/Fuzz", swiftSettings: strict),
    // Where tests keep their files.
    .target(name: "TestFolders", path: "Tests/TestFolders", swiftSettings: strict),
    tests("GSLTests", ["GSL", "Quantities"]),
    tests("ArchitecturesTests", ["Quantities", "Architectures"]),
    tests("FormulasTests", ["Quantities", "Architectures", "Hardware", "Formulas", "TestModels"]),
    tests("TensorsTests", ["Quantities", "Architectures", "Tensors", "CKernels", "GSL"]),
    tests("ReferenceTests", ["Quantities", "Architectures", "Tensors", "Reference", "GSL", "TestModels"]),
    tests(
      "TrainingTests",
      ["TestFolders", "Quantities", "Architectures", "Tensors", "Reference", "Training", "GSL", "TestModels"]),
    tests("ScenariosTests", ["TestFolders", "Quantities", "Architectures", "Hardware", "Scenarios", "TestModels"]),
    tests(
      "ValidationTests",
      [
        "Quantities", "Architectures", "Hardware", "Formulas", "Tensors", "Reference", "Training",
        "Scenarios", "Measurement", "Validation", "TestModels",
      ]),
    tests(
      "ServingRowsTests",
      ["Quantities", "Architectures", "Hardware", "Formulas", "Scenarios", "ServingRows", "GSL", "TestModels"]),
    tests(
      "ServingTests", ["Quantities", "Architectures", "Hardware", "Formulas", "GSL", "Serving", "TestModels"]),
    tests(
      "MeasurementTests", ["Quantities", "Architectures", "Hardware", "Tensors", "Reference", "Measurement"]),
    tests("RenderingTests", ["TestFolders", "Quantities", "Rendering"]),
    tests(
      "ReportsTests",
      [
        "TestFolders",
        "Quantities", "Architectures", "Hardware", "Formulas", "Scenarios", "ServingRows", "Rendering", "Reports",
        "GSL",
      ]),
    // What does not exist: patches, and the script that builds a copy with them.
    .testTarget(
      name: "GhostTests", exclude: ["method.patch", "family.patch", "method.yaml", "family.yaml", "run"],
      swiftSettings: strict),
    // Habits that the compiler does not see.
    tests("TidyTests", []),
    tests(
      "CommandTests", ["TestFolders", "photon", "Fuzz", .product(name: "Subprocess", package: "swift-subprocess")]),
  ]
)
