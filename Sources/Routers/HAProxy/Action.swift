import Model

/// One thing the shell does. Decided by `Convergence` and `RoutePlan`, tested as values.
enum Action: Hashable, Sendable {
  /// Writes the target's configuration and map files, on disk when done.
  case writeFiles(StoredRoute)
  case writeGlobalFile
  case run(pid: Int, [Command])
  /// Swaps the target's whole map in one instant.
  case commitMap(pid: Int, [String: String])
  /// Ends what is left of a server's sessions; counted before.
  case cut(pid: Int, Slot, server: String, Generation, sessions: Int)

  /// The worker it is done in.
  var worker: Int? {
    switch self {
    case .writeFiles, .writeGlobalFile: nil
    case .run(let pid, _), .commitMap(let pid, _), .cut(let pid, _, _, _, _): pid
    }
  }
}

/// The commands of one server.
struct ServerCommands {
  let key: TargetKey
  let slot: Slot

  private func path(_ name: String) -> String { "\(key.backend(slot))/\(name)" }

  /// Adds a server that gets nothing before HAProxy's own check has passed: HAProxy takes a new
  /// server for healthy, so it is marked down while it drains, and only then made ready.
  func add(_ name: String, _ line: String) -> [Command] {
    [
      Command(text: "add server \(path(name)) \(line)", answers: ["New server registered"])
    ] + prove(name)
  }

  /// Makes a server ready that nobody has checked for a while. Checks begin when it is down: a check
  /// before would make the next one come a whole interval later.
  func prove(_ name: String) -> [Command] {
    [
      Command(text: "set server \(path(name)) state drain"),
      Command(text: "set server \(path(name)) health down"),
      enableHealth(name),
      ready(name),
    ]
  }

  func ready(_ name: String) -> Command { Command(text: "set server \(path(name)) state ready") }
  func enableHealth(_ name: String) -> Command { Command(text: "enable health \(path(name))") }
  func weigh(_ name: String) -> Command { Command(text: "set weight \(path(name)) 1") }

  func unlimit(_ name: String) -> Command { Command(text: "set maxconn server \(path(name)) 0") }

  func move(_ name: String, to endpoint: Endpoint) -> Command {
    Command(
      text: "set server \(path(name)) addr \(endpoint.host) port \(endpoint.port)",
      answers: ["IP changed", "port changed", "no need to change", "nothing changed"])
  }

  func stop(_ name: String) -> Command { Command(text: "set server \(path(name)) state maint") }
  func delete(_ name: String) -> Command {
    Command(text: "del server \(path(name))", answers: ["Server deleted"])
  }
}
