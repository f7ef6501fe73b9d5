import CHost
import Glibc

/// A process to start. Nothing of the caller's leaks into it but what is written here.
package struct SpawnRequest: Sendable {
  /// An absolute path, or one with a slash below `directory`.
  package var path: String
  package var arguments: [String]
  package var environment: [String: String]
  package var directory: String
  /// Becomes standard output and standard error.
  package var output: Descriptor
  package var cgroups: [String] = []
  package var user: HostUser?
  package var detaches = false
  package var diesWithParent = false

  package init(
    path: String, arguments: [String], environment: [String: String], directory: String,
    output: Descriptor
  ) {
    self.path = path
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
    self.output = output
  }

  /// Forks a child that waits for `HeldProcess.release`, and ends by itself if the caller dies
  /// before: so its identity can be on disk before it runs, and it is never started twice.
  package func fork() throws(HostError) -> HeldProcess {
    var go: Int32 = -1
    var report: Int32 = -1
    let strings = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let pid = withCStrings(arguments) { argv in
      withCStrings(strings) { envp in
        withCStrings(cgroups) { procs in
          withCStrings([path, directory]) { paths in
            let groups = user?.groups ?? []
            return groups.withUnsafeBufferPointer { buffer in
              var spawn = chost_spawn()
              spawn.path = paths?[0]
              spawn.argv = argv
              spawn.envp = envp
              spawn.cwd = paths?[1]
              spawn.output = output.number
              spawn.cgroup_procs = procs
              spawn.groups = buffer.baseAddress
              spawn.group_count = buffer.count
              spawn.uid = user?.uid ?? 0
              spawn.gid = user?.gid ?? 0
              spawn.drops_user = user == nil ? 0 : 1
              spawn.detaches = detaches ? 1 : 0
              spawn.dies_with_parent = diesWithParent ? 1 : 0
              return chost_spawn_begin(&spawn, &go, &report)
            }
          }
        }
      }
    }
    guard pid >= 0 else { throw .system(what: "cannot start \(path)", errno: -pid) }
    return HeldProcess(pid: pid, go: go, report: report, path: path, directory: directory)
  }
}

/// A child that waits to be released.
package struct HeldProcess: Sendable {
  package let pid: Int32
  fileprivate let go: Int32
  fileprivate let report: Int32
  fileprivate let path: String
  fileprivate let directory: String

  /// Never lets it execute: it ends by itself. For a caller that lives on.
  package func abandon() {
    close(go)
    close(report)
  }

  /// Lets it execute; throws when it could not, and then it is gone.
  package func release() throws(HostError) {
    let code: Int32 = chost_spawn_go(go, report)
    guard code != 0 else { return }
    let stage = String(cString: chost_stage_name(code >> 16))
    let object = Int(code) >> 16 == CHOST_STAGE_CWD ? directory : path
    throw .system(what: "cannot \(stage) \(object)", errno: Int32(code) & 0xFFFF)
  }
}

/// A user of this host with all its groups.
package struct HostUser: Hashable, Sendable {
  package var uid: UInt32
  package var gid: UInt32
  package var groups: [UInt32]

  /// nil when the host does not know the name.
  package init?(named name: String) {
    guard let entry = getpwnam(name) else { return nil }
    uid = entry.pointee.pw_uid
    gid = entry.pointee.pw_gid
    var count: Int32 = 256
    var found = [gid_t](repeating: 0, count: Int(count))
    guard getgrouplist(name, gid, &found, &count) >= 0 else { return nil }
    groups = Array(found.prefix(Int(count)))
  }
}

private func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
  let copies = strings.map { strdup($0) }
  defer { for copy in copies { free(copy) } }
  let pointers: [UnsafePointer<CChar>?] = copies.map { $0.map { UnsafePointer($0) } } + [nil]
  return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
}
