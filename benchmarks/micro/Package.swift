// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that what it needs is no dependency of qdedup.

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A module of qdedup.
func qdedup(_ module: String) -> Target.Dependency { .product(name: module, package: "qdedup") }

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

let package = Package(
  name: "micro",
  dependencies: [
    .package(name: "qdedup", path: "../.."),
    // Without traits: neither a malloc nor a runtime interposer, which would be measured too.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    .target(
      name: "Simulation", dependencies: [qdedup("DedupStore"), qdedup("DiskIO"), system],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "Micro",
      dependencies: [
        "Simulation", qdedup("DedupStore"), qdedup("DiskIO"), qdedup("DiskImage"),
        qdedup("QCOW2"), qdedup("QDedupKit"), system,
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/Micro", swiftSettings: swiftSettings,
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    .executableTarget(
      name: "scale",
      dependencies: [
        "Simulation", qdedup("DedupStore"), qdedup("DiskIO"), system,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swiftSettings),
  ]
)
