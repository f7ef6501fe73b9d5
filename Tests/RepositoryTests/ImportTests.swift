import Testing

/// Who may import whom: the table of docs/ARCHITECTURE.md as data. A folder that is missing here
/// is an error, so that a new module has to say what it may know.
private let mayImport: [String: Set<String>] = [
  // Glibc only for logarithms, which the standard library does not have.
  "Analysis": ["Glibc"],
  "Model": ["Crypto"],
  "LedgerKit": ["Model"],
  // Glibc only for the failpoints that tests arm from outside.
  "PlatformKit": ["Glibc", "Model"],
  "Planning": ["Analysis", "LedgerKit", "Model"],
  "Manifest": ["Model", "PlatformKit", "Yams"],
  "Display": ["LedgerKit", "Model", "Yams"],
  "Alerts": system.union(["Crypto", "LedgerKit", "Logging", "Model"]),
  "LedgerStore": system.union(["GRDB", "LedgerKit", "Model"]),
  "Transport": system.union(["CCurl"]),
  "GitSource": system.union(["CGit2", "CHost", "Crypto", "Model", "Transport"]),
  "KeeperKit": system.union(["CHost", "Crypto"]),
  "Platforms/Local": door.union(["CHost", "KeeperKit"]),
  "Routers/HAProxy": door,
  "Metrics/HTTP": door,
  "Metrics/Prometheus": door.union(["MetricHTTP"]),
  "Metrics/Webhook": door.union(["MetricHTTP"]),
  "Agent": system.union([
    "Alerts", "Crypto", "GitSource", "LedgerKit", "Logging", "Manifest", "Model", "Planning",
    "PlatformKit", "ServiceLifecycle", "Transport",
  ]),
  "Web": system.union([
    "Hummingbird", "LedgerKit", "Logging", "Model", "ServiceLifecycle",
  ]),
  // PlatformKit for the failpoints that tests arm from outside.
  "viridian-keeper": system.union(["CArchive", "CHost", "KeeperKit", "PlatformKit"]),
]

/// What every module with effects may use of the system.
private let system: Set<String> = [
  "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Synchronization",
]

/// What a platform or a router may know: PlatformKit is the only door.
private let door = system.union(["Model", "PlatformKit", "Transport"])

@Suite struct ImportTests {
  @Test func `every import is allowed by the table`() throws {
    for file in try Repository.files("Sources", suffixes: ".swift") {
      guard let folder = moduleFolder(of: file.path) else { continue }
      guard let allowed = mayImport[folder] else {
        Issue.record("\(file.path): \(folder) is not in the import table")
        continue
      }
      for module in imports(of: file.text) where !allowed.contains(module) {
        Issue.record("\(file.path): \(folder) may not import \(module)")
      }
    }
  }

  @Test func `the reader of imports knows every form`() {
    let text = """
      import Model
      package import LedgerKit
      @preconcurrency private import struct Foundation.Data
      #if canImport(Glibc)
        import Glibc
      #endif
      // import Nothing
      let text = "import NotThis"
      """
    #expect(imports(of: text) == ["Model", "LedgerKit", "Foundation", "Glibc"])
  }

  /// They are built seldom, and by a package of their own.
  @Test func `the fuzzers are given every module of ours that is imported`() throws {
    let declared = dependencies(of: try Repository.read("Tests/Fuzz/Package.swift"))
    let folders = ["HAProxyRouter": "Routers/HAProxy", "LocalPlatform": "Platforms/Local"]
    let ours = Set(declared.keys).union(["CCurl", "CGit2", "CHost"])
    #expect(declared.count > 5)
    for (name, dependencies) in declared {
      let files = try Repository.files("Sources/\(folders[name] ?? name)", suffixes: ".swift")
      #expect(!files.isEmpty, "\(name)")
      for file in files {
        let missing = ours.intersection(imports(of: file.text)).subtracting(dependencies)
        #expect(missing.isEmpty, "\(file.path) imports \(missing.sorted())")
      }
    }
  }

  @Test func `pure modules know nothing of the system`() {
    for module in ["Model", "LedgerKit", "Planning", "Manifest", "Display"] {
      #expect(mayImport[module]?.isDisjoint(with: system) == true, "\(module)")
    }
  }

  @Test func `the judge knows nothing but numbers`() {
    #expect(mayImport["Analysis"] == ["Glibc"])
  }

  @Test func `nobody imports a concrete platform, the web or the agent but the product`() {
    let concrete: Set = ["LocalPlatform", "Agent", "Web"]
    for (module, allowed) in mayImport {
      #expect(allowed.isDisjoint(with: concrete), "\(module)")
    }
  }
}

/// `Platforms/Local` for `Sources/Platforms/Local/API/Client.swift`; nil for the product, which
/// wires everything together.
private func moduleFolder(of path: String) -> String? {
  let parts = path.split(separator: "/").dropFirst()
  guard let first = parts.first, first != "viridian" else { return nil }
  let nested: Set<Substring> = ["Metrics", "Platforms", "Routers"]
  return nested.contains(first) ? parts.prefix(2).joined(separator: "/") : String(first)
}

/// `module("Name", ["One", "Two", …])` of the fuzzers' manifest.
private func dependencies(of manifest: String) -> [String: Set<String>] {
  var result: [String: Set<String>] = [:]
  for match in manifest.matches(of: /module\(\s*"(\w+)",\s*\[([^\]]*)\]/) {
    let names = match.output.2.matches(of: /"(\w+)"/).map { String($0.output.1) }
    result[String(match.output.1)] = Set(names)
  }
  return result
}

/// The modules that a source file imports, in order.
private func imports(of text: String) -> [String] {
  text.split(separator: "\n").compactMap { line in
    // Most lines have no such word, and the expression is slow.
    guard line.contains("import ") else { return nil }
    let form =
      /\s*(@\w+(\(.*\))?\s+)*((package|internal|fileprivate|private|public)\s+)?import\s+((struct|class|enum|protocol|func|var|let|typealias)\s+)?(?<module>\w+).*/
    return (line.wholeMatch(of: form)?.output.module).map { String($0) }
  }
}
