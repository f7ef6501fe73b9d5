import Model
import Planning

/// What holds the routes, and what of them can be read at the moment.
struct WorldRouter {
  /// What really routes.
  private(set) var routes: [TargetID: Written] = [:]
  /// What a read still shows until a write has reached every worker.
  private var shown: [TargetID: Written?] = [:]
  private var remaining: [TargetID: Duration] = [:]
  private var writes = 0
  var sessions: [TargetID: [Generation: Int]] = [:]
  var findings: [TargetID: [Finding]] = [:]
  var unknown: String?
  var age: Duration = .zero
  /// How long a read goes on showing the state before a write.
  var propagation: Duration = .zero
  /// How long that takes at most, as its maker says.
  var documented: Duration = .zero
  /// What every write answers in place of happening.
  var refusal: ActionOutcome.Result?
  var isDeaf = false
  /// Its own checks fail, whatever the agent's say.
  var isBlind = false

  struct Written {
    var route: Route
    var revision: String
  }

  func observed(_ target: TargetID, _ platform: WorldPlatform) -> Observed<RouteObservation?> {
    if let unknown { return .unknown(reason: unknown) }
    guard let written = shown[target] ?? routes[target] else { return .known(nil) }
    let up = written.route.backends.map {
      ($0.generation, isBlind ? 0 : platform[target, $0.generation]?.healthy ?? 0)
    }
    return .known(
      RouteObservation(
        route: written.route, revision: written.revision, findings: findings[target] ?? [],
        sessions: sessions[target] ?? [:],
        serversUp: Dictionary(up) { first, _ in first }, isListening: !isDeaf))
  }

  mutating func apply(
    _ route: Route, ifRevision revision: String?
  ) -> ActionOutcome.Result {
    if let refusal { return refusal }
    guard revision == routes[route.target]?.revision else {
      return .conflict("the route is at \(routes[route.target]?.revision ?? "none")")
    }
    write(route)
    findings[route.target] = nil
    return .done
  }

  mutating func remove(_ target: TargetID, ifRevision revision: String?) -> ActionOutcome.Result {
    if let refusal { return refusal }
    guard revision == routes[target]?.revision else { return .conflict("somebody wrote first") }
    routes[target] = nil
    return .done
  }

  /// A write by a person, past the agent.
  mutating func changeByHand(_ target: TargetID, split: [Generation: Int]) {
    guard var route = routes[target]?.route else { return }
    for index in route.backends.indices {
      route.backends[index].weightPercent = split[route.backends[index].generation] ?? 0
    }
    write(route)
  }

  mutating func lose(_ target: TargetID) {
    routes[target] = nil
    shown[target] = nil
  }

  mutating func advance(_ time: Duration) {
    for (target, left) in remaining {
      remaining[target] = left > time ? left - time : nil
      if left <= time { shown[target] = nil }
    }
  }

  private mutating func write(_ route: Route) {
    writes += 1
    if propagation > .zero {
      shown.updateValue(routes[route.target], forKey: route.target)
      remaining[route.target] = propagation
    }
    routes[route.target] = Written(route: route, revision: "r\(writes)")
  }
}
