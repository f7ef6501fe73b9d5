import Glibc
import KeeperKit

/// Why something cannot be started now, for people: what it needs outside the stack is missing. It
/// is tried again soon, and counts as no exit of an instance.
struct LaunchWait: Error { var reason: String }

/// Gathers everything that one process of the stack starts with.
struct CommandLaunch {
  let layout: StackLayout
  let plan: KeeperPlan
  let cgroup: StackCgroup
  let logs: LogRotation

  func request(instance: Int) throws(LaunchWait) -> SpawnRequest {
    let port = plan.ports[instance]
    guard port == 0 || PortProbe.isFree(port) else {
      throw LaunchWait(reason: "port \(port) of instance \(instance) is taken by somebody else")
    }
    let environment = plan.environment(instance, layout, secrets: try secrets())
    do throws(HostError) {
      return try request(
        plan.arguments(instance), environment, output: try logs.open(instance), .instance(instance))
    } catch {
      throw LaunchWait(reason: "instance \(instance): \(error)")
    }
  }

  func request(task: TaskOrder) throws(LaunchWait) -> SpawnRequest {
    let environment = plan.environment(task, layout, secrets: try secrets())
    do throws(HostError) {
      return try request(
        task.command, environment, output: try logs.open(layout.task(task.name)), .task(task.name))
    } catch {
      throw LaunchWait(reason: "task \(task.name): \(error)")
    }
  }

  /// In the instance's own environment.
  func request(check: CheckOrder, of instance: Int) throws(LaunchWait) -> SpawnRequest {
    var environment = plan.environment(instance, layout, secrets: try secrets())
    environment[KeeperPlan.checkMark.name] = KeeperPlan.checkMark.value
    do throws(HostError) {
      let output = try Descriptor(
        open: layout.checkLog(instance), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW)
      return try request(
        plan.arguments(check, instance), environment, output: output, .check(instance))
    } catch {
      throw LaunchWait(reason: "\(error)")
    }
  }

  private func request(
    _ arguments: [String], _ environment: [String: String], output: Descriptor,
    _ leaf: CgroupLeaf
  ) throws(HostError) -> SpawnRequest {
    var request = SpawnRequest(
      path: Executable.path(arguments.first ?? "", environment), arguments: arguments,
      environment: environment, directory: plan.directory(layout), output: output)
    request.cgroups = try cgroup.make(leaf.name, limits: plan.limits)
    request.user = try user()
    return request
  }

  private func secrets() throws(LaunchWait) -> [String: String] {
    guard let path = plan.secrets else { return [:] }
    do throws(HostError) {
      if let values = try HostFile.decode([String: String].self, from: path) { return values }
    } catch .system(let what, let code) {
      throw LaunchWait(reason: "\(HostError.system(what: what, errno: code))")
    } catch {
      // The error of a decoder may quote what it could not read.
      throw LaunchWait(reason: "the secrets' file \(path) is damaged")
    }
    throw LaunchWait(reason: "the secrets are not there (\(path)); the agent writes them again")
  }

  private func user() throws(HostError) -> HostUser? {
    guard let name = plan.user else { return nil }
    guard let user = HostUser(named: name) else {
      throw .malformed(path: "user \(name)", reason: "this host does not know it")
    }
    return user
  }
}
