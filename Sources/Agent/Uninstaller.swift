import Model
import Planning
package import PlatformKit

/// Removes what the agent has made in one place: the routes, then the stacks.
package struct Uninstaller: Sendable {
  private let place: Executor.Place
  /// How long a stack may take to stop and go, beyond its drain.
  private static let patience = Duration.seconds(120)

  package init(place: Executor.Place) { self.place = place }

  /// Refuses while foreign objects are there, because their directory would go with ours. The
  /// answer is the names of the stacks that were removed.
  package func run(say: (String) -> Void) async throws(PlatformError) -> [String] {
    let foreign = try await place.platform.observe().foreign
    guard foreign.isEmpty else {
      let names = foreign.map(\.name).joined(separator: ", ")
      throw .rejected(
        fault: .platform,
        "nothing was removed: these are not provably ours: \(names); are owner and identity key the ones they were launched with?"
      )
    }
    try await place.router.uninstall()
    say("the router is stopped")
    let end = ContinuousClock.now + Self.patience
    var removed: Set<String> = []
    while true {
      let live = try await place.platform.observe()
      guard !live.stacks.isEmpty else { return removed.sorted() }
      guard ContinuousClock.now < end else {
        let left = live.stacks.map { $0.id.name() }.joined(separator: ", ")
        throw .transient("these stacks are still there after \(Self.patience.text): \(left)")
      }
      for stack in live.stacks {
        if removed.insert(stack.id.name()).inserted { say("retiring \(stack.id.name())") }
        do throws(PlatformError) {
          try await place.platform.retire(stack.certificate)
        } catch .waiting {
          continue
        }
      }
      try? await Task.sleep(for: .milliseconds(50))
    }
  }
}
