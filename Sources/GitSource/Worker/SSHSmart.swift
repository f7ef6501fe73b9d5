import CGit2
import Glibc
import Model

/// Git over a spawned `ssh`, as git itself does it: strict host keys, no user configuration,
/// arguments as an array.
final class SSHSmartConnection: SmartConnection {
  private let request: WorkerRequest
  private let place: String
  private let arguments: [String]
  private var stream: SSHSmartStream?

  init?(_ location: SourceURL, request: WorkerRequest) {
    guard case .ssh(let user, let host, let port, let path) = location else { return nil }
    self.request = request
    place = location.place
    arguments =
      SSHArguments(
        user: user, host: host, port: port, path: path, credentials: request.credentials
      ).list
  }

  /// One session carries both the listing and what follows.
  func stream(listing: Bool) throws(SourceError) -> any SmartStream {
    let new = try SSHSmartStream(
      arguments, place: place, errorFile: "\(request.credentials.scratch)/ssh-errors",
      deadline: request.configuration.deadlines, agentSocket: request.credentials.agentSocket)
    stream = new
    return new
  }

  func close() {
    stream?.end()
    stream = nil
  }
}

/// The command line of `ssh`.
struct SSHArguments {
  let user: String?
  let host: String
  let port: Int?
  let path: String
  let credentials: WorkerCredentials

  var list: [String] {
    var options = [
      "BatchMode=yes", "StrictHostKeyChecking=yes", "GlobalKnownHostsFile=/dev/null",
      "UserKnownHostsFile=\(credentials.knownHostsFile ?? "/dev/null")", "UpdateHostKeys=no",
      "ConnectTimeout=10", "ServerAliveInterval=10", "ServerAliveCountMax=3", "LogLevel=ERROR",
      "ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes", "ControlPath=none",
      "PermitLocalCommand=no", "PasswordAuthentication=no", "KbdInteractiveAuthentication=no",
    ]
    if let file = credentials.identityFile {
      options += ["IdentitiesOnly=yes", "IdentityFile=\(file)"]
    } else {
      options.append("IdentityFile=none")
    }
    if let socket = credentials.agentSocket {
      options.append("IdentityAgent=\(socket)")
    } else {
      options.append("IdentityAgent=none")
    }
    var list = ["/usr/bin/ssh", "-F", "/dev/null", "-T", "-x"]
    for option in options { list += ["-o", option] }
    if let port { list += ["-p", String(port)] }
    if let user { list += ["-l", user] }
    // `SourceURL` has refused quotes, so the quotes around the path hold.
    list += ["--", host, "git-upload-pack '\(path)'"]
    return list
  }
}

private final class SSHSmartStream: SmartStream {
  private let pid: pid_t
  private let place: String
  private let errorFile: String
  private let input: Descriptor
  private let output: Descriptor
  private let deadline: ContinuousClock.Instant
  private var hasEnded = false

  init(
    _ arguments: [String], place: String, errorFile: String, deadline: SourceDeadlines,
    agentSocket: String?
  ) throws(SourceError) {
    var toChild: [Int32] = [-1, -1]
    var fromChild: [Int32] = [-1, -1]
    guard pipe2(&toChild, O_CLOEXEC) == 0, pipe2(&fromChild, O_CLOEXEC) == 0 else {
      throw .worker("no pipe: \(String(cString: strerror(errno)))")
    }
    let childInput = Descriptor(toChild[0])
    let childOutput = Descriptor(fromChild[1])
    input = Descriptor(toChild[1])
    output = Descriptor(fromChild[0])
    let errors = Descriptor(open(errorFile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
    self.place = place
    self.errorFile = errorFile
    self.deadline = ContinuousClock.now + deadline.list + deadline.fetch
    pid = try ChildProcess.spawn(
      arguments, ["PATH=/usr/bin:/bin", "LC_ALL=C"], ownSession: false,
      descriptors: [childInput.number, childOutput.number, errors.number])
    viridian_set_nonblocking(input.number)
  }

  deinit { end() }

  func end() {
    guard !hasEnded else { return }
    hasEnded = true
    input.close()
    output.close()
    kill(pid, SIGKILL)
    _ = ChildProcess.reap(pid)
  }

  func read(into target: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    while true {
      try wait(output, POLLIN)
      let count = Glibc.read(output.number, target.baseAddress, target.count)
      if count > 0 { return count }
      if count < 0 && errno == EINTR { continue }
      throw reason()
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(SourceError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      try wait(input, POLLOUT)
      let count = Glibc.write(
        input.number, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
      guard count > 0 else { throw reason() }
      rest = rest.dropFirst(count)
    }
  }

  private func wait(_ descriptor: Descriptor, _ event: Int32) throws(SourceError) {
    while true {
      let left = ContinuousClock.now.duration(to: deadline).wholeMilliseconds
      guard left > 0 else {
        throw .timedOut("\(place): the Git server did not finish within the deadline")
      }
      var polled = pollfd(fd: descriptor.number, events: Int16(event), revents: 0)
      if poll(&polled, 1, Int32(min(left, 60_000))) > 0 { return }
    }
  }

  /// What ssh said before it ended.
  private func reason() -> SourceError {
    let file = Descriptor(open(errorFile, O_RDONLY | O_CLOEXEC))
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = max(0, Glibc.read(file.number, &bytes, bytes.count))
    let text = String(decoding: bytes[..<count], as: UTF8.self)
      .split(whereSeparator: \.isNewline).map(String.init)
    let last = text.last { !$0.isEmpty } ?? "the connection was closed"
    let all = text.joined(separator: " ")
    if all.contains("Host key verification failed") || all.contains("host key is known") {
      return .untrusted(
        "\(place): the host key is not the one in the source's knownHosts file: find out why, then correct it"
      )
    }
    if all.contains("Permission denied") {
      return .denied("\(place) refuses our ssh key: \(last)")
    }
    if all.contains("does not appear to be a git repository") {
      return .missing("\(place) has no such repository, or hides it from us")
    }
    return .unreachable("\(place): ssh: \(last)")
  }
}
