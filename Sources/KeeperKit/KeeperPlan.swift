/// What a keeper runs: written once beside the certificate, before the keeper starts.
package struct KeeperPlan: Hashable, Codable, Sendable {
  /// Version of this form.
  package var schema = 1
  /// `web-production-v042`.
  package var stack: String
  package var version: String
  package var archive: String
  /// 64 hexadecimal digits.
  package var archiveSHA256: String
  /// `${port}` and `${secret:…}` are still symbolic.
  package var command: [String]
  package var environment: [String: String]
  package var workingDirectory: String?
  package var user: String?
  package var limits: InstanceLimits
  /// One port for each declared instance.
  package var ports: [Int]
  /// The secrets' file on tmpfs; nil when the workload uses none.
  package var secrets: String?
  package var drainMilliseconds: Int
  package var cgroup: String
  package var restart: RestartPolicy
  package var unpack: UnpackLimits
  /// The health check, where it is a command.
  package var check: CheckOrder?

  package init(
    stack: String, version: String, archive: String, archiveSHA256: String, command: [String],
    environment: [String: String], workingDirectory: String?, user: String?,
    limits: InstanceLimits, ports: [Int], secrets: String?, drainMilliseconds: Int,
    cgroup: String, restart: RestartPolicy, unpack: UnpackLimits,
    check: CheckOrder? = nil
  ) {
    self.check = check
    self.stack = stack
    self.version = version
    self.archive = archive
    self.archiveSHA256 = archiveSHA256
    self.command = command
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.user = user
    self.limits = limits
    self.ports = ports
    self.secrets = secrets
    self.drainMilliseconds = drainMilliseconds
    self.cgroup = cgroup
    self.restart = restart
    self.unpack = unpack
  }

  package var declared: Int { ports.count }

  package func arguments(_ instance: Int) -> [String] { fill(command, instance) }

  package func arguments(_ check: CheckOrder, _ instance: Int) -> [String] {
    fill(check.command, instance)
  }

  private func fill(_ texts: [String], _ instance: Int) -> [String] {
    texts.map { $0.replacing("${port}", with: String(ports[instance])) }
  }

  /// The directory that instances start in.
  package func directory(_ layout: StackLayout) -> String {
    workingDirectory.map { "\(layout.release)/\($0)" } ?? layout.release
  }

  /// Exactly what an instance is given; a secret that `secrets` lacks stays symbolic.
  package func environment(
    _ instance: Int, _ layout: StackLayout, secrets: [String: String]
  ) -> [String: String] {
    let own = environment.mapValues { $0.replacing("${port}", with: String(ports[instance])) }
    var result = environment(own, layout, secrets)
    result["VIRIDIAN_INSTANCE"] = String(instance)
    result["VIRIDIAN_PORT"] = String(ports[instance])
    return result
  }

  /// The variable that a check is given beside its instance's own, and by which it is known.
  package static let checkMark = (name: "VIRIDIAN_CHECK", value: "1")

  /// Exactly what a task is given: no instance and no port are its own.
  package func environment(
    _ task: TaskOrder, _ layout: StackLayout, secrets: [String: String]
  ) -> [String: String] {
    let own = environment.merging(task.environment) { _, ofTask in ofTask }
    var result = environment(own, layout, secrets)
    result["VIRIDIAN_TASK"] = task.name
    return result
  }

  private func environment(
    _ own: [String: String], _ layout: StackLayout, _ secrets: [String: String]
  ) -> [String: String] {
    var result: [String: String] = [
      "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": layout.scratch, "TMPDIR": layout.scratch,
    ]
    for (name, value) in own { result[name] = Self.substitute(secrets, in: value) }
    result["VIRIDIAN_STACK"] = stack
    result["VIRIDIAN_VERSION"] = version
    return result
  }

  /// One walk from left to right, so that a secret's own text is never substituted again.
  private static func substitute(_ secrets: [String: String], in text: String) -> String {
    var result = ""
    var rest = Substring(text)
    while let start = rest.firstRange(of: "${secret:") {
      result += rest[..<start.lowerBound]
      rest = rest[start.lowerBound...]
      guard let end = rest.firstIndex(of: "}") else { break }
      let key = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
      result += secrets[key] ?? String(rest[...end])
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }
}

/// Bounds of one archive.
package struct UnpackLimits: Hashable, Codable, Sendable {
  /// A large application has some ten thousand files.
  package var entries = 50_000
  /// 4 GiB: more is no artifact of one application, but a bomb or a data set.
  package var bytes = 4 << 30
  /// A child that has not unpacked in this time never will.
  package var deadlineSeconds = 600
  package init(entries: Int = 50_000, bytes: Int = 4 << 30, deadlineSeconds: Int = 600) {
    self.entries = entries
    self.bytes = bytes
    self.deadlineSeconds = deadlineSeconds
  }
}
