// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
  // Debug builds too: tests plan thousands of passes and run dozens of agents on two cores.
  .unsafeFlags(["-O"], .when(configuration: .debug)),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let arguments = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let lifecycle = Target.Dependency.product(
  name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(
  name: "UnixSignals", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

/// A library module of ours: its folder below `Sources` and what it may import.
func module(
  _ name: String, path: String? = nil, _ dependencies: [Target.Dependency] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/\(path ?? name)",
    swiftSettings: settings)
}

/// The tests of one module, in `Tests/<name>`.
func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude,
    swiftSettings: settings)
}

let package = Package(
  name: "viridian",
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    // No traits: nothing of them is used, and with two of them the flags' order changes from build to
    // build, so that every second one compiles Hummingbird again.
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
  ],
  targets: [
    .systemLibrary(name: "CArchive", path: "Sources/CArchive", pkgConfig: "libarchive"),
    .systemLibrary(name: "CCurl", path: "Sources/CCurl", pkgConfig: "libcurl"),
    .systemLibrary(name: "CGit2", path: "Sources/CGit2", pkgConfig: "libgit2"),
    .target(name: "CHost", path: "Sources/CHost"),
    module(
      "Agent",
      [
        "Alerts", "GitSource", "LedgerKit", "Manifest", "Model", "Planning", "PlatformKit",
        "Transport", crypto, lifecycle, logging,
      ]),
    module("Alerts", ["LedgerKit", "Model", crypto, logging]),
    module("Analysis"),
    module("Display", ["LedgerKit", "Model", yams]),
    module("GitSource", ["CGit2", "CHost", "Model", "Transport", crypto]),
    module("HAProxyRouter", path: "Routers/HAProxy", ["Model", "PlatformKit"]),
    module("KeeperKit", ["CHost", crypto]),
    module("LedgerKit", ["Model"]),
    module("LedgerStore", ["LedgerKit", "Model", grdb]),
    module(
      "LocalPlatform", path: "Platforms/Local", ["CHost", "KeeperKit", "Model", "PlatformKit"]),
    module("Manifest", ["Model", "PlatformKit", yams]),
    module("MetricHTTP", path: "Metrics/HTTP", ["PlatformKit", "Transport"]),
    module("Model", [crypto]),
    module("Planning", ["Analysis", "LedgerKit", "Model"]),
    module("PlatformKit", ["Model"]),
    module(
      "PrometheusMetrics", path: "Metrics/Prometheus",
      ["MetricHTTP", "Model", "PlatformKit", "Transport"]),
    module("Transport", ["CCurl"]),
    module("Web", ["LedgerKit", "Model", hummingbird, lifecycle, logging]),
    module(
      "WebhookMetrics", path: "Metrics/Webhook",
      ["MetricHTTP", "Model", "PlatformKit", "Transport"]),

    .executableTarget(
      name: "viridian",
      dependencies: [
        "Agent", "Alerts", "Analysis", "CHost", "Display", "GitSource", "HAProxyRouter",
        "LedgerKit",
        "LedgerStore", "LocalPlatform", "Manifest", "MetricHTTP", "Model", "Planning",
        "PlatformKit", "PrometheusMetrics", "Transport", "Web", "WebhookMetrics",
        arguments, lifecycle, logging, signals,
      ],
      path: "Sources/viridian", swiftSettings: settings),

    .executableTarget(
      name: "viridian-keeper", dependencies: ["CArchive", "CHost", "KeeperKit", "PlatformKit"],
      path: "Sources/viridian-keeper", swiftSettings: settings),

    .executableTarget(
      name: "pass-benchmark",
      dependencies: [
        "Agent", "CHost", "LedgerKit", "LedgerStore", "Model", "Planning", "PlatformKit",
        arguments, logging,
      ],
      path: "Benchmarks/PassBenchmark", swiftSettings: settings),
    .executableTarget(
      name: "source-worker-fixture", dependencies: ["GitSource", "Model"],
      path: "Tests/SourceWorkerFixture", swiftSettings: settings),

    // Made-up canaries for the judge, and the study of `make judge` (docs/analysis.md).
    .target(
      name: "JudgeTrials", dependencies: ["Analysis"], path: "Tests/JudgeTrials",
      swiftSettings: settings),
    .executableTarget(
      name: "judge-study", dependencies: ["Analysis", "JudgeTrials"],
      path: "Benchmarks/JudgeStudy", swiftSettings: settings),

    .target(
      name: "Support", dependencies: ["CGit2", "GitSource", "Model", "Planning"],
      path: "Tests/Support",
      swiftSettings: settings),

    // A simulated agent: Tests/Simulation/README.md.
    .target(name: "CSchedule", path: "Tests/CSchedule"),
    .target(
      name: "Simulation",
      dependencies: [
        "Agent", "CSchedule", "LedgerKit", "Model", "Planning", "PlatformKit", "Support",
        lifecycle, logging,
      ],
      path: "Tests/Simulation", swiftSettings: settings),
    .executableTarget(
      name: "viridian-simulate", dependencies: ["Simulation", arguments], path: "Tests/Simulate",
      swiftSettings: settings),

    tests(
      "AgentTests",
      [
        "Agent", "GitSource", "LedgerKit", "Model", "Planning", "PlatformKit", "Support",
        "Transport", logging,
      ]),
    tests("AlertsTests", ["Alerts", "LedgerKit", "LedgerStore", "Model", logging]),
    tests("AnalysisTests", ["Analysis", "JudgeTrials"]),
    tests("DisplayTests", ["Display", "LedgerKit", "Model", yams]),
    tests(
      "EndToEndTests",
      [
        "Analysis", "GitSource", "LedgerKit", "Model", "PlatformKit", "Support", "Transport",
        "viridian", "viridian-keeper",
      ], exclude: ["Hostile/Corpus"]),
    tests("GitSourceTests", ["GitSource", "Model", "Support", "source-worker-fixture"]),
    tests(
      "HAProxyRouterTests",
      [
        "HAProxyRouter", "LedgerKit", "Model", "Planning", "PlatformKit", "Support",
      ]),
    tests("KeeperTests", ["KeeperKit", "Support", "viridian-keeper"]),
    tests("LedgerStoreTests", ["LedgerKit", "LedgerStore", "Model", grdb]),
    tests(
      "LocalPlatformTests",
      [
        "CHost", "KeeperKit", "LedgerKit", "LocalPlatform", "Model", "Planning", "PlatformKit",
        "Support", "viridian-keeper",
      ]),
    tests(
      "ManifestTests", ["HAProxyRouter", "LocalPlatform", "Manifest", "Model", "PlatformKit"]),
    tests("ModelTests", ["Model"]),
    tests(
      "PlanningTests", ["Analysis", "LedgerKit", "Model", "Planning", "Support"],
      exclude: ["Scenarios"]),
    tests(
      "PrometheusTests",
      ["MetricHTTP", "Model", "PlatformKit", "PrometheusMetrics", "Support", "Transport"]),
    tests("RepositoryTests", []),
    tests("SimulationTests", ["Simulation"], exclude: ["Regressions"]),
    tests("TransportTests", ["Support", "Transport"]),
    tests(
      "WebhookTests",
      ["MetricHTTP", "Model", "PlatformKit", "Support", "Transport", "WebhookMetrics"]),
  ]
)
