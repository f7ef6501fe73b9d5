import Glibc
import KeeperKit

/// Why an instance cannot be started now, for people: something outside the stack is missing. It
/// is tried again soon, and counts as no exit of the instance's.
struct LaunchWait: Error { var reason: String }

/// Gathers everything that one instance starts with.
struct InstanceLaunch {
  let layout: StackLayout
  let plan: KeeperPlan
  let cgroup: StackCgroup
  let logs: LogRotation

  func request(_ instance: Int) throws(LaunchWait) -> SpawnRequest {
    let port = plan.ports[instance]
    guard port == 0 || PortProbe.isFree(port) else {
      throw LaunchWait(reason: "port \(port) of instance \(instance) is taken by somebody else")
    }
    let arguments = plan.arguments(instance)
    let environment = plan.environment(instance, layout, secrets: try secrets())
    do throws(HostError) {
      var request = SpawnRequest(
        path: Executable.path(arguments.first ?? "", environment), arguments: arguments,
        environment: environment, directory: plan.directory(layout),
        output: try logs.open(instance))
      request.cgroups = try cgroup.make(StackCgroup.leaf(instance), limits: plan.limits)
      request.user = try user()
      return request
    } catch {
      throw LaunchWait(reason: "instance \(instance): \(error)")
    }
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
