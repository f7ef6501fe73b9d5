import Foundation
package import GitSource

extension AgentConfiguration {
  /// Where stacks and router of a platform lie.
  package func directory(of entry: PlatformEntry) -> String {
    entry.directory ?? "\(state)/\(entry.name)"
  }

  /// The single-writer lease lies in the first platform's scope, not with the state: two agents
  /// with states of their own must still meet there.
  package var leasePath: String {
    "\(directory(of: platforms.first ?? PlatformEntry()))/agent.lease"
  }

  /// Stacks are there from an earlier agent.
  package var hasStacks: Bool {
    platforms.contains { entry in
      let path = "\(directory(of: entry))/stacks"
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      return names.contains { !$0.hasPrefix(".") }
    }
  }

  /// The source worker's own user where the agent may change to one.
  package var workerUser: WorkerUser {
    let isLocal = sources.contains {
      $0.source.url.hasPrefix("/") || $0.source.url.hasPrefix("file:")
    }
    return getuid() == 0 && !isLocal ? .dedicated : .agent
  }

  /// Others may pass through the state's folder (the source worker has a user of its own), but
  /// not look into it; what is secret in it is 0600.
  package func prepareDirectories() throws {
    var folders = [state, "\(state)/git"]
    for entry in platforms { folders.append(directory(of: entry)) }
    for path in folders {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    }
  }
}
