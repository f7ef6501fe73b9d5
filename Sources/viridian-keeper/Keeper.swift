import CHost
import Glibc
import KeeperKit
import PlatformKit

/// Starts the instances of one stack and keeps them running, with or without the agent; runs its
/// tasks, each at most once.
///
/// One keeper lives per stack: the lock says which. It dies without its instances, and its
/// successor takes them over by their identity; nothing is ever started twice, because a child's
/// identity is on disk before it may run.
struct Keeper {
  /// A release that cannot be made for want of disk or archive is tried again, ever more slowly.
  private static let longestUnpackDelayMilliseconds = 30_000

  private let layout: StackLayout
  private let plan: KeeperPlan
  private var crew: Crew
  private var tasks: Tasks
  /// nil: health is looked at over the network, or not by commands.
  private var checks: Checks?
  private var exits = ExitWords()
  private let watch: Watch
  private var unpackDelayMilliseconds = 1000
  private var unpackNotBefore = 0
  private var complaint = ""
  /// There is no release, and never will be.
  private var isRefused = false

  /// Returns when there is nothing left to keep; the answer is the exit code.
  static func run(_ layout: StackLayout) throws(HostError) -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    failpoint("keeper.before-lock")
    // Whoever orders a task and finds the lock held starts no other keeper: once it is given back it is looked
    // once more.
    while try keep(layout), try Tasks.areOrdered(in: layout) { say("a task was ordered meanwhile") }
    return 0
  }

  /// Until there is nothing left to keep, or somebody else keeps it, which is false.
  private static func keep(_ layout: StackLayout) throws(HostError) -> Bool {
    guard let lock = try FileLock.take(layout.lock) else {
      say("another keeper is at work")
      return false
    }
    failpoint("keeper.after-lock")
    guard let plan = try HostFile.decode(KeeperPlan.self, from: layout.plan) else {
      throw .malformed(path: layout.plan, reason: "is not there")
    }
    // What instances leave behind becomes our child, so that it can be reaped.
    _ = chost_become_subreaper()
    var keeper = try Keeper(layout, plan)
    while try lock.isStillNamed(layout.lock) {
      if keeper.isDone() {
        failpoint("keeper.before-unlock")
        return !keeper.isRefused
      }
    }
    say("keeper.lock was removed: its new file's owner goes on")
    return false
  }

  private init(_ layout: StackLayout, _ plan: KeeperPlan) throws(HostError) {
    let cgroup = StackCgroup(path: plan.cgroup)
    let launch = CommandLaunch(
      layout: layout, plan: plan, cgroup: cgroup, logs: LogRotation(layout: layout))
    let remnants = Remnants(layout: layout, cgroup: cgroup)
    self.layout = layout
    self.plan = plan
    crew = try Crew(layout, plan, launch, remnants)
    tasks = try Tasks(layout, plan, launch, remnants)
    checks = try Checks(layout, plan, launch, remnants)
    watch = Watch(layout)
  }

  /// One step. A full disk must not end the keeper: without it, nothing that dies comes back.
  private mutating func isDone() -> Bool {
    do throws(HostError) {
      let isDone = try step()
      complaint = ""
      return isDone
    } catch {
      if complaint != "\(error)" { say("\(error)") }
      complaint = "\(error)"
      watch.wait(processes: [], milliseconds: 1000)
      return false
    }
  }

  private mutating func step() throws(HostError) -> Bool {
    let isRetiring = try HostFile.exists(layout.retiring)
    let intended = isRetiring ? 0 : try self.intended()
    // Never under what lives, whoever removed the manifest.
    if !isRetiring, crew.isEmpty, tasks.awaited.isEmpty, try !hasRelease() {
      guard let isRefused = try unpack() else { return false }
      self.isRefused = isRefused
      if isRefused { return true }
    }
    exits.reap(awaited: Set(crew.awaited + tasks.awaited + (checks?.awaited ?? [])))
    try crew.step(intended: intended, at: Host.millisecondsSinceBoot, &exits)
    try tasks.step(isRetiring: isRetiring, at: Host.millisecondsSinceBoot, &exits)
    try checks?.step(crew.serving, at: Host.millisecondsSinceBoot, &exits)
    if intended == 0, crew.isEmpty, tasks.isEmpty, checks?.isEmpty ?? true { return true }
    watch.wait(
      processes: crew.processes + tasks.awaited + (checks?.awaited ?? []),
      milliseconds: min(crew.milliseconds, tasks.milliseconds, checks?.milliseconds ?? 1000))
    return false
  }

  /// Absent: as planned. What cannot be read as a number changes nothing.
  private func intended() throws(HostError) -> Int {
    guard let text = try HostFile.text(layout.intended) else { return plan.declared }
    return Int(text).map { max(0, min($0, plan.declared)) } ?? plan.declared
  }

  private func hasRelease() throws(HostError) -> Bool {
    guard try HostFile.exists(layout.manifest) else { return false }
    return try HostFile.exists(layout.release)
  }

  /// Whether the archive is refused; nil when there is no answer yet.
  private mutating func unpack() throws(HostError) -> Bool? {
    let now = Host.millisecondsSinceBoot
    guard now >= unpackNotBefore else {
      watch.wait(processes: [], milliseconds: min(1000, unpackNotBefore - now))
      return nil
    }
    // A waiting that lasts stays one while it is tried again.
    if unpackNotBefore == 0 { try crew.report(.unpacking) }
    failpoint("keeper.before-unpack")
    switch try Release(layout: layout, plan: plan).make() {
    case .made: return false
    case .cancelled: return nil
    case .refused(let reason):
      say("the artifact is refused: \(reason)")
      try crew.report(.failed(reason: "the artifact is refused: \(reason)"))
      return true
    case .failed(let reason):
      say(reason)
      try crew.report(.waiting(reason: reason))
      unpackNotBefore = Host.millisecondsSinceBoot + unpackDelayMilliseconds
      unpackDelayMilliseconds = min(
        unpackDelayMilliseconds * 2, Self.longestUnpackDelayMilliseconds)
      return nil
    }
  }
}
