import Glibc

/// Places where a test may stop a process and kill it. Costs one comparison when unset.
package enum Failpoint {
  /// Every name, in the order in which a life passes them.
  package static let names = [
    "ledger.before-intent", "ledger.after-intent", "executor.before-action",
    "executor.before-ensure", "executor.after-action", "ledger.before-outcome",
    "ledger.after-outcome",
    "haproxy.start.before", "haproxy.start.after", "haproxy.reload.before",
    "haproxy.reload.after", "haproxy.apply.before-files", "haproxy.apply.between-files",
    "haproxy.apply.after-files", "haproxy.apply.between-commands",
    "haproxy.apply.before-commit-map", "haproxy.apply.after-commit-map", "haproxy.apply.before-cut",
    "local.ensure.before-certificate", "local.ensure.certificate-written",
    "local.ensure.after-certificate", "local.ensure.after-secrets", "local.ensure.before-plan",
    "local.ensure.after-plan", "local.ensure.before-keeper", "local.ensure.after-keeper",
    "keeper.before-lock", "keeper.after-lock", "keeper.before-unpack", "unpack.after-verify",
    "unpack.after-entry", "unpack.after-manifest", "keeper.after-unpack",
    "keeper.after-manifest", "keeper.after-release", "keeper.before-start", "keeper.after-fork",
    "keeper.after-record", "keeper.after-start", "keeper.before-stop", "keeper.after-stop",
    "local.instances.before-write", "local.instances.after-write", "local.retire.before-mark",
    "local.retire.after-mark", "local.retire.after-stop", "local.retire.after-cgroup",
    "local.retire.after-secrets", "local.retire.after-rename", "local.retire.after-remove",
  ]

  /// On the way of one task.
  package static let tasks = [
    "local.task.before-order", "local.task.order-written", "local.task.after-order",
    "keeper.before-task", "keeper.after-task-fork", "keeper.after-task-mark",
    "keeper.after-task-start", "keeper.before-task-end", "keeper.after-task-end",
    "keeper.before-unlock",
  ]

  private static let armed: String? = getenv("VIRIDIAN_FAILPOINT").map { String(cString: $0) }

  fileprivate static func reach(_ name: String) {
    guard name == armed else { return }
    if let file = getenv("VIRIDIAN_FAILPOINT_FILE"), let stream = fopen(file, "w") {
      fputs("\(name) \(getpid())\n", stream)
      fclose(stream)
    }
    kill(getpid(), SIGSTOP)
  }
}

/// Stops this process with SIGSTOP when `VIRIDIAN_FAILPOINT` names this place, after writing the
/// name and the pid to the file `VIRIDIAN_FAILPOINT_FILE`: a test then kills it from outside.
package func failpoint(_ name: String) { Failpoint.reach(name) }
