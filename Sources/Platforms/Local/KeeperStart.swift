import Glibc
import KeeperKit
import Model
import PlatformKit

/// Starts the keeper of a stack as a process that outlives the agent.
struct KeeperStart: Sendable {
  let site: Site

  /// Does nothing while a keeper lives. Two that are started at once settle it by the lock: one
  /// stays, the other ends before it does anything.
  func run(_ certificate: BirthCertificate) throws(PlatformError) {
    let layout = site.layout(certificate)
    let lives = try onHost { () throws(HostError) in try FileLock.isHeld(layout.lock) }
    guard !lives else { return }
    let program = try program()
    failpoint("local.ensure.before-keeper")
    try onHost { () throws(HostError) in
      let output = try Descriptor(
        open: layout.keeperLog, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW)
      var request = SpawnRequest(
        path: program, arguments: [program, "run", layout.directory],
        environment: Self.environment(), directory: "/", output: output)
      request.cgroups = try site.cgroup(certificate).make("keeper", limits: InstanceLimits())
      request.detaches = true
      Self.ignoreBrokenPipes
      try request.fork().release()
    }
    failpoint("local.ensure.after-keeper")
  }

  /// The configured one, or the one beside the running program.
  private func program() throws(PlatformError) -> String {
    let path: String
    if let configured = site.settings.keeper {
      path = configured
    } else {
      let running = try onHost { () throws(HostError) in
        try HostFile.linkTarget("/proc/self/exe")
      }
      path = "\(HostFile.parent(of: running))/viridian-keeper"
    }
    guard access(path, X_OK) == 0 else {
      throw .rejected(
        fault: .platform, "cannot execute the keeper \(path): install it beside viridian")
    }
    return path
  }

  /// Nothing of the agent's, whose environment may hold secrets, but the switches of tests.
  private static func environment() -> [String: String] {
    var environment = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    for name in ["VIRIDIAN_FAILPOINT", "VIRIDIAN_FAILPOINT_FILE"] {
      if let value = getenv(name) { environment[name] = String(cString: value) }
    }
    return environment
  }

  /// A child that dies before it is released must not take the agent with it.
  private static let ignoreBrokenPipes: Void = { signal(SIGPIPE, SIG_IGN) }()
}
