package import Model
package import PlatformKit

/// `workload.process`: a program from an artifact, run as processes of one host.
package struct ProcessWorkloadDecoder: WorkloadDecoder {
  package let kind = "process"
  /// A stack's name is a directory and part of a cgroup's name.
  package let nameLimit = 128
  package let runsCommands = true

  package init() {}

  package static let fields = [
    Field(
      "artifact", .text,
      "A directory or tar in the repository, file:// or https://; unpacked into the release.",
      required: true),
    Field("sha256", .map(.text), "Version to SHA-256 of the artifact; required for https."),
    Field("command", .list(.text), "Program and arguments; ./ is the release.", required: true),
    Field("environment", .map(.text), "Variables; the only place for ${secret:file:NAME}."),
    Field("workingDirectory", .text, "A directory of the release.", standard: "."),
    Field("user", .name, "The user the processes run as.", standard: "the agent's"),
    Field(
      "limits",
      .mapping([
        Field("memory", .text, "Such as 256Mi or 2Gi, of each instance."),
        Field("cpu", .text, "Such as 500m, 0.5 or 2 cores, of each instance."),
        Field("pids", .integer(1...100_000), "Processes and threads of each instance."),
      ]), "Bounds, where the host has them."),
  ]

  package var schema: CanonicalValue { FieldType.schema(of: Self.fields) }

  package func decode(
    _ node: ManifestNode, _ substitutions: Substitutions
  ) throws(DecodingProblems) -> DecodedWorkload {
    let problems = node.problems(Self.fields)
    guard problems.isEmpty else { throw DecodingProblems(diagnostics: problems) }
    var reading = ProcessReading(reader: MappingReader(node), substitutions: substitutions)
    let decoded = reading.run()
    guard reading.problems.isEmpty else { throw DecodingProblems(diagnostics: reading.problems) }
    return decoded
  }
}

private struct ProcessReading {
  let reader: MappingReader
  let substitutions: Substitutions
  var problems: [Diagnostic] = []
  private var secrets: Set<String> = []

  init(reader: MappingReader, substitutions: Substitutions) {
    self.reader = reader
    self.substitutions = substitutions
  }

  mutating func run() -> DecodedWorkload {
    let artifact = artifact()
    let command = reader.list("command").map { substitute($0, symbols: ["port", "generation"]) }
    if command.isEmpty || command.first == "" { fail("command", "must name a program") }
    let environment = environment()
    let payload = CanonicalValue.present([
      "artifact": .string(artifact.name), "command": .array(command.map { .string($0) }),
      "environment": .object(environment.mapValues { .string($0) }),
      "workingDirectory": workingDirectory().map { .string($0) },
      "user": reader.text("user").map { .string($0) }, "limits": limits(),
    ])
    let inputs = [artifact] + secrets.map { InputReference(kind: .secret, name: $0) }
    return DecodedWorkload(
      payload: payload, inputs: inputs.sorted(),
      warnings: (reader.list("command")
        + (reader.mapping("environment")?.members ?? []).map(\.value))
        .compactMap(Self.localState))
  }

  /// A stack is thrown away as a whole: what it writes on this host goes with it, or is shared by
  /// stacks that do not know of each other.
  private static func localState(_ node: ManifestNode) -> Diagnostic? {
    let text = node.text ?? ""
    let isDatabase =
      ["sqlite:", "sqlite3:"].contains(where: text.contains)
      || [".sqlite", ".sqlite3", ".db"].contains(where: text.hasSuffix)
    guard isDatabase || text.contains("/var/lib/") else { return nil }
    var warning = node.error("this looks like state on the host; a stack keeps none of its own")
    warning.severity = .warning
    return warning
  }

  private mutating func artifact() -> InputReference {
    let name = reader["artifact"].map { substitute($0, symbols: []) } ?? ""
    let text = reader.texts("sha256")[substitutions.version]
    let expected = text.flatMap { Digest(hex: $0) }
    if text != nil, expected == nil {
      fail("sha256", "is 64 lower-case hexadecimal digits for each version")
    }
    if name.hasPrefix("https://") {
      if text == nil {
        fail("sha256", "must name version \(substitutions.version) of an https artifact")
      }
      if name.wholeMatch(of: Self.address) == nil {
        fail("artifact", "is no plain https address; it holds no user and no white space")
      }
    } else if name.contains("://"), !name.hasPrefix("file:///") {
      fail("artifact", "is a path in the repository, file:///… or https://…")
    }
    let path = name.hasPrefix("file://") ? String(name.dropFirst(8)) : name
    if !name.hasPrefix("https://"), !isInside(path) {
      fail("artifact", "is a relative path without empty parts and ..")
    }
    return InputReference(kind: .artifact, name: name, expected: expected)
  }

  private static var address: Regex<Substring> {
    /https:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?\/[!-~&&[^@#]]*/
  }

  private mutating func environment() -> [String: String] {
    var result: [String: String] = [:]
    for member in reader.mapping("environment")?.members ?? [] {
      let name = member.name
      let isName =
        name.utf8.first.map { !($0 >= 0x30 && $0 <= 0x39) } ?? false
        && name.utf8.allSatisfy { byte in
          (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5A) || byte == 0x5F
            || (byte >= 0x61 && byte <= 0x7A)
        }
      if !isName { problems.append(member.key.error("\"\(name)\" is not the name of a variable")) }
      if Self.isReserved(name) {
        problems.append(
          member.key.error("the variable \(name) may not be set: it changes what runs"))
      }
      result[name] = substitute(member.value, symbols: ["port", "generation"], allowsSecrets: true)
    }
    return result
  }

  /// What changes which code runs instead of how it is configured, and the agent's own names.
  private static func isReserved(_ name: String) -> Bool {
    name.hasPrefix("LD_") || name.hasPrefix("VIRIDIAN_") || reserved.contains(name)
  }

  private static let reserved: Set<String> = [
    "PATH", "IFS", "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "GCONV_PATH", "GLIBC_TUNABLES",
  ]

  private mutating func workingDirectory() -> String? {
    guard let text = reader.text("workingDirectory"), text != "." else { return nil }
    if !isInside(text) { fail("workingDirectory", "is a relative path without empty parts and ..") }
    return text
  }

  private mutating func limits() -> CanonicalValue? {
    guard let limits = reader.mapping("limits"), !limits.members.isEmpty else { return nil }
    let memory = limits.text("memory").map { text -> Int? in
      let units = ["Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30]
      guard let factor = units[String(text.suffix(2))], let value = Int(text.dropLast(2)),
        value > 0, value < 1 << 30
      else { return nil }
      return value * factor
    }
    let cpu = limits.text("cpu").map(Self.cpuMillis)
    if case .some(.none) = memory { fail("limits", "memory is like 256Mi or 2Gi") }
    if case .some(.none) = cpu { fail("limits", "cpu is like 500m, 0.5 or 2") }
    return .present([
      "memoryBytes": (memory ?? nil).map { .integer($0) },
      "cpuMillis": (cpu ?? nil).map { .integer($0) },
      "pids": limits.integer("pids").map { .integer($0) },
    ])
  }

  /// `500m`, `2` or `0.5`; nil for anything else, and beyond 1,000 cores.
  private static func cpuMillis(_ text: String) -> Int? {
    let value: Int?
    if text.hasSuffix("m") {
      value = Int(text.dropLast())
    } else {
      let parts = text.split(separator: ".", omittingEmptySubsequences: false)
      let thousandths = parts.count == 2 ? parts[1] + String(repeating: "0", count: 3) : "000"
      guard parts.count <= 2, (parts.last?.count ?? 0) <= 3 || parts.count == 1,
        text.allSatisfy({ $0 == "." || ($0.isASCII && $0.isNumber) }),
        parts.allSatisfy({ !$0.isEmpty })
      else { return nil }
      value = Int("\(parts[0])\(thousandths.prefix(3))")
    }
    return value.flatMap { (1...1_000_000).contains($0) ? $0 : nil }
  }

  /// Replaces `${version}`, `${environment}` and `${application}`; `symbols` stay as they are.
  private mutating func substitute(
    _ node: ManifestNode, symbols: Set<String>, allowsSecrets: Bool = false
  ) -> String {
    var result = ""
    var rest = Substring(node.text ?? "")
    while let start = rest.firstRange(of: "${") {
      result += rest[..<start.lowerBound]
      rest = rest[start.upperBound...]
      guard let end = rest.firstIndex(of: "}") else {
        problems.append(node.error("\"${\" has no \"}\""))
        return result
      }
      let name = String(rest[..<end])
      rest = rest[rest.index(after: end)...]
      switch name {
      case "version": result += substitutions.version
      case "environment": result += substitutions.environment.rawValue
      case "application": result += substitutions.application.rawValue
      default:
        let isSecret = allowsSecrets && Self.isSecret(name)
        if isSecret { secrets.insert(String(name.dropFirst("secret:".count))) }
        let isKnown = symbols.contains(name) || isSecret
        if !isKnown { problems.append(node.error("\"${\(name)}\" cannot be used here")) }
        result += "${\(name)}"
      }
    }
    return result + rest
  }

  /// `secret:file:NAME` with a plain file name.
  private static func isSecret(_ name: String) -> Bool {
    name.wholeMatch(of: /secret:file:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}/) != nil
  }

  private func isInside(_ path: String) -> Bool {
    !path.isEmpty && path.utf8.count <= 255 && !path.hasPrefix("/")
      && path.split(separator: "/", omittingEmptySubsequences: false)
        .allSatisfy { !$0.isEmpty && $0 != ".." && $0 != "." }
  }

  private mutating func fail(_ key: String, _ message: String) {
    problems.append((reader[key] ?? reader.node).error("\"\(key)\" \(message)"))
  }
}
