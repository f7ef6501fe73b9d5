/// Where everything of one stack lies.
package struct StackLayout: Hashable, Sendable {
  /// The stack's directory, absolute.
  package let directory: String
  package init(directory: String) { self.directory = directory }

  /// Written first, never changed.
  package var certificate: String { "\(directory)/certificate.json" }
  /// Written once by the agent, read by the keeper.
  package var plan: String { "\(directory)/plan.json" }
  /// How many instances should run; absent: as planned. Written by the agent.
  package var intended: String { "\(directory)/intended" }
  /// Written by the keeper, read by the agent.
  package var status: String { "\(directory)/status.json" }
  /// Held by the living keeper.
  package var lock: String { "\(directory)/keeper.lock" }
  package var keeperLog: String { "\(directory)/keeper.log" }
  /// Its presence says that the stack is being retired: nothing starts again.
  package var retiring: String { "\(directory)/retiring" }
  /// The unpacked artifact, read-only.
  package var release: String { "\(directory)/release" }
  /// What the release held when it was unpacked.
  package var manifest: String { "\(directory)/manifest.json" }
  package var logs: String { "\(directory)/logs" }
  /// HOME and TMPDIR of the instances: the only place they are given to write to.
  package var scratch: String { "\(directory)/scratch" }

  /// One directory for each task that was ever ordered.
  package var tasks: String { "\(directory)/tasks" }

  /// What the health check showed, where it is a command, and what its runs wrote.
  package var checks: String { "\(directory)/checks" }
  /// `[CheckOutcome]`, by the keeper.
  package var checkOutcomes: String { "\(checks)/outcomes.json" }
  package func checkLog(_ instance: Int) -> String { "\(checks)/instance-\(instance).log" }

  package func task(_ name: String) -> TaskLayout { TaskLayout(directory: "\(tasks)/\(name)") }
  package func log(_ instance: Int) -> String { "\(logs)/instance-\(instance).log" }
  package static let incomingPrefix = "incoming-"
}
