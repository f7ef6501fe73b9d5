// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

/// A library module of ours: its folder below `Sources` and what it may import.
func module(
  _ name: String, path: String? = nil, _ dependencies: [Target.Dependency] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/\(path ?? name)",
    swiftSettings: settings)
}

/// The tests of one module, in `Tests/<name>`.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: settings)
}

let package = Package(
  name: "viridian",
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
  ],
  targets: [
    .systemLibrary(name: "CCurl", path: "Sources/CCurl", pkgConfig: "libcurl"),
    .systemLibrary(name: "CGit2", path: "Sources/CGit2", pkgConfig: "libgit2"),
    module("Model", [crypto]),
    module("PlatformKit", ["Model"]),
    module("GitSource", ["CGit2", "Model", "Transport", crypto]),
    module("LedgerKit", ["Model"]),
    module("Planning", ["Model"]),
    module("Transport", ["CCurl"]),

    .executableTarget(
      name: "source-worker-fixture", dependencies: ["GitSource", "Model"],
      path: "Tests/SourceWorkerFixture", swiftSettings: settings),
    .target(
      name: "Support", dependencies: ["CGit2"], path: "Tests/Support", swiftSettings: settings),
    tests("GitSourceTests", ["GitSource", "Model", "Support", "source-worker-fixture"]),
    tests("ModelTests", ["Model"]),
    tests("TransportTests", ["Support", "Transport"]),
  ]
)
