import KeeperKit
import Model
import PlatformKit

/// The payload of `workload.process`, as the decoder wrote it.
struct ProcessSpec: Hashable, Sendable {
  var artifact: String
  var command: [String]
  var environment: [String: String]
  var workingDirectory: String?
  var user: String?
  var limits: InstanceLimits

  /// Throws `rejected` of the stack's fault for a payload that no decoder of ours wrote.
  init(_ spec: StackSpec) throws(PlatformError) {
    guard spec.workloadKind == "process" else {
      throw Self.refusal("workload \(spec.workloadKind) is not one that runs as processes")
    }
    let payload = spec.workload
    guard let artifact = payload["artifact"]?.string,
      let command = Self.strings(payload["command"]), command.first?.isEmpty == false
    else { throw Self.refusal("the workload needs an artifact and a command") }
    let environment = (payload["environment"]?.object ?? [:]).compactMapValues(\.string)
    guard environment.count == payload["environment"]?.object?.count ?? 0 else {
      throw Self.refusal("the workload's environment must be text")
    }
    let texts = command + environment.map { "\($0.key)=\($0.value)" }
    guard !texts.contains(where: { $0.utf8.contains(0) }) else {
      throw Self.refusal("the workload's command or environment holds a NUL byte")
    }
    guard !command.contains(where: { $0.contains("${secret:") }) else {
      throw Self.refusal("a secret in the command would be readable by everybody on the host")
    }
    self.artifact = artifact
    self.command = command
    self.environment = environment
    workingDirectory = payload["workingDirectory"]?.string
    user = payload["user"]?.string
    limits = InstanceLimits(
      memoryBytes: payload["limits"]?["memoryBytes"]?.integer,
      cpuMillis: payload["limits"]?["cpuMillis"]?.integer,
      pids: payload["limits"]?["pids"]?.integer)
    try checkWorkingDirectory()
  }

  private func checkWorkingDirectory() throws(PlatformError) {
    guard let directory = workingDirectory else { return }
    let leaves = directory.hasPrefix("/") || directory.split(separator: "/").contains("..")
    guard !leaves else {
      throw Self.refusal("the working directory \(directory) is not inside the release")
    }
  }

  private static func strings(_ value: CanonicalValue?) -> [String]? {
    guard let array = value?.array else { return nil }
    let strings = array.compactMap(\.string)
    return strings.count == array.count ? strings : nil
  }

  private static func refusal(_ text: String) -> PlatformError {
    .rejected(fault: .stack, text)
  }

  /// Keys of the secrets that the environment uses: `secret:file:NAME`.
  func secretKeys(_ spec: StackSpec) -> [String] {
    spec.inputs.filter { $0.kind == .secret }.map(\.key).sorted()
  }
}

/// What only a launch knows, and no certificate says.
struct LaunchDetails: Hashable, Sendable {
  var archive: ArtifactFile
  var ports: [Int]
  var drainMilliseconds: Int
}

extension Site {
  /// Puts in what only a launched stack knows.
  func fill(_ text: String, _ certificate: BirthCertificate) -> String {
    text.replacing("${generation}", with: String(certificate.stack.generation.number))
  }

  /// The plan that a keeper of this stack is given.
  func plan(
    _ certificate: BirthCertificate, _ spec: ProcessSpec, _ details: LaunchDetails
  ) -> KeeperPlan {
    func fill(_ text: String) -> String { self.fill(text, certificate) }
    let hasSecrets = !spec.secretKeys(certificate.spec).isEmpty
    return KeeperPlan(
      stack: name(certificate), version: certificate.version, archive: details.archive.path,
      archiveSHA256: details.archive.sha256.hex, command: spec.command.map(fill),
      environment: spec.environment.mapValues(fill), workingDirectory: spec.workingDirectory,
      user: spec.user, limits: spec.limits, ports: details.ports,
      secrets: hasSecrets ? secrets(certificate) : nil,
      drainMilliseconds: details.drainMilliseconds, cgroup: cgroup(certificate).path,
      restart: settings.restart, unpack: settings.unpack,
      check: check(certificate.spec.health, certificate))
  }

  /// nil: it is no command, and not for a keeper.
  private func check(_ gate: HealthGate, _ certificate: BirthCertificate) -> CheckOrder? {
    guard case .command(let command) = gate.check else { return nil }
    return CheckOrder(
      command: command.map { fill($0, certificate) },
      intervalMilliseconds: gate.interval.milliseconds,
      timeoutMilliseconds: gate.timeout.milliseconds)
  }
}
