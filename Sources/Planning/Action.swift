package import Model

/// One side effect on one target. Executed by the agent, one at a time per target.
package enum Action: Hashable, Codable, Sendable {
  /// Launches the stack, or goes on with its launch.
  case ensure(LaunchOrder)
  /// Sets how many of the declared instances run: 0 parks.
  case setInstances(StackReference, count: Int)
  /// Makes the whole route true at once. At most one route write per target and pass.
  case route(Route, ifRevision: String?)
  case removeRoute(TargetID, ifRevision: String?)
  /// Runs a task in the release of the stack, at most once.
  case runTask(StackReference, StackTask)
  /// Removes a stack for good.
  case retire(StackReference)

  /// What kind of call it is, for back-off.
  package enum Verb: String, Hashable, Codable, Sendable, CodingKeyRepresentable {
    case launch
    case instances
    case route
    case retire
    case task
  }

  package var verb: Verb {
    switch self {
    case .ensure: .launch
    case .setInstances: .instances
    case .route, .removeRoute: .route
    case .retire: .retire
    case .runTask: .task
    }
  }

  /// The generation it concerns; nil for the route.
  package var generation: Generation? {
    switch self {
    case .ensure(let order): order.stack.generation
    case .setInstances(let stack, _), .runTask(let stack, _), .retire(let stack): stack.generation
    case .route, .removeRoute: nil
    }
  }
}

/// One launch: everything its birth certificate will say.
package typealias LaunchOrder = Shared<LaunchOrderFields>

/// The fields of `LaunchOrder`.
package struct LaunchOrderFields: Hashable, Codable, Sendable {
  package var stack: StackID
  package var source: SourceName
  package var commit: CommitID
  package var version: String
  package var platform: PlatformName
  package var spec: StackSpec
  package var declaredDigest: Digest
  package var stackDigest: Digest
  package var resolved: [ResolvedInput]
  package var traffic: TrafficPolicy
  /// So many of its instances run at first; nil: all that it declares.
  package var instances: Int?
}

extension LaunchOrder {
  package init(
    stack: StackID, source: SourceName, commit: CommitID, version: String, platform: PlatformName,
    spec: StackSpec, declaredDigest: Digest, stackDigest: Digest, resolved: [ResolvedInput],
    traffic: TrafficPolicy
  ) {
    self.init(
      LaunchOrderFields(
        stack: stack, source: source, commit: commit, version: version, platform: platform,
        spec: spec, declaredDigest: declaredDigest, stackDigest: stackDigest, resolved: resolved,
        traffic: traffic))
  }
}

/// A stack by its immutable identity: generation and launch token.
package struct StackReference: Hashable, Codable, Sendable {
  package var generation: Generation
  package var launch: String
  package init(generation: Generation, launch: String) {
    self.generation = generation
    self.launch = launch
  }
}

/// What the executor was told at the end of one action. Never a proof of what the world looks like.
package struct ActionOutcome: Hashable, Codable, Sendable {
  package enum Result: Hashable, Codable, Sendable {
    case done
    /// Under way, nothing is wrong.
    case waiting(String)
    /// Asked again with back-off.
    case transient(String)
    /// Somebody wrote first.
    case conflict(String)
    case rejected(FaultClass, String)
  }

  package var action: Action
  package var result: Result
  package init(action: Action, result: Result) {
    self.action = action
    self.result = result
  }
}
