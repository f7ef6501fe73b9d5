/// Why the agent does not start, or stops.
package enum AgentError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Wrong configuration or missing part; the text says where and what to do.
  case startup(String)
  /// Another agent works in this scope.
  case leaseHeld(path: String, by: String)
  /// The lease file was replaced: somebody else may be writing, so this process must end (S14).
  case leaseLost(path: String)

  package var description: String {
    switch self {
    case .startup(let text): text
    case .leaseHeld(let path, let holder):
      "another agent works here: \(holder) (lease \(path)); stop it, or give this one a scope of its own"
    case .leaseLost(let path):
      "the lease file \(path) was replaced while this agent was working; it stops so that two agents never write"
    }
  }
}
