// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is built alike: Swift 6 mode, explicit existentials and imports, no warnings.
let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let argumentParser: Target.Dependency =
  .product(name: "ArgumentParser", package: "swift-argument-parser")

/// The targets from left to right. Each imports only those that it names here, which SwiftPM checks
/// (`--explicit-target-dependency-import-check error` in the Makefile).
let libraries: [Target] = [
  .systemLibrary(
    name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
  .systemLibrary(
    name: "CDeflate", pkgConfig: "libdeflate",
    providers: [.apt(["libdeflate-dev"]), .brew(["libdeflate"])]),
  .systemLibrary(
    name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
  .systemLibrary(
    name: "CXXHash", pkgConfig: "libxxhash",
    providers: [.apt(["libxxhash-dev"]), .brew(["xxhash"])]),
  .target(name: "CQDedupShims", cSettings: [.treatAllWarnings(as: .error)]),
  .target(name: "DiskIO", dependencies: ["CQDedupShims", system], swiftSettings: swiftSettings),
  .target(
    name: "DiskImage", dependencies: ["CQDedupShims", "DiskIO", system],
    swiftSettings: swiftSettings),
  .target(
    name: "DedupStore", dependencies: ["CXXHash", "CQDedupShims", "DiskIO", system],
    swiftSettings: swiftSettings),
  .target(
    name: "QCOW2", dependencies: ["CZlib", "CDeflate", "CZstd", "DiskIO", "DiskImage", system],
    swiftSettings: swiftSettings),
  .target(
    name: "QDedupKit",
    dependencies: ["CQDedupShims", "DiskIO", "DiskImage", "DedupStore", "QCOW2", system],
    swiftSettings: swiftSettings),
  .executableTarget(
    name: "qdedup",
    dependencies: [
      "CQDedupShims", "QDedupKit", "DiskIO", "DiskImage", "QCOW2", system, argumentParser,
    ],
    swiftSettings: swiftSettings),
]

/// For tests whose time is that of the programs and system calls they run: the compiler takes half as
/// long without optimisation, and need not go through them twice for a module that nobody imports.
let plainSettings =
  swiftSettings + [.unsafeFlags(["-Onone", "-no-emit-module-separately-wmo"])]

/// What the tests share: seeded data, temporary folders, child processes, an independent reader.
let testSupport: Target = .target(
  name: "TestSupport",
  dependencies: ["CXXHash", "CZlib", "CZstd", system],
  path: "Tests/TestSupport", swiftSettings: swiftSettings)

/// One test target a module; the end-to-end tests, which drive the built program; and what crashes
/// leave, which takes both. The end-to-end tests import no module of the program, so that they are
/// compiled beside it.
let tests: [Target] = [
  testTarget("DiskIO", uses: ["CQDedupShims"], settings: plainSettings),
  testTarget("DiskImage", uses: ["DiskIO"], settings: plainSettings),
  testTarget("DedupStore", uses: ["DiskIO"]),
  testTarget("QCOW2", uses: ["DiskIO", "DiskImage"]),
  testTarget("QDedupKit", uses: ["DiskIO", "DiskImage", "DedupStore", "QCOW2"]),
  testTarget("qdedup", uses: ["DiskImage", "QDedupKit"]),
  .testTarget(
    name: "CrashTests", dependencies: ["TestSupport", "DiskImage", "QDedupKit", system],
    swiftSettings: swiftSettings),
  .testTarget(
    name: "EndToEndTests", dependencies: ["TestSupport", system], swiftSettings: plainSettings),
]

func testTarget(
  _ module: String, uses others: [Target.Dependency] = [],
  settings: [SwiftSetting] = swiftSettings
) -> Target {
  .testTarget(
    name: "\(module)Tests",
    dependencies: [.byName(name: module), "TestSupport", system] + others,
    swiftSettings: settings)
}

/// The fuzz targets, which libFuzzer drives; `Tests/Fuzzing/run` sets the variable. Other builds do
/// not see them, for a program without libFuzzer has no use for targets without a `main`.
let fuzzing: [Target] =
  Context.environment["QDEDUP_FUZZ"] == nil
  ? []
  : [
    .target(name: "CFuzzing", path: "Tests/Fuzzing/CFuzzing"),
    .target(
      name: "FuzzedImages", dependencies: ["CFuzzing", "DiskIO", system],
      path: "Tests/Fuzzing/FuzzedImages", swiftSettings: swiftSettings),
    fuzzTarget("Header", uses: ["FuzzedImages", "DiskIO", "DiskImage", "QCOW2"]),
    fuzzTarget("Image", uses: ["FuzzedImages", "DiskIO", "DiskImage", "QCOW2"]),
    fuzzTarget("Snapshots", uses: ["FuzzedImages", "DiskIO", "DiskImage", "QCOW2"]),
    fuzzTarget("Clusters", uses: ["QCOW2"]),
    fuzzTarget("HashStore", uses: ["DedupStore"]),
  ]

func fuzzTarget(_ name: String, uses others: [Target.Dependency]) -> Target {
  .executableTarget(
    name: "Fuzz\(name)", dependencies: others, path: "Tests/Fuzzing/\(name)",
    swiftSettings: swiftSettings + [.unsafeFlags(["-parse-as-library"])])
}

let package = Package(
  name: "qdedup",
  products: [
    .executable(name: "qdedup", targets: ["qdedup"]),
    .library(name: "QDedupKit", targets: ["QDedupKit"]),
    // The parts that benchmarks/micro measures alone, and what their interfaces are made of.
    .library(name: "DiskIO", targets: ["DiskIO"]),
    .library(name: "DiskImage", targets: ["DiskImage"]),
    .library(name: "DedupStore", targets: ["DedupStore"]),
    .library(name: "QCOW2", targets: ["QCOW2"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: libraries + [testSupport] + tests + fuzzing
)
