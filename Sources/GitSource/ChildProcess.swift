import CGit2
import Glibc
import Model

/// Runs one program to its end: argument array, chosen environment, bounded output, a deadline.
/// Blocks: call it from a thread that may.
struct ChildProcess {
  /// Starts it, with these as its 0, 1 and 2; the answer is its number.
  typealias Start = ([Int32]) throws(SourceError) -> pid_t

  enum End: Hashable {
    case exited(Int32)
    case signalled(Int32)
    case timedOut
    case cancelled
    case tooMuchOutput
  }

  struct Output {
    var end: End
    var standardOutput: [UInt8] = []
    /// At most 64 KiB.
    var standardError: [UInt8] = []
  }

  var input: [UInt8] = []
  var outputLimit = 1 << 20
  var deadline: Duration
  var cancellation: Cancellation?

  /// In a session of its own, which ends with it.
  func run(_ start: Start) throws(SourceError) -> Output {
    let (inRead, inWrite) = try Self.pipe()
    let (outRead, outWrite) = try Self.pipe()
    let (errRead, errWrite) = try Self.pipe()
    defer { for end in [inRead, outWrite, errWrite] { end.close() } }
    let pid = try start([inRead.number, outWrite.number, errWrite.number])
    for end in [inRead, outWrite, errWrite] { end.close() }
    var exchange = PipeExchange(
      input: input, writer: inWrite, output: outRead, error: errRead, limit: outputLimit,
      until: ContinuousClock.now + deadline, cancellation: cancellation)
    let early = exchange.run() ?? Self.waitForExit(pid, until: ContinuousClock.now + .seconds(5))
    if early != nil {
      kill(-pid, SIGKILL)
      // One that had no session of its own yet.
      kill(pid, SIGKILL)
    }
    let end = Self.reap(pid)
    return Output(
      end: early ?? end, standardOutput: exchange.outputBytes, standardError: exchange.errorBytes)
  }

  /// `arguments`: the first is the program's path.
  static func program(
    _ arguments: [String], _ environment: [String], directory: String? = nil
  ) -> Start {
    { descriptors throws(SourceError) in
      try spawn(
        arguments, environment, directory: directory, ownSession: true, descriptors: descriptors)
    }
  }

  /// Starts a program; `descriptors` become its 0, 1 and 2, all others are closed.
  static func spawn(
    _ arguments: [String], _ environment: [String], directory: String? = nil, ownSession: Bool,
    descriptors: [Int32]
  ) throws(SourceError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    for (target, descriptor) in descriptors.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(target))
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    if let directory { posix_spawn_file_actions_addchdir_np(&actions, directory) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    let session = ownSession ? 0x80 : 0  // POSIX_SPAWN_SETSID
    posix_spawnattr_setflags(
      &attributes, Int16(Int(POSIX_SPAWN_SETSIGMASK) | Int(POSIX_SPAWN_SETSIGDEF) | session))
    var pid: pid_t = 0
    let code = withCStrings(arguments) { argv in
      withCStrings(environment) { envp in
        posix_spawn(&pid, arguments.first ?? "", &actions, &attributes, argv, envp)
      }
    }
    guard code == 0 else {
      let reason = String(cString: strerror(code))
      throw .worker("cannot start \(arguments.first ?? "nothing"): \(reason)")
    }
    return pid
  }

  private static func pipe() throws(SourceError) -> (Descriptor, Descriptor) {
    var ends: [Int32] = [-1, -1]
    guard pipe2(&ends, O_CLOEXEC) == 0 else {
      throw .worker("no pipe: \(String(cString: strerror(errno)))")
    }
    return (Descriptor(ends[0]), Descriptor(ends[1]))
  }

  /// A process that has closed its outputs is about to exit; one that is not is ended.
  private static func waitForExit(_ pid: pid_t, until limit: ContinuousClock.Instant) -> End? {
    while true {
      var status = siginfo_t()
      if waitid(P_PID, id_t(pid), &status, WEXITED | WNOWAIT | WNOHANG) != 0 { return nil }
      // Only the kernel's answer says that it has ended; the signal number is 0 until then.
      if status.si_signo != 0 {
        // Whatever it left behind in its session goes with it.
        kill(-pid, SIGKILL)
        return nil
      }
      if ContinuousClock.now > limit { return .timedOut }
      usleep(500)
    }
  }

  /// Waits for a process that has ended or was killed.
  static func reap(_ pid: pid_t) -> End {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    return status & 0x7F == 0 ? .exited((status >> 8) & 0xFF) : .signalled(status & 0x7F)
  }
}

/// A file descriptor that is closed once.
final class Descriptor: @unchecked Sendable {
  private(set) var number: Int32
  init(_ number: Int32) { self.number = number }
  deinit { close() }

  func close() {
    if number >= 0 { Glibc.close(number) }
    number = -1
  }
}

/// Ends a running `ChildProcess` from another thread.
final class Cancellation: Sendable {
  let descriptor: Int32
  init() { descriptor = eventfd(0, O_CLOEXEC | O_NONBLOCK) }
  deinit { close(descriptor) }

  func cancel() {
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }
}

private func withCStrings<R>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
  let copies = strings.map { strdup($0) } + [nil]
  defer { for copy in copies { free(copy) } }
  return copies.withUnsafeBufferPointer { buffer in
    withExtendedLifetime(copies) {
      var empty: UnsafeMutablePointer<CChar>?
      return buffer.baseAddress.map(body) ?? body(&empty)
    }
  }
}
