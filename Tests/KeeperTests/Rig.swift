import Glibc
import KeeperKit
import Support
import Synchronization
import Testing

/// One stack directory with a real archive, kept by the real executable.
///
/// Removes everything it made when `close` is called: processes, cgroups and files.
final class Rig: Sendable {
  struct Failure: Error, CustomStringConvertible { var description: String }

  let root: String
  let layout: StackLayout
  let plan: KeeperPlan
  let cgroup: StackCgroup
  private let keepers = Mutex<[Int32]>([])

  /// `scripts`: shell programs of the release by name.
  init(
    _ command: [String] = ["./serve"], scripts: [String: String] = [:], instances: Int = 1,
    ports: [Int]? = nil, environment: [String: String] = [:], secrets: [String: String]? = nil,
    user: String? = nil,
    drainMilliseconds: Int = 2000, restart: RestartPolicy = .quick, archive: String? = nil,
    unpack: UnpackLimits = UnpackLimits(entries: 500, bytes: 1 << 20, deadlineSeconds: 120)
  ) throws {
    let name = "keeper-tests-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    root = "\(TemporaryDirectory.root)/\(name)"
    layout = StackLayout(directory: "\(root)/stack")
    try HostDirectory.make(root, mode: 0o711)
    try HostDirectory.make(layout.directory, mode: 0o711)
    let path = "\(root)/archive.tar.gz"
    if let archive {
      try Archives.make(Archives.script, [archive, path])
    } else {
      let all = scripts.merging(["serve": Self.serve]) { first, _ in first }
      try Archives.make(
        Archives.programs, [path] + all.flatMap { [$0.key, "#!/bin/sh\n\($0.value)"] })
    }
    cgroup = StackCgroup(path: "viridian/\(name)/stack")
    let file = try Descriptor(open: path, O_RDONLY)
    plan = KeeperPlan(
      stack: "web-test-v001", version: "1.10", archive: path,
      archiveSHA256: try FileHash.sha256(file, path), command: command,
      environment: environment, workingDirectory: nil, user: user, limits: InstanceLimits(),
      ports: ports ?? Array(repeating: 0, count: instances),
      secrets: secrets == nil ? nil : "\(root)/secrets.json",
      drainMilliseconds: drainMilliseconds, cgroup: cgroup.path, restart: restart, unpack: unpack)
    if let secrets, !secrets.isEmpty { try writeSecrets(secrets) }
    try HostFile.write(try HostFile.json(plan), to: layout.plan)
  }

  /// Notes each start, then lives until it is told to end.
  private static let serve = "echo $VIRIDIAN_INSTANCE >> $HOME/starts\nexec sleep 600\n"

  func writeSecrets(_ secrets: [String: String]) throws {
    try HostFile.write(try HostFile.json(secrets), to: "\(root)/secrets.json", mode: 0o400)
  }

  /// Starts a keeper; the answer is its pid. `script`: of the shell that becomes it at `%`.
  @discardableResult
  func keep(failpoint: String? = nil, by script: String = "umask 022; %") throws -> Int32 {
    let output = try Descriptor(open: layout.keeperLog, O_WRONLY | O_CREAT | O_APPEND)
    var environment = ["PATH": "/usr/bin:/bin"]
    if let failpoint {
      environment["VIRIDIAN_FAILPOINT"] = failpoint
      environment["VIRIDIAN_FAILPOINT_FILE"] = reached
    }
    let keeper = "exec \(try Self.program) run \(layout.directory)"
    let request = SpawnRequest(
      path: "/bin/sh", arguments: ["sh", "-c", script.replacing("%", with: keeper)],
      environment: environment, directory: "/", output: output)
    let child = try request.fork()
    try child.release()
    keepers.withLock { $0.append(child.pid) }
    return child.pid
  }

  /// Built beside the tests.
  static var program: String {
    get throws {
      "\(HostFile.parent(of: try HostFile.linkTarget("/proc/self/exe")))/viridian-keeper"
    }
  }

  private var reached: String { "\(root)/reached" }

  /// Waits until a keeper or its child stands still at the failpoint; the answer is its pid.
  func stopped() async throws -> Int32 {
    var pid: Int32?
    try await until("a failpoint is reached") {
      pid = try HostFile.text(reached)?.split(separator: " ").last.flatMap { Int32($0) }
      return pid != nil
    }
    return pid ?? 0
  }

  func intend(_ count: Int) throws {
    try HostFile.write(Array("\(count)\n".utf8), to: layout.intended)
  }

  var status: KeeperStatus? {
    get throws { try HostFile.decode(KeeperStatus.self, from: layout.status) }
  }

  func instance(_ number: Int) throws -> InstanceStatus {
    guard let status = try status, status.instances.count > number else { return InstanceStatus() }
    return status.instances[number]
  }

  /// One of the recorded processes that live; throws when there are fewer.
  func living(_ number: Int) throws -> Int32 {
    let all = try living()
    guard all.count > number else {
      throw HostError.malformed(path: layout.status, reason: "only \(all.count) live")
    }
    return all[number]
  }

  /// Pids of the recorded processes that live, by instance.
  func living() throws -> [Int32] {
    try (status?.instances ?? []).compactMap(\.process).filter(\.isAlive).map(\.pid)
  }

  /// Living processes inside the cgroup: what the kernel says, whatever the record does.
  func inside(_ instance: Int? = nil) throws -> [Int32] {
    try cgroup.processes(instance.map(StackCgroup.leaf)).filter {
      HostProcess.read($0).map { !$0.isZombie } ?? false
    }
  }

  /// Lines that the instances wrote to a file below HOME.
  func lines(_ name: String) throws -> [String] {
    (try HostFile.text("\(layout.scratch)/\(name)") ?? "").split(separator: "\n").map(String.init)
  }

  /// All instances run, each started as often as said.
  func untilRunning(_ count: Int = 1, keeper: Int32? = nil) async throws {
    try await until("\(count) instances run") {
      guard let status = try status, status.phase == .running else { return false }
      if let keeper, status.keeper.pid != keeper { return false }
      return try living().count == count && lines("starts").count >= count
    }
  }

  func until(
    _ what: String, seconds: Double = 60, _ condition: () throws -> Bool
  ) async throws {
    let end = Host.millisecondsSinceBoot + Int(seconds * 1000)
    while try !condition() {
      guard Host.millisecondsSinceBoot < end else {
        let log = try HostFile.text(layout.keeperLog) ?? ""
        throw Failure(description: "not in time: \(what); \(try describeStatus()); log: \(log)")
      }
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  private func describeStatus() throws -> String { try HostFile.text(layout.status) ?? "none" }

  /// Waits for the end of a keeper; the answer is its exit code, 128 + signal when killed.
  @discardableResult
  func end(of keeper: Int32, seconds: Double = 60) async throws -> Int32 {
    var status: Int32 = 0
    try await until("keeper \(keeper) ends", seconds: seconds) {
      waitpid(keeper, &status, WNOHANG) == keeper
    }
    keepers.withLock { all in all.removeAll { $0 == keeper } }
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }

  func killKeeper(_ keeper: Int32) async throws {
    kill(keeper, SIGKILL)
    try await end(of: keeper)
  }

  /// Ends everything and removes it; says what could not be removed.
  func close() async throws {
    endAll()
    try await until("nothing runs") { try inside().isEmpty && living().isEmpty }
    try await until("the cgroup can be removed") {
      do throws(HostError) {
        try cgroup.remove()
        return true
      } catch {
        guard error.code == EBUSY else { throw error }
        return false
      }
    }
    try HostDirectory.remove(root)
  }

  private func endAll() {
    let left = keepers.withLock { all in
      defer { all = [] }
      return all
    }
    for keeper in left {
      kill(keeper, SIGKILL)
      waitpid(keeper, nil, 0)
    }
    do {
      try cgroup.kill()
      for pid in try living() { kill(pid, SIGKILL) }
    } catch {
      Issue.record("cannot end \(root): \(error)")
    }
  }

  /// A test that failed on its way has not closed: nothing of it may run on.
  deinit { endAll() }
}

extension RestartPolicy {
  /// The usual policy in a hurry.
  static let quick = RestartPolicy(firstDelayMilliseconds: 20, longestDelayMilliseconds: 40)
}
