import Glibc
import KeeperKit
import Model
import PlatformKit

/// Orders tasks of a launched stack: each is written down once, and a keeper runs it.
struct TaskOrders: Sendable {
  let site: Site
  let files: StackFiles

  /// Level-triggered: an order that stands is not written again, one that has ended needs nothing,
  /// and in between there is a keeper.
  func run(_ task: StackTask, _ certificate: BirthCertificate) throws(PlatformError) {
    let name = site.name(certificate)
    guard case .ours(let found) = try files.entry(name), found.launch == certificate.launch else {
      throw .rejected(fault: .platform, "there is no stack \(name) of this launch")
    }
    let order = try order(task, certificate)
    let layout = site.layout(name)
    let facts = try onHost { () throws(HostError) in
      try Observer(site: site, files: files).facts(certificate, try Census())
    }
    guard facts.retiring == nil else {
      throw .waiting("\(certificate.stack) is being retired")
    }
    guard facts.hasPlan else { throw .waiting("\(certificate.stack) is not launched yet") }
    if let keeper = facts.status, facts.keeperLives,
      keeper.schema < KeeperStatus.schemaWithTasks
    {
      throw .rejected(
        fault: .platform,
        "the keeper of \(certificate.stack) is older than tasks: they need a newer stack")
    }
    try place(order, layout, certificate)
    let hasEnded = try onHost { () throws(HostError) in
      try HostFile.exists(layout.task(order.name).end)
    }
    if !hasEnded { try KeeperStart(site: site).run(certificate) }
  }

  /// The order as a keeper gets it.
  private func order(
    _ task: StackTask, _ certificate: BirthCertificate
  ) throws(PlatformError) -> TaskOrder {
    let texts = task.command + task.environment.flatMap { [$0.key, $0.value] }
    guard TaskOrder.isName(task.name) else {
      throw Self.refusal("\"\(task.name)\" is no name of a task: a-z, 0-9 and -, at most 63")
    }
    guard task.command.first?.isEmpty == false else {
      throw Self.refusal("the task \(task.name) has no command")
    }
    guard !texts.contains(where: { $0.utf8.contains(0) }),
      !task.environment.keys.contains(where: { $0.isEmpty || $0.contains("=") })
    else {
      throw Self.refusal("the task \(task.name) has a NUL byte, or a variable without a name")
    }
    guard !task.command.contains(where: { $0.contains("${secret:") }) else {
      throw Self.refusal(
        "task \(task.name): a secret in the command would be readable by everybody on the host")
    }
    guard task.deadline.milliseconds > 0 else {
      throw Self.refusal("the task \(task.name) has no time to run")
    }
    return TaskOrder(
      name: task.name, command: task.command.map { site.fill($0, certificate) },
      environment: task.environment.mapValues { site.fill($0, certificate) },
      deadlineMilliseconds: task.deadline.milliseconds)
  }

  private static func refusal(_ text: String) -> PlatformError {
    .rejected(fault: .stack, text)
  }

  /// The task's directory appears with its order inside, or not at all; who comes second finds it.
  private func place(
    _ order: TaskOrder, _ layout: StackLayout, _ certificate: BirthCertificate
  ) throws(PlatformError) {
    let (known, names) = try onHost { () throws(HostError) in
      (
        try HostFile.decode(TaskOrder.self, from: layout.task(order.name).order),
        try TaskFiles(layout).names()
      )
    }
    if let known {
      guard known == order else {
        throw .rejected(
          fault: .platform,
          "\(certificate.stack) was told to run another task \(order.name) before")
      }
      return
    }
    guard names.count < TaskOrder.mostPerStack else {
      throw Self.refusal("\(certificate.stack) has more than \(TaskOrder.mostPerStack) tasks")
    }
    failpoint("local.task.before-order")
    let incoming = TaskLayout(
      directory: "\(layout.tasks)/.\(order.name)-\(UInt64.random(in: 0...UInt64.max))")
    try onHost { () throws(HostError) in
      try HostDirectory.make(layout.tasks)
      try HostFile.syncDirectory(layout.directory)
      try HostDirectory.make(incoming.directory)
      try HostFile.write(try HostFile.json(order), to: incoming.order)
    }
    failpoint("local.task.order-written")
    do throws(HostError) {
      try HostDirectory.rename(incoming.directory, toNew: layout.task(order.name).directory)
      try HostFile.syncDirectory(layout.tasks)
    } catch {
      try onHost { () throws(HostError) in try HostDirectory.remove(incoming.directory) }
      guard error.code == EEXIST else { throw .transient("\(error)") }
      throw .conflict("the task \(order.name) was ordered by somebody else just now")
    }
    failpoint("local.task.after-order")
  }
}
