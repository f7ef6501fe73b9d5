import Glibc
import KeeperKit

/// Living processes of an instance, a check or a task, as the kernel knows them: whatever the records say,
/// nothing is started while one of them is there.
struct Remnants {
  let layout: StackLayout
  let cgroup: StackCgroup

  /// By the cgroup; by the environment where the host has no cgroup2.
  func processes(_ leaf: CgroupLeaf) throws(HostError) -> [HostProcess] {
    guard cgroup.hasMembership else {
      return try HostProcess.all().filter { isMarked($0.pid, leaf) }
    }
    return try cgroup.processes(leaf.name).compactMap(HostProcess.read).filter { !$0.isZombie }
  }

  /// Kills them all, those that have left the process group included.
  func kill(_ leaf: CgroupLeaf) throws(HostError) {
    try cgroup.kill(leaf.name)
    guard !cgroup.hasMembership else { return }
    for process in try processes(leaf) where process.identity.isAlive {
      Glibc.kill(process.pid, SIGKILL)
    }
  }

  /// The instance's first process, where a lost record does not say it: exactly one leads its
  /// group, was given our environment, and is nobody's child in there.
  func leader(_ instance: Int) throws(HostError) -> ProcessIdentity? {
    let found = try processes(.instance(instance))
    let inside = Set(found.map(\.pid))
    let leaders = found.filter {
      $0.pid == $0.group && !inside.contains($0.parent) && isMarked($0.pid, .instance(instance))
    }
    return leaders.count == 1 ? leaders[0].identity : nil
  }

  private func isMarked(_ pid: Int32, _ leaf: CgroupLeaf) -> Bool {
    do throws(HostError) {
      let strings = try HostProcess.strings(pid, "environ")
      guard strings.contains("HOME=\(layout.scratch)") else { return false }
      let mark = "\(KeeperPlan.checkMark.name)=\(KeeperPlan.checkMark.value)"
      switch leaf {
      case .instance(let number):
        return strings.contains("VIRIDIAN_INSTANCE=\(number)") && !strings.contains(mark)
      case .check(let number):
        return strings.contains("VIRIDIAN_INSTANCE=\(number)") && strings.contains(mark)
      case .task(let name): return strings.contains("VIRIDIAN_TASK=\(name)")
      }
    } catch {
      // Ended meanwhile, or not ours to read.
      return false
    }
  }
}
