import CGit2
import Glibc

/// Runs and starts the programs that tests need beside our own.
package enum Tool {
  /// Runs a program to its end; throws with its error text unless it exits with 0. The answer is
  /// its standard output without the last newline.
  @discardableResult
  package static func run(
    _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:],
    input: [UInt8] = []
  ) throws -> String {
    let files = try TemporaryDirectory()
    try writeFile(files.path("in"), input)
    let pid = try spawn(
      arguments, directory: directory, environment: environment, input: files.path("in"),
      output: files.path("out"), error: files.path("err"))
    let status = wait(pid)
    guard status == 0 else {
      let text = String(decoding: try readFile(files.path("err")), as: UTF8.self)
      throw SupportError("\(arguments.joined(separator: " ")): \(status): \(text)")
    }
    let text = String(decoding: try readFile(files.path("out")), as: UTF8.self)
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }

  /// Starts a program in a session of its own with nothing open but these files.
  package static func spawn(
    _ arguments: [String], directory: String? = nil, environment: [String: String], input: String,
    output: String, error: String
  ) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, error, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    if let directory { posix_spawn_file_actions_addchdir_np(&actions, directory) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    let newSession = 0x80  // POSIX_SPAWN_SETSID
    posix_spawnattr_setflags(
      &attributes, Int16(Int(POSIX_SPAWN_SETSIGMASK) | Int(POSIX_SPAWN_SETSIGDEF) | newSession)
    )
    let variables = Self.environment.merging(environment) { $1 }
    let argv = arguments.map { strdup($0) } + [nil]
    let envp = variables.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in argv + envp { free(text) } }
    var pid: pid_t = 0
    let program = find(arguments.first ?? "", in: variables["PATH"] ?? "")
    let code = posix_spawn(&pid, program, &actions, &attributes, argv, envp)
    guard code == 0 else { throw SupportError("cannot start \(arguments): \(code)") }
    return pid
  }

  private static func find(_ name: String, in path: String) -> String {
    guard !name.contains("/") else { return name }
    return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
      ?? name
  }

  /// The exit status when the process has ended (128 + the signal that ended it), else nil; the
  /// process is then reaped.
  package static func exitStatus(_ pid: Int32) -> Int32? {
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }

  /// Waits for the end of a process that `spawn` started; the answer is the wait status. Its session
  /// is killed after `limit`: a server can miss the signal that ends it, and no test waits for ever.
  @discardableResult
  package static func wait(_ pid: Int32, within limit: Duration = .seconds(120)) -> Int32 {
    let end = ContinuousClock.now + limit
    var status: Int32 = 0
    var pause: UInt32 = 100
    while waitpid(pid, &status, WNOHANG) == 0 {
      if ContinuousClock.now >= end { kill(-pid, SIGKILL) }
      usleep(pause)
      pause = min(pause * 3 / 2, 5000)
    }
    return status
  }

  /// No configuration of the user or the machine.
  static let environment = [
    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com",
  ]
}

/// A server process that a test started; it ends with the last reference.
package final class ServerProcess {
  private var pid: pid_t

  package init(
    _ arguments: [String], log: String, environment: [String: String] = [:]
  ) throws {
    pid = try Tool.spawn(
      arguments, environment: environment, input: "/dev/null", output: log, error: log)
  }

  deinit { stop() }

  package func stop() {
    guard pid > 0 else { return }
    // The whole session: some servers fork and forget their children.
    kill(-pid, SIGTERM)
    Tool.wait(pid, within: .seconds(20))
    pid = 0
  }
}

/// Asks again every 5 ms until the condition holds; throws after `limit`.
package func eventually(
  _ what: String, within limit: Duration = .seconds(10), _ condition: () throws -> Bool
) throws {
  let end = ContinuousClock.now + limit
  while try !condition() {
    guard ContinuousClock.now < end else { throw SupportError("not within \(limit): \(what)") }
    usleep(5000)
  }
}

/// Asks again every 20 ms until the condition holds; throws after `limit`.
package func eventually(
  _ limit: Duration = .seconds(30), _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while try await !condition() {
    guard ContinuousClock.now < end else { throw SupportError("not within \(limit)") }
    try await Task.sleep(for: .milliseconds(20))
  }
}

/// Whether somebody accepts connections there.
package func accepts(port: Int) -> Bool {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = UInt16(port).bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  } == 0
}
