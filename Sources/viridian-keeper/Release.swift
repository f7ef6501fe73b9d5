import CHost
import Glibc
import KeeperKit
import PlatformKit

/// Makes the release of a stack from its archive, in a child that a hostile archive may kill.
struct Release {
  enum Outcome {
    case made
    /// The archive's own fault.
    case refused(String)
    /// Disk, memory, a killed child: tried again.
    case failed(String)
    /// The stack is being retired.
    case cancelled
  }

  let layout: StackLayout
  let plan: KeeperPlan

  private var incoming: String { "\(layout.directory)/\(StackLayout.incomingPrefix)release" }
  private var incomingManifest: String {
    "\(layout.directory)/\(StackLayout.incomingPrefix)manifest.json"
  }
  private var words: String { "\(layout.directory)/\(StackLayout.incomingPrefix)words" }

  func make() throws(HostError) -> Outcome {
    // A keeper that was killed left these; a release without its manifest was never finished.
    for path in [incoming, incomingManifest, words, layout.release] {
      try HostDirectory.remove(path)
    }
    guard let code = try runChild() else {
      if try HostFile.exists(layout.retiring) { return .cancelled }
      return .failed("unpacking took longer than \(plan.unpack.deadlineSeconds) s")
    }
    let text = try HostFile.text(words) ?? ""
    try HostDirectory.remove(words)
    switch code {
    case 0: break
    case Unpacking.refusedCode: return .refused(text)
    default: return .failed(text.isEmpty ? "unpacking ended with \(code)" : text)
    }
    failpoint("keeper.after-unpack")
    try HostDirectory.rename(incoming, toNew: layout.release)
    try HostFile.syncDirectory(layout.directory)
    failpoint("keeper.after-release")
    // The manifest is the last: where it is, the release is whole.
    guard rename(incomingManifest, layout.manifest) == 0 else {
      throw .system(what: "cannot rename to \(layout.manifest)", errno: errno)
    }
    try HostFile.syncDirectory(layout.directory)
    failpoint("keeper.after-manifest")
    return .made
  }

  /// The exit code, 128 + signal for a killed child, nil when it took too long or is in vain.
  private func runChild() throws(HostError) -> Int32? {
    // By its name a package may have replaced it, or be about to.
    let program = "/proc/self/exe"
    let output = try Descriptor(open: words, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
    var request = SpawnRequest(
      path: program,
      arguments: [
        program, "unpack", plan.archive, plan.archiveSHA256, incoming, incomingManifest,
        String(plan.unpack.entries), String(plan.unpack.bytes),
        String(plan.unpack.deadlineSeconds),
      ], environment: Self.testSwitches, directory: layout.directory, output: output)
    request.diesWithParent = true
    let child = try request.fork()
    try child.release()
    let end = Host.millisecondsSinceBoot + plan.unpack.deadlineSeconds * 1000
    let pidfd = Descriptor(adopting: chost_pidfd_open(child.pid))
    var poll = pollfd(fd: pidfd.number, events: Int16(POLLIN), revents: 0)
    var status: Int32 = 0
    while Host.millisecondsSinceBoot < end, try !HostFile.exists(layout.retiring) {
      // A retirement waits for us: it is looked for this often.
      _ = Glibc.poll(&poll, 1, 100)
      if waitpid(child.pid, &status, WNOHANG) == child.pid {
        return chost_exited(status) != 0
          ? chost_exit_code(status) : 128 + chost_term_signal(status)
      }
    }
    kill(child.pid, SIGKILL)
    waitpid(child.pid, nil, 0)
    return nil
  }

  /// The failpoints of tests reach the child as well; nothing else does.
  private static var testSwitches: [String: String] {
    var variables: [String: String] = [:]
    for name in ["VIRIDIAN_FAILPOINT", "VIRIDIAN_FAILPOINT_FILE"] {
      if let value = getenv(name) { variables[name] = String(cString: value) }
    }
    return variables
  }
}
