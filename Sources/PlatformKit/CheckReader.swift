package import Model

/// Reads what health checks that are commands have shown: the platform runs them beside the
/// instances, with or without an agent.
package protocol CheckReader: Sendable {
  /// The newest result of each instance that runs now and has one.
  func checks(of certificate: BirthCertificate) async throws(PlatformError) -> [CheckResult]
}

/// How one run of a health check ended.
package struct CheckResult: Hashable, Sendable {
  package var instance: Int
  /// Grows with every run of an instance's check: the same one again is the same result.
  package var serial: Int
  /// Runs that passed in a row while the instance's process was the same, and none left out; this
  /// one included. 0: it failed.
  package var passes: Int
  /// Why it failed, for people, with the end of what it wrote; nil when it passed.
  package var failure: String?
  /// Since the run's end.
  package var age: Duration
  package init(instance: Int, serial: Int, passes: Int, failure: String?, age: Duration) {
    self.instance = instance
    self.serial = serial
    self.passes = passes
    self.failure = failure
    self.age = age
  }
}
