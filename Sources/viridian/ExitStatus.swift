import ArgumentParser

extension ExitCode {
  /// Differences or drift.
  static let differences = ExitCode(1)
  static let error = ExitCode(2)
  /// The rollout failed, or the time was over.
  static let rolloutFailed = ExitCode(3)
}

/// An error for people: printed as it is, exit code 2.
struct Complaint: Error, CustomStringConvertible {
  let description: String
  init(_ text: String) { description = text }
}
