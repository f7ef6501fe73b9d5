import Model

/// One stack as it really is.
final class LiveStack {
  let certificate: BirthCertificate
  let behaviour: Behaviour
  /// The first of its ports; no other stack has them.
  let port: Int
  let bornAt: Moment
  var phase = StackPhase.launching("unpacking")
  var launchedAt: Moment?
  var intended = 0
  /// So many run once it is launched.
  let first: Int
  var restarts = 0
  var lastExit: String?
  /// Fields that somebody changed (nil: deleted).
  var drift: [FieldPath: String?] = [:]
  var unreadable: Set<FieldPath> = []
  /// Nothing of it answers before that moment, although it runs.
  var sickUntil: Moment = 0
  /// Somebody starts again what dies.
  var hasKeeper = true
  var instances: [Instance]
  var tasks: [String: TaskObservation.State] = [:]

  struct Instance {
    var startedAt: Moment?
    /// Rises when it starts or ends: what was planned for an earlier life of it is void.
    var life = 0
    /// Probes that passed in a row, as they were answered, and when the last one did.
    var streak = 0
    var passedAt: Moment?
  }

  /// What the program does, by the first letters of its version.
  enum Behaviour: String, CaseIterable, Sendable {
    case good
    /// Takes six times as long until it answers.
    case slow
    /// Answers that it is not healthy.
    case silent
    /// Ends soon after each start.
    case crashing
    /// Healthy at first, and then for ever not.
    case dying
    /// The launch fails, by its own fault.
    case failing
    /// The launch fails, by the platform's fault.
    case unlucky
    /// Healthy, and one of five requests to it fails.
    case erring
    /// Healthy, and answers its tests wrongly.
    case buggy
    /// The same as soon as it has traffic.
    case weary
    /// Its jobs fail.
    case unprepared

    init(version: String) {
      self = Self.allCases.first { version.hasPrefix($0.rawValue) } ?? .good
    }
  }

  init(_ certificate: BirthCertificate, first: Int?, port: Int, at now: Moment) {
    self.first = first ?? certificate.spec.instances
    self.certificate = certificate
    self.port = port
    bornAt = now
    behaviour = Behaviour(version: certificate.version)
    instances = Array(repeating: Instance(), count: certificate.spec.instances)
  }

  var id: StackID { certificate.stack }
  var declared: Int { certificate.spec.instances }
  var running: Int { instances.count { $0.startedAt != nil } }
  var gate: HealthGate { certificate.spec.health }
  /// It was complete, and is so still or cannot go.
  var isLaunched: Bool {
    switch phase {
    case .complete: true
    case .stuck: launchedAt != nil
    case .launching, .failed, .retiring: false
    }
  }
  var isLaunching: Bool { if case .launching = phase { true } else { false } }

  func answers(_ index: Int, at now: Moment, startTime: Int) -> Bool {
    guard let started = instances[index].startedAt, now >= sickUntil else { return false }
    let age = now - started
    switch behaviour {
    case .good, .crashing, .failing, .unlucky, .erring, .buggy, .weary, .unprepared:
      return age >= startTime
    case .slow: return age >= startTime * 6
    case .silent: return false
    case .dying: return age >= startTime && now < (launchedAt ?? now) + startTime + 4000
    }
  }

  func healthy(at now: Moment, startTime: Int) -> Int {
    instances.indices.count { answers($0, at: now, startTime: startTime) }
  }

  /// Instances that have answered within `time`, or do so now: as healthy as anybody can know.
  func lately(_ time: Int, at now: Moment, startTime: Int) -> Int {
    instances.indices.count { index in
      answers(index, at: now, startTime: startTime)
        || instances[index].passedAt.map { now - $0 <= time } ?? false
    }
  }

  var endpoints: [Endpoint] {
    guard certificate.traffic != .none, phase == .complete, intended > 0 else { return [] }
    return (0..<intended).map { Endpoint(instance: $0, host: "127.0.0.1", port: port + $0) }
  }

  var observation: StackObservation {
    var observation = StackObservation(
      certificate: certificate, phase: phase,
      capacity: Capacity(declared: declared, intended: intended, running: running),
      endpoints: endpoints, restarts: restarts, lastExit: lastExit)
    if !tasks.isEmpty {
      observation.tasks = tasks.sorted { $0.key < $1.key }.map {
        TaskObservation(name: $0.key, state: $0.value)
      }
    }
    return observation
  }

  var inspection: Inspection {
    let release = FieldPath("release", "/files/app")
    let declared = [release: certificate.stackDigest.short]
    var readings = declared.mapValues { FieldReading.value($0) }
    readings[FieldPath("release", "/inode")] = .value("\(certificate.launch)")
    for (field, value) in drift { readings[field] = value.map { .value($0) } ?? .absent }
    for field in unreadable { readings[field] = .unreadable(reason: "permission denied") }
    return Inspection(
      schema: 1, readings: readings, declared: declared,
      exhaustive: [FieldPath("release", "/files")])
  }
}
