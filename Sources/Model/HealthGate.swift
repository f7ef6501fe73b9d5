/// When an instance counts as healthy; part of the stack.
package struct HealthGate: Hashable, Codable, Sendable {
  package enum Check: Hashable, Codable, Sendable {
    /// The instance runs and has not been restarted meanwhile.
    case running
    /// A TCP connection to the instance's own endpoint opens.
    case tcp
    /// A GET of `path` at the instance's own endpoint answers with one of `expect`.
    case http(path: String, expect: [Int])
    /// A command of the release ends with status 0, run beside the instance in its own environment.
    case command([String])
  }

  package var check: Check = .running
  /// Time between two probes of one instance.
  package var interval: Duration = .seconds(1)
  /// How long one probe may take.
  package var timeout: Duration = .seconds(2)
  /// Consecutive passes of every declared instance until the gate passes.
  package var healthyAfter: Int = 3
  /// Accumulated time from launch until the gate has failed.
  package var deadline: Duration = .seconds(120)
  package init(
    check: Check = .running, interval: Duration = .seconds(1), timeout: Duration = .seconds(2),
    healthyAfter: Int = 3, deadline: Duration = .seconds(120)
  ) {
    self.check = check
    self.interval = interval
    self.timeout = timeout
    self.healthyAfter = healthyAfter
    self.deadline = deadline
  }

  var canonical: CanonicalValue {
    let standard = HealthGate()
    func milliseconds(_ path: KeyPath<HealthGate, Duration>) -> CanonicalValue? {
      self[keyPath: path] == standard[keyPath: path]
        ? nil : .integer(self[keyPath: path].wholeMilliseconds)
    }
    return .present([
      "check": check == standard.check ? nil : check.canonical,
      "intervalMilliseconds": milliseconds(\.interval),
      "timeoutMilliseconds": milliseconds(\.timeout),
      "healthyAfter": healthyAfter == standard.healthyAfter ? nil : .integer(healthyAfter),
      "deadlineMilliseconds": milliseconds(\.deadline),
    ])
  }
}

extension HealthGate.Check {
  var canonical: CanonicalValue {
    switch self {
    case .running: "running"
    case .tcp: "tcp"
    case .http(let path, let expect):
      ["http": ["path": .string(path), "expect": .array(expect.sorted().map { .integer($0) })]]
    case .command(let words): ["command": .array(words.map { .string($0) })]
    }
  }
}
