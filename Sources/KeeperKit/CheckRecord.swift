/// A health check that is a command, as the plan has it.
package struct CheckOrder: Hashable, Codable, Sendable {
  /// `${port}` is still symbolic.
  package var command: [String]
  /// From the end of one run to the start of the next.
  package var intervalMilliseconds: Int
  /// A run that takes longer is killed, and has failed.
  package var timeoutMilliseconds: Int
  package init(command: [String], intervalMilliseconds: Int, timeoutMilliseconds: Int) {
    self.command = command
    self.intervalMilliseconds = intervalMilliseconds
    self.timeoutMilliseconds = timeoutMilliseconds
  }

  /// Two runs further apart have nobody looking between them, and are not in a row.
  package var longestGapMilliseconds: Int { intervalMilliseconds * 2 + timeoutMilliseconds }
}

/// How one run of the check ended; only the newest of each instance is kept.
package struct CheckOutcome: Hashable, Codable, Sendable {
  package var instance: Int
  /// The instance that was checked; it means nothing for the one after it.
  package var process: ProcessIdentity
  /// When the run ended, on the boot clock; no two runs of one instance end in the same one.
  package var milliseconds: Int
  /// Runs of this process that passed in a row, this one included; 0: it failed.
  package var passes: Int
  /// `exit status 1`; nil when it passed.
  package var failure: String?
  /// The end of what a run that failed wrote, as it was written.
  package var output: String
  package init(
    instance: Int, process: ProcessIdentity, milliseconds: Int, passes: Int, failure: String?,
    output: String
  ) {
    self.instance = instance
    self.process = process
    self.milliseconds = milliseconds
    self.passes = passes
    self.failure = failure
    self.output = output
  }
}
