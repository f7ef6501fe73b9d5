/// One task as the agent orders it: written once, before a keeper may start it.
package struct TaskOrder: Hashable, Codable, Sendable {
  /// More are no jobs and tests of one release, but a mistake that would fill the disk.
  package static let mostPerStack = 200
  /// A task's name is a directory and part of a cgroup's name.
  package static let longestName = 63

  /// Version of this form.
  package var schema = 1
  package var name: String
  /// Without a shell; nothing is substituted.
  package var command: [String]
  /// Beside the plan's own; `${secret:…}` is still symbolic.
  package var environment: [String: String]
  /// From its start.
  package var deadlineMilliseconds: Int

  package init(
    name: String, command: [String], environment: [String: String], deadlineMilliseconds: Int
  ) {
    self.name = name
    self.command = command
    self.environment = environment
    self.deadlineMilliseconds = deadlineMilliseconds
  }

  /// Of `a-z`, `0-9` and `-`, and not too long: nothing else becomes part of a path.
  package static func isName(_ text: String) -> Bool {
    (1...longestName).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2D
      }
  }
}

/// The mark that a task has begun: on disk before its process may run, and never taken back, so
/// that nothing can ever start it again.
package struct TaskStart: Hashable, Codable, Sendable {
  package var process: ProcessIdentity
  /// On the boot clock of the process's boot.
  package var milliseconds: Int
  package init(process: ProcessIdentity, milliseconds: Int) {
    self.process = process
    self.milliseconds = milliseconds
  }
}

/// How a task ended; written when nothing of it runs any more.
package enum TaskEnd: Hashable, Codable, Sendable {
  case succeeded
  /// `exit status 3`, or why it could not be executed.
  case failed(reason: String)
  /// It was ended at its deadline.
  case overdue
  /// It began, and nobody knows how it ended.
  case lost(reason: String)
}

/// Where the files of one task lie.
package struct TaskLayout: Hashable, Sendable {
  package let directory: String
  package init(directory: String) { self.directory = directory }

  /// `TaskOrder`, by the agent; appears together with the directory.
  package var order: String { "\(directory)/order.json" }
  /// `TaskStart`, by the keeper.
  package var start: String { "\(directory)/start.json" }
  /// `TaskEnd`, by the keeper.
  package var end: String { "\(directory)/end.json" }
  /// Both outputs of the task; bounded, with its older part beside it.
  package var log: String { "\(directory)/output.log" }
  package var olderLog: String { "\(log).1" }
}
