// swift-tools-version: 6.2
import PackageDescription

// The fuzzers: a package of their own, so that the product's has nothing of them. Its modules are
// links to those of the product; some have one more file, `Fuzzed.swift`, which opens what is
// internal to them.

let sanitize = ["-sanitize=fuzzer,address"]

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .unsafeFlags(["-O", "-enforce-exclusivity=checked", "-parse-as-library"] + sanitize),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: settings)
}

let package = Package(
  name: "fuzz",
  dependencies: [
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CCurl", path: "Sources/CCurl", pkgConfig: "libcurl"),
    .systemLibrary(name: "CGit2", path: "Sources/CGit2", pkgConfig: "libgit2"),
    .target(name: "CHost", path: "Sources/CHost"),
    module("GitSource", ["CGit2", "CHost", "Model", "Transport", crypto]),
    module("HAProxyRouter", ["Model", "PlatformKit"]),
    module("KeeperKit", ["CHost", crypto]),
    module("LedgerKit", ["Model"]),
    module(
      "LedgerStore",
      ["LedgerKit", "Model", .product(name: "GRDB", package: "GRDB.swift")]),
    module("LocalPlatform", ["CHost", "KeeperKit", "Model", "PlatformKit"]),
    module("Manifest", ["Model", "PlatformKit", .product(name: "Yams", package: "Yams")]),
    module("Model", [crypto]),
    module("Planning", ["LedgerKit", "Model"]),
    module("PlatformKit", ["Model"]),
    module("Transport", ["CCurl"]),
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "GitSource", "HAProxyRouter", "LedgerStore", "LocalPlatform", "Manifest", "Model",
        "Planning", "PlatformKit",
      ],
      path: "Sources/Fuzz", swiftSettings: settings,
      linkerSettings: [.unsafeFlags(sanitize + ["-use-ld=lld"])]),
  ]
)
