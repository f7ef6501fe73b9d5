import Dispatch
import Glibc
import Model
import PlatformKit

/// The one HAProxy: started in a session of its own, so that it outlives the agent, and found
/// again by its master socket.
struct HAProxyProcess: Sendable {
  let settings: HAProxySettings

  /// Output and exit status of one run of the program.
  struct Run: Sendable {
    var status: Int32
    var output: String
  }

  /// Throws unless the program is there and new enough.
  func checkVersion() async throws(PlatformError) {
    let run = try await run(["-v"])
    let version = run.output.split(separator: "version ").dropFirst().first?.prefix {
      $0.isNumber || $0 == "."
    }
    let numbers = (version ?? "").split(separator: ".").compactMap { Int($0) }
    guard numbers.count >= 2 else {
      throw .rejected(
        fault: .platform, "\(settings.executable) does not say its version; is it HAProxy?")
    }
    guard (numbers[0], numbers[1]) >= (2, 6) else {
      throw .rejected(
        fault: .platform,
        "HAProxy \(version ?? "") is too old: 2.6 or newer is needed at \(settings.executable)")
    }
  }

  /// Whether HAProxy can load the directory, and what it says if not.
  func check(_ directory: String) async throws(PlatformError) -> String? {
    let run = try await run(["-c", "-q", "-f", directory])
    return run.status == 0 ? nil : Self.alerts(run.output)
  }

  /// Starts the master, which forks into the background once it and its worker are up.
  func launch() async throws(PlatformError) {
    let run = try await run([
      "-W", "-D", "-S", settings.masterSocket + ",mode,600", "-p", settings.pidFile,
      "-f", settings.configurationDirectory,
    ])
    guard run.status == 0 else {
      throw .transient("HAProxy does not start: \(Self.alerts(run.output))")
    }
  }

  /// The master's process, if the pid file names one that is HAProxy and ours.
  func masterPID() throws(PlatformError) -> pid_t? {
    guard let text = try Files.read(settings.pidFile),
      let pid = text.split(separator: "\n").first.flatMap({ pid_t($0) }), pid > 1
    else { return nil }
    return isOurs(pid) ? pid : nil
  }

  /// Some process of ours: without a master, a worker that it left behind.
  func anyWorker() throws(PlatformError) -> pid_t? {
    try Files.names(in: "/proc").lazy.compactMap { pid_t($0) }
      .first { isOurs($0) || isEnding($0) }
  }

  private func isOurs(_ pid: pid_t) -> Bool {
    // /proc of a process that ends meanwhile cannot be read: it is gone.
    let command = (try? Files.read("/proc/\(pid)/cmdline")) ?? nil
    let words = (command ?? "").utf8.split(separator: 0)
    return words.contains { $0.elementsEqual(settings.configurationDirectory.utf8) }
  }

  /// The kernel takes a process its memory, and with it the command line, before its sockets: an
  /// HAProxy in between, whosever it is, may hold a port for a moment more.
  private func isEnding(_ pid: pid_t) -> Bool {
    guard let command = (try? Files.read("/proc/\(pid)/cmdline")) ?? nil, command.isEmpty,
      let text = (try? Files.read("/proc/\(pid)/stat")) ?? nil,
      let name = settings.executable.split(separator: "/").last,
      let state = text.split(separator: "(\(name.prefix(15))) ").dropFirst().first?.first
    else { return false }
    // Of a zombie only threads that have not ended yet hold anything.
    let threads = (try? Files.names(in: "/proc/\(pid)/task")) ?? []
    return state != "Z" || threads.count > 1
  }

  private static func alerts(_ output: String) -> String {
    let lines = output.split(separator: "\n").filter { $0.contains("[ALERT]") }
    let text = (lines.isEmpty ? output.split(separator: "\n").suffix(3) : lines.prefix(3))
      .joined(separator: " ")
    return String(text.prefix(600))
  }

  private static let queue = DispatchQueue(
    label: "viridian.haproxy.process", attributes: .concurrent)

  private func run(_ arguments: [String]) async throws(PlatformError) -> Run {
    let (settings, arguments) = (settings, [settings.executable] + arguments)
    let result: Result<Run, PlatformError> = await withCheckedContinuation { continuation in
      Self.queue.async {
        continuation.resume(
          returning: Result { () throws(PlatformError) in
            try Self.spawn(arguments, settings.logFile)
          })
      }
    }
    return try result.get()
  }

  /// Output goes to a file, because a pipe would be kept open by the master.
  private static func spawn(
    _ arguments: [String], _ log: String
  ) throws(PlatformError) -> Run {
    let output = "\(log).\(getpid()).\(UInt64.random(in: 0...UInt64.max))"
    defer { unlink(output) }
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    try closeOthers(&actions)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    let words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    let environment: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/sbin:/usr/bin"), nil]
    defer { for variable in environment { free(variable) } }
    var pid: pid_t = 0
    let status = posix_spawn(&pid, arguments[0], &actions, &attributes, words, environment)
    guard status == 0 else {
      throw .rejected(
        fault: .platform, "cannot run \(arguments[0]): \(String(cString: strerror(status)))")
    }
    let code = try wait(pid, arguments[0])
    return Run(status: code, output: try Files.read(output) ?? "")
  }

  private typealias CloseFrom =
    @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32

  /// The master must not hold a lock, pipe or socket of the agent, whoever opened it and however
  /// late: closed in the child. glibc hides the function from Swift, so it is looked up.
  private static func closeOthers(
    _ actions: inout posix_spawn_file_actions_t
  ) throws(PlatformError) {
    guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else {
      throw .rejected(fault: .platform, "glibc 2.34 or newer is needed to start HAProxy")
    }
    guard unsafeBitCast(symbol, to: CloseFrom.self)(&actions, 3) == 0 else {
      throw .transient("cannot prepare a process: \(lastError())")
    }
  }

  /// Bounded: a start takes less than a second, a check of a thousand targets some seconds.
  private static func wait(_ pid: pid_t, _ name: String) throws(PlatformError) -> Int32 {
    let end = ContinuousClock.now + .seconds(30)
    var status: Int32 = 0
    while true {
      let found = waitpid(pid, &status, WNOHANG)
      if found == pid { return status }
      guard found == 0 || errno == EINTR else { throw .transient("\(name): \(lastError())") }
      guard ContinuousClock.now < end else {
        kill(pid, SIGKILL)
        waitpid(pid, &status, 0)
        throw .transient("\(name) did not end within 30 s")
      }
      usleep(2000)
    }
  }
}
