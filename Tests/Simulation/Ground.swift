import Model
import PlatformKit
import Support

/// The platform's and the router's ground truth: what runs and what routes, whatever anybody has read.
final class Ground {
  private let timeline: Timeline
  private let setup: Setup
  private(set) var stacks: [StackID: LiveStack] = [:]
  var foreign: [ForeignObject] = []
  private(set) var routes: [TargetID: Written] = [:]
  private var shown: [TargetID: Written?] = [:]
  private var ports: [Int: (stack: LiveStack, index: Int)] = [:]
  private var nextPort = 10_000
  /// Not older than a listing may be.
  private var listings: [(at: Moment, listing: LiveState)] = []
  private var writes = 0
  private var traffic = SplitTraffic()
  private var countedUntil: [TargetID: Moment] = [:]
  /// Since when a stack has had no traffic that had some.
  private(set) var leftAt: [StackID: Moment] = [:]
  /// When somebody else than the agent last changed anything of a target.
  var touchedAt: [TargetID: Moment] = [:]

  struct Written {
    var route: Route
    var revision: String
  }

  init(_ setup: Setup, _ timeline: Timeline) { (self.setup, self.timeline) = (setup, timeline) }

  var now: Moment { timeline.now }

  func stacks(of target: TargetID) -> [LiveStack] {
    stacks.values.filter { $0.id.target == target }.sorted { $0.id < $1.id }
  }

  func healthy(_ stack: LiveStack) -> Int {
    stack.healthy(at: now, startTime: setup.startMilliseconds)
  }

  func lately(_ stack: LiveStack, _ time: Int) -> Int {
    stack.lately(time, at: now, startTime: setup.startMilliseconds)
  }

  func weight(_ stack: StackID) -> Int {
    routes[stack.target]?.route.weightPercent(of: stack.generation) ?? 0
  }

  func at(_ endpoint: Endpoint) -> (stack: LiveStack, index: Int)? { ports[endpoint.port] }

  // MARK: - Stacks

  /// As it is.
  var listing: LiveState {
    LiveState(stacks: stacks.values.map(\.observation).sorted { $0.id < $1.id }, foreign: foreign)
  }

  /// As somebody has seen it since `age` ago, or as it is.
  func listing(of age: Int) -> LiveState {
    let current = listing
    guard setup.listingMilliseconds > 0 else { return current }
    listings.removeAll { now - $0.at > setup.listingMilliseconds }
    listings.append((now, current))
    return listings.first { now - $0.at <= age }?.listing ?? current
  }

  /// While the host slept, readings that are late have come to show everything.
  func catchUp() {
    listings = []
    shown = [:]
  }

  /// `first`: so many instances run once it is launched; nil: all.
  func ensure(_ certificate: BirthCertificate, first: Int?) throws(PlatformError) {
    let id = certificate.stack
    if foreign.contains(where: { $0.name == id.name() }) {
      throw .conflict("the name \(id.name()) is taken by an object that is not ours")
    }
    let stack = stacks[id] ?? create(certificate, first: first)
    guard stack.certificate.launch == certificate.launch else {
      throw .conflict("\(id) exists with another launch")
    }
    switch stack.phase {
    case .launching:
      restart(id)
      if setup.launchesOnlyWhenAsked { goOn(stack) }
      if stack.isLaunching { throw .waiting("launching") }
    case .complete: break
    case .failed(.stack, let reason): throw .rejected(fault: .stack, reason)
    case .failed(_, let reason), .stuck(let reason): throw .rejected(fault: .platform, reason)
    case .retiring: throw .conflict("it is being retired")
    }
  }

  private func create(_ certificate: BirthCertificate, first: Int?) -> LiveStack {
    let stack = LiveStack(certificate, first: first, port: nextPort, at: now)
    for index in stack.instances.indices { ports[nextPort + index] = (stack, index) }
    nextPort += 16
    stacks[stack.id] = stack
    if !setup.launchesOnlyWhenAsked {
      timeline.plan(after: setup.launchMilliseconds) { self.goOn(stack) }
    }
    return stack
  }

  private func goOn(_ stack: LiveStack) {
    guard stack.isLaunching, now - stack.bornAt >= setup.launchMilliseconds,
      stacks[stack.id] === stack
    else { return }
    stack.launchedAt = stack.launchedAt ?? now
    switch stack.behaviour {
    case .failing: stack.phase = .failed(.stack, reason: "exit status 1")
    case .unlucky: stack.phase = .failed(.platform, reason: "disk full")
    case .good, .slow, .silent, .crashing, .dying, .erring, .buggy, .weary, .unprepared:
      stack.phase = .complete
      stack.hasKeeper = true
      run(stack, stack.intended > 0 ? stack.intended : stack.first)
    }
  }

  func setInstances(_ count: Int, of certificate: BirthCertificate) throws(PlatformError) {
    guard let stack = stacks[certificate.stack], stack.certificate.launch == certificate.launch
    else { throw .conflict("\(certificate.stack) is not there") }
    guard (0...stack.declared).contains(count) else {
      throw .rejected(fault: .platform, "\(count) of \(stack.declared)")
    }
    run(stack, count)
  }

  /// A job that has succeeded, of a target's digest.
  struct Job: Hashable {
    var target: TargetID
    var digest: Digest
    var task: String
    init(_ certificate: BirthCertificate, _ task: String) {
      (target, digest) = (certificate.stack.target, certificate.stackDigest)
      self.task = task
    }
  }

  private(set) var doneJobs: Set<Job> = []

  /// Asked again it is the same one.
  func run(_ task: StackTask, of certificate: BirthCertificate) throws(PlatformError) {
    guard let stack = stacks[certificate.stack], stack.certificate.launch == certificate.launch
    else { throw .conflict("\(certificate.stack) is not there") }
    guard stack.phase == .complete else { throw .transient("it is not complete") }
    guard stack.tasks[task.name] == nil else { return }
    stack.tasks[task.name] = .running
    timeline.plan(after: setup.jobMilliseconds ?? 500) {
      guard stack.tasks[task.name] == .running else { return }
      let isDone =
        task.name.hasPrefix("test-")
        ? !self.failsTests(stack) : stack.behaviour != .unprepared
      stack.tasks[task.name] = isDone ? .succeeded : .failed(reason: "exit status 1")
      if isDone { self.doneJobs.insert(Job(certificate, task.name)) }
    }
  }

  /// The first request stops it, a later one finds it gone.
  func retire(_ certificate: BirthCertificate) throws(PlatformError) {
    guard let stack = stacks[certificate.stack] else { return }
    guard stack.certificate.launch == certificate.launch else { throw .conflict("another launch") }
    if case .stuck(let reason) = stack.phase { throw .rejected(fault: .platform, reason) }
    guard stack.phase == .retiring else {
      run(stack, 0)
      stack.phase = .retiring
      throw .waiting("stopping")
    }
    remove(stack)
  }

  func remove(_ stack: LiveStack) {
    run(stack, 0)
    for (name, state) in stack.tasks where state == .running {
      stack.tasks[name] = .lost(reason: "it was removed")
    }
    for index in stack.instances.indices { ports[stack.port + index] = nil }
    stacks[stack.id] = nil
  }

  /// What was removed is there again, and so are its processes.
  func putBack(_ stack: LiveStack, _ intended: Int, _ instances: [LiveStack.Instance]) {
    guard stacks[stack.id] == nil else { return }
    stacks[stack.id] = stack
    for index in stack.instances.indices { ports[stack.port + index] = (stack, index) }
    stack.intended = intended
    revive(stack, instances, was: stack.lastExit)
  }

  /// Starts what is missing and stops what is too much.
  func run(_ stack: LiveStack, _ count: Int) {
    stack.intended = count
    for index in stack.instances.indices {
      let isRunning = stack.instances[index].startedAt != nil
      if index < count, !isRunning { start(stack, index) }
      if index >= count, isRunning { end(stack, index) }
    }
  }

  private func start(_ stack: LiveStack, _ index: Int) {
    stack.instances[index].life += 1
    stack.instances[index].startedAt = now
    guard stack.behaviour == .crashing else { return }
    let life = stack.instances[index].life
    timeline.plan(after: 300) {
      guard stack.instances[index].life == life else { return }
      self.die(stack, index, "exit status 3")
    }
  }

  private func end(_ stack: LiveStack, _ index: Int) {
    stack.instances[index].life += 1
    stack.instances[index].startedAt = nil
    stack.instances[index].streak = 0
  }

  /// It ends although nobody asked for that, and is started again.
  func die(_ stack: LiveStack, _ index: Int, _ why: String) {
    guard stack.instances[index].startedAt != nil else { return }
    end(stack, index)
    stack.lastExit = "instance \(index): \(why)"
    let life = stack.instances[index].life
    timeline.plan(after: setup.healMilliseconds) {
      guard stack.instances[index].life == life, stack.hasKeeper, stack.phase == .complete,
        index < stack.intended, self.stacks[stack.id] === stack
      else { return }
      stack.restarts += 1
      self.start(stack, index)
    }
  }

  /// Nothing of it runs, and nobody is there to start it; what is parked needs nobody.
  func loseKeeper(_ stack: LiveStack, _ why: String) {
    for index in stack.instances.indices where stack.instances[index].startedAt != nil {
      end(stack, index)
    }
    stack.hasKeeper = false
    for (name, state) in stack.tasks where state == .running {
      stack.tasks[name] = .lost(reason: why)
    }
    guard stack.phase == .complete, stack.intended > 0 else { return }
    stack.phase = .launching(why)
    guard !setup.launchesOnlyWhenAsked else { return }
    // Asked for once, it comes back by itself: see `restart`.
    restarting.insert(stack.id)
  }

  private var restarting: Set<StackID> = []

  private func restart(_ id: StackID) {
    guard restarting.remove(id) != nil, let stack = stacks[id] else { return }
    timeline.plan(after: 200) { self.goOn(stack) }
  }

  // MARK: - Routes

  private func failsTests(_ stack: LiveStack) -> Bool {
    stack.behaviour == .buggy || (stack.behaviour == .weary && weight(stack.id) > 0)
  }

  /// What a test is answered that is sent to the preview of the target of that name.
  func test(_ name: String) -> TestResult {
    guard let route = routes.values.map(\.route).first(where: { "\($0.target)" == name }),
      let stack = route.preview.flatMap({ stacks[StackID(route.target, $0)] }),
      healthy(stack) > 0
    else { return TestResult(.failed, "503") }
    return failsTests(stack) ? TestResult(.failed, "500") : TestResult(.passed, "200")
  }

  /// `isLate`: as it was before the last write, if that need not be shown yet.
  private func observation(_ target: TargetID, isLate: Bool) -> RouteObservation? {
    guard let written = (isLate ? shown[target] : nil) ?? routes[target] else { return nil }
    var up: [Generation: Int] = [:]
    var sessions: [Generation: Int] = [:]
    for backend in written.route.backends {
      let id = StackID(target, backend.generation)
      up[backend.generation] = stacks[id].map(healthy) ?? 0
      if isBusy(id) { sessions[backend.generation] = 1 }
    }
    return RouteObservation(
      route: written.route, revision: written.revision, findings: [], sessions: sessions,
      serversUp: up, isListening: true)
  }

  /// Connections that began while it had the traffic have not ended.
  func isBusy(_ stack: StackID) -> Bool {
    leftAt[stack].map { now - $0 < setup.sessionMilliseconds } ?? false
  }

  func observedRoutes(isLate: Bool = false) -> [TargetID: Observed<RouteObservation>] {
    var result: [TargetID: Observed<RouteObservation>] = [:]
    for target in routes.keys.sorted() {
      if let observation = observation(target, isLate: isLate) {
        result[target] = .known(observation)
      }
    }
    return result
  }

  func check(_ target: TargetID, _ revision: String?) throws(PlatformError) {
    guard revision == routes[target]?.revision else {
      throw .conflict("the route is at \(routes[target]?.revision ?? "none")")
    }
  }

  /// Requests by stack and series, up to now.
  func counts(of targets: Set<TargetID>) -> [TargetID: [Generation: [String: RequestCounts]]] {
    var counts: [TargetID: [Generation: [String: RequestCounts]]] = [:]
    for target in targets {
      flow(target)
      counts[target] = traffic.counts(target, routes[target]?.route)
    }
    return counts
  }

  /// What was asked for by the split until now.
  private func flow(_ target: TargetID) {
    let erring = stacks(of: target).filter { $0.behaviour == .erring }.map(\.id.generation)
    traffic.flow(
      target, routes[target]?.route, milliseconds: now - (countedUntil[target] ?? now),
      perSecond: setup.requestsPerSecond ?? 0,
      // A fifth of its requests fails.
      errorPercent: Dictionary(erring.map { ($0, 20) }) { first, _ in first })
    countedUntil[target] = now
  }

  func loseRoute(_ target: TargetID) {
    flow(target)
    noteLeaving(target, routes[target]?.route.split ?? [:], [:])
    routes[target] = nil
    shown[target] = nil
  }

  func write(_ route: Route) {
    let target = route.target
    flow(target)
    writes += 1
    noteLeaving(target, routes[target]?.route.split ?? [:], route.split)
    if setup.propagationMilliseconds > 0 {
      let before = shown[target] ?? routes[target]
      shown.updateValue(before, forKey: target)
      let mine = writes
      timeline.plan(after: setup.propagationMilliseconds) {
        if self.routes[target]?.revision == "r\(mine)" { self.shown[target] = nil }
      }
    }
    routes[target] = Written(route: route, revision: "r\(writes)")
  }

  private func noteLeaving(
    _ target: TargetID, _ old: [Generation: Int], _ new: [Generation: Int]
  ) {
    for (generation, weight) in old where weight > 0 && (new[generation] ?? 0) == 0 {
      leftAt[StackID(target, generation)] = now
    }
    for (generation, weight) in new where weight > 0 { leftAt[StackID(target, generation)] = nil }
  }
}
