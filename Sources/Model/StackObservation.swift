/// What a platform saw of one stack with one complete, fresh read.
package struct StackObservation: Hashable, Codable, Sendable {
  package var certificate: BirthCertificate
  package var phase: StackPhase
  package var capacity: Capacity
  /// Where the running instances answer; empty for workers and parked stacks.
  package var endpoints: [Endpoint] = []
  /// Restarts of instances since launch that the platform did not ask for.
  package var restarts: Int = 0
  /// The newest unasked exits, for people: `instance 1: exit status 3`.
  package var lastExit: String?
  /// What was asked to run once; nil: none ever was.
  package var tasks: [TaskObservation]?
  package init(
    certificate: BirthCertificate, phase: StackPhase, capacity: Capacity,
    endpoints: [Endpoint] = [], restarts: Int = 0, lastExit: String? = nil
  ) {
    self.certificate = certificate
    self.phase = phase
    self.capacity = capacity
    self.endpoints = endpoints
    self.restarts = restarts
    self.lastExit = lastExit
  }

  package var id: StackID { certificate.stack }
}

/// How far a stack's launch, parking or retirement has come, as the world shows it.
package enum StackPhase: Hashable, Codable, Sendable {
  /// The launch is under way; the text says what it is doing.
  case launching(String)
  /// Everything the launch creates exists; `capacity` says what runs.
  case complete
  /// The launch, or a complete stack, has failed for good.
  case failed(FaultClass, reason: String)
  /// Retirement is under way.
  case retiring
  /// Cannot go on without a person: isolated and alerted.
  case stuck(reason: String)
}

/// Whose fault a failure is.
package enum FaultClass: String, Hashable, Codable, Sendable {
  /// The stack's own: quarantines the digest.
  case stack
  /// Throttling, quota, fetch, router, disk, reboot: never quarantines; same generation, back-off.
  case platform
  /// Nothing could be shown either way.
  case noEvidence
}

/// Numbers of instances.
package struct Capacity: Hashable, Codable, Sendable {
  package enum Owner: String, Codable, Sendable {
    case viridian
    case autoscaler
  }

  /// As the spec declares.
  package var declared: Int
  /// As the platform was last told: 0 (parked) to `declared`.
  package var intended: Int
  /// Processes, tasks or pods that run.
  package var running: Int
  package var owner: Owner = .viridian
  package init(declared: Int, intended: Int, running: Int, owner: Owner = .viridian) {
    self.declared = declared
    self.intended = intended
    self.running = running
    self.owner = owner
  }
}

/// Where one instance answers.
package struct Endpoint: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
  /// From 0.
  package var instance: Int
  package var host: String
  package var port: Int
  package init(instance: Int, host: String, port: Int) {
    self.instance = instance
    self.host = host
    self.port = port
  }

  package var description: String { "\(host):\(port)" }
  package static func < (a: Self, b: Self) -> Bool {
    (a.instance, a.host, a.port) < (b.instance, b.host, b.port)
  }
}

/// Everything one platform showed in one complete listing.
package struct LiveState: Hashable, Codable, Sendable {
  /// Stacks whose certificate has a valid MAC of ours.
  package var stacks: [StackObservation] = []
  /// Objects that look like ours but carry no valid certificate: reported, never touched.
  package var foreign: [ForeignObject] = []
  package init(stacks: [StackObservation] = [], foreign: [ForeignObject] = []) {
    self.stacks = stacks
    self.foreign = foreign
  }
}

/// Something that looks like ours but is not.
package struct ForeignObject: Hashable, Codable, Sendable {
  /// The platform's own immutable id.
  package var identity: String
  /// The name it bears, which may clash with one that we want.
  package var name: String
  package var reason: String
  package init(identity: String, name: String, reason: String) {
    self.identity = identity
    self.name = name
    self.reason = reason
  }
}

/// A value that was read, or why it could not be: "unknown" permits only waiting and reporting.
package enum Observed<Value: Hashable & Codable & Sendable>: Hashable, Codable, Sendable {
  case known(Value)
  case unknown(reason: String)

  package var value: Value? {
    guard case .known(let value) = self else { return nil }
    return value
  }
}
