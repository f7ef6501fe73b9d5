/// A command that runs at most once for a digest, in the release of the stack that is launched for it.
package struct JobDeclaration: Hashable, Codable, Sendable {
  package enum Time: String, Codable, Sendable, CaseIterable {
    /// Before any instance of the stack starts.
    case before
    /// Once its instances have passed their gate, before it has traffic.
    case after
  }

  /// Unique among the jobs of an application.
  package var name: String
  package var time: Time
  package var command: [String]
  /// From its start until it is ended, and has failed.
  package var deadline: Duration
  /// The old stack may not be able to serve after it: no failure leads back to that.
  package var isIrreversible: Bool
  package init(
    name: String, time: Time, command: [String], deadline: Duration = .seconds(600),
    isIrreversible: Bool = false
  ) {
    self.name = name
    self.time = time
    self.command = command
    self.deadline = deadline
    self.isIrreversible = isIrreversible
  }

  package var task: StackTask {
    StackTask(name: "\(time.rawValue)-\(name)", command: command, deadline: deadline)
  }

  /// How long it may take, and what its failure means, is no part of the stack.
  var canonical: CanonicalValue {
    [
      "name": .string(name), "time": .string(time.rawValue),
      "command": .array(command.map { .string($0) }),
    ]
  }
}
