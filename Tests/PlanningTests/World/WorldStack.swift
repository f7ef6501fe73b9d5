import Model
import Planning

/// One stack as it really is.
struct WorldStack {
  /// What the program in it does.
  struct Behaviour {
    var isUnhealthy = false
    var crashes = false
    /// How long an instance takes until it answers.
    var startTime: Duration = .seconds(1)
    /// The launch ends with this.
    var failure: StackPhase?
    /// Added to the time that the launch takes.
    var launchTime: Duration = .zero
    /// What its tests say that fail; nil: they pass.
    var testFailure: String?
    /// How its jobs fail; nil: they succeed.
    var jobFailure: String?
    var jobTime: Duration = .seconds(2)
    /// They pass as long as it has no traffic.
    var failsTestsServing = false
    /// A keeper goes on with the launch, once it was asked for.
    var hasKeeper = false
  }

  struct Instance {
    var isRunning = false
    var age: Duration = .zero
    /// How long it has been gone although it is meant to run.
    var missing: Duration = .zero
    /// Consecutive passes that the prober saw.
    var streak = 0
  }

  let certificate: BirthCertificate
  var behaviour: Behaviour
  var phase: StackPhase
  var launchRemaining: Duration
  var intended = 0
  /// So many run once it is launched.
  private let first: Int
  var restarts = 0
  var lastExit: String?
  /// Fields that somebody changed (nil: deleted).
  var drift: [FieldPath: String?] = [:]
  var unreadable: Set<FieldPath> = []
  private(set) var instances: [Instance]
  private var tasks: [WorldTask] = []

  struct WorldTask {
    var name: String
    var remaining: Duration
    var state = TaskObservation.State.running
  }

  init(
    _ certificate: BirthCertificate, _ behaviour: Behaviour, launchTime: Duration, first: Int? = nil
  ) {
    self.first = first ?? certificate.spec.instances
    self.certificate = certificate
    self.behaviour = behaviour
    phase = .launching("unpacking")
    launchRemaining = launchTime + behaviour.launchTime
    instances = Array(repeating: Instance(), count: certificate.spec.instances)
  }

  var declared: Int { certificate.spec.instances }
  var running: Int { instances.count(where: \.isRunning) }
  var healthy: Int { instances.count(where: answers) }
  var proven: Int { instances.count { $0.streak >= certificate.spec.health.healthyAfter } }

  var endpoints: [Endpoint] {
    guard certificate.traffic != .none, phase == .complete, intended > 0 else { return [] }
    let base = 10_000 + certificate.stack.generation.number * 10
    return (0..<intended).map { Endpoint(instance: $0, host: "127.0.0.1", port: base + $0) }
  }

  var observation: StackObservation {
    var observation = StackObservation(
      certificate: certificate, phase: phase,
      capacity: Capacity(declared: declared, intended: intended, running: running),
      endpoints: endpoints, restarts: restarts, lastExit: lastExit)
    if !tasks.isEmpty {
      observation.tasks = tasks.map {
        TaskObservation(name: $0.name, state: $0.state, output: behaviour.jobFailure ?? "ok")
      }
    }
    return observation
  }

  /// Asked again it is the same one.
  mutating func begin(_ task: StackTask) {
    guard !tasks.contains(where: { $0.name == task.name }) else { return }
    tasks.append(WorldTask(name: task.name, remaining: behaviour.jobTime))
  }

  private mutating func work(_ time: Duration) {
    for index in tasks.indices where tasks[index].state == .running {
      tasks[index].remaining -= time
      guard tasks[index].remaining <= .zero else { continue }
      tasks[index].state =
        behaviour.jobFailure == nil ? .succeeded : .failed(reason: "exit status 1")
    }
  }

  /// Nobody can say any more how what runs ends.
  mutating func loseTasks() {
    for index in tasks.indices where tasks[index].state == .running {
      tasks[index].state = .lost(reason: "the host was restarted")
    }
  }

  var probe: ProbeReport? {
    guard intended > 0 else { return nil }
    let failure = healthy < intended ? "an instance does not answer" : nil
    return ProbeReport(healthy: healthy, proven: proven, age: .zero, lastFailure: failure)
  }

  var inspection: Inspection {
    let release = FieldPath("release", "/files/app")
    let environment = FieldPath("stack", "/environment")
    let settled = FieldPath("release", "/inode")
    let declared = [
      release: certificate.stackDigest.short,
      environment: certificate.spec.workload["environment"]?.json ?? "",
    ]
    var readings = declared.mapValues { FieldReading.value($0) }
    readings[settled] = .value("inode-\(certificate.stack.generation.number)")
    for (field, value) in drift { readings[field] = value.map { .value($0) } ?? .absent }
    for field in unreadable { readings[field] = .unreadable(reason: "permission denied") }
    return Inspection(
      schema: 1, readings: readings, declared: declared,
      exhaustive: [FieldPath("release", "/files")])
  }

  /// One request to go on with the launch; the answer is what its caller is told.
  mutating func goOn(_ time: Duration) -> ActionOutcome.Result {
    switch phase {
    case .launching:
      guard !behaviour.hasKeeper else { return .done }
      launch(time)
      return isLaunching ? .waiting("launching") : .done
    case .complete:
      return .done
    case .failed(let fault, let reason): return .rejected(fault, reason)
    case .retiring: return .conflict("it is being retired")
    case .stuck(let reason): return .rejected(.platform, reason)
    }
  }

  private var isLaunching: Bool { if case .launching = phase { true } else { false } }

  private mutating func launch(_ time: Duration) {
    launchRemaining -= time
    guard launchRemaining <= .zero else { return }
    phase = behaviour.failure ?? .complete
    // Restarted, it runs what it was meant to run.
    if phase == .complete { run(intended > 0 ? intended : first) }
  }

  /// Starts what is missing and stops what is too much.
  mutating func run(_ count: Int) {
    intended = count
    for index in instances.indices {
      let shouldRun = index < count
      if shouldRun != instances[index].isRunning { instances[index] = Instance() }
      instances[index].isRunning = shouldRun
    }
  }

  mutating func loseInstances(_ count: Int) {
    var left = count
    for index in instances.indices where instances[index].isRunning && left > 0 {
      instances[index] = Instance()
      left -= 1
    }
  }

  /// Nothing of it runs, and nobody is there to start it; what is parked needs nobody.
  mutating func loseKeeper(because reason: String) {
    loseInstances(.max)
    behaviour.hasKeeper = false
    guard phase == .complete, intended > 0 else { return }
    phase = .launching(reason)
    launchRemaining = .zero
  }

  mutating func forgetProbes() {
    for index in instances.indices { instances[index].streak = 0 }
  }

  mutating func advance(_ time: Duration) {
    if isLaunching, behaviour.hasKeeper { launch(time) }
    work(time)
    if phase == .complete { heal(time) }
    for index in instances.indices where instances[index].isRunning {
      instances[index].age += time
      if behaviour.crashes {
        restarts += 1
        lastExit = "instance \(index): exit status 3"
        instances[index].age = .zero
      }
      let probes = max(1, Int(time / certificate.spec.health.interval))
      instances[index].streak = answers(instances[index]) ? instances[index].streak + probes : 0
    }
  }

  /// The platform brings back what is meant to run, with or without the agent.
  private mutating func heal(_ time: Duration) {
    for index in instances.indices where index < intended && !instances[index].isRunning {
      instances[index].missing += time
      guard instances[index].missing >= .seconds(3) else { continue }
      instances[index] = Instance(isRunning: true)
      restarts += 1
    }
  }

  private func answers(_ instance: Instance) -> Bool {
    instance.isRunning && instance.age >= behaviour.startTime && !behaviour.isUnhealthy
  }
}
