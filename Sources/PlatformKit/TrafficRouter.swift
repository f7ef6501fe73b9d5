package import Model

/// What holds the routes.
package protocol TrafficRouter: Sendable {
  /// The routes as every live thing that routes shows them; a target that cannot be read for
  /// certain is `.unknown`. Never from memory, never from the file just written.
  func read() async throws(PlatformError) -> [TargetID: Observed<RouteObservation>]

  /// Makes `route` true at once and durably, or changes nothing. A route without backends creates
  /// the frontend. `revision`: what `read` gave; nil for a route that does not exist yet.
  ///
  /// Errors: `.conflict` when somebody wrote since; `.waiting` while a batched reload is pending.
  func apply(_ route: Route, ifRevision revision: String?) async throws(PlatformError)

  /// Removes the target's frontend and backends; the caller has shown that they carry nothing.
  func remove(_ target: TargetID, ifRevision revision: String?) async throws(PlatformError)

  /// Stops routing and removes everything that the router made on this host: for `uninstall`.
  func uninstall() async throws(PlatformError)

  /// Where the agent reaches the route's preview, without a path: `http://127.0.0.1:8081`; nil: it has none.
  func previewAddress(of route: Route) -> String?

  /// What the router can do.
  var limits: RouterLimits { get }
}

package struct RouterLimits: Hashable, Sendable {
  /// Stacks of one target that fit behind its route at the same time.
  package var stacksPerRoute: Int
  /// Weights are met exactly, not rounded.
  package var weightsAreExact: Bool
  /// After so long every reading shows a write that has ended, as its maker documents it; zero: the next
  /// one does. Until then nothing is taken away by what is read (S4, S13).
  package var propagation: Duration
  package init(stacksPerRoute: Int, weightsAreExact: Bool, propagation: Duration) {
    self.stacksPerRoute = stacksPerRoute
    self.weightsAreExact = weightsAreExact
    self.propagation = propagation
  }
}
