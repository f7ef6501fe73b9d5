/// How traffic reaches a target. Written as one whole, read back from every live thing that routes.
package struct Route: Hashable, Codable, Sendable {
  package var target: TargetID
  package var mode: TrafficPolicy.Mode
  /// The router's own canonical payload from the manifest (`{"listen":"127.0.0.1:8080"}`).
  package var declaration: CanonicalValue
  package var drainDeadline: Duration = .seconds(30)
  package var afterDrain: TrafficPolicy.AfterDrain = .close
  /// Sorted by generation; the weights sum to 100, or there is no backend with weight.
  package var backends: [Backend] = []
  /// Takes the share of a backend none of whose servers is up, in the router itself.
  package var fallback: Generation?
  /// Before the split, and before `sticky`; only of HTTP.
  package var chosen: ChosenRequests?
  /// Before the split; only of HTTP.
  package var sticky: StickyTraffic?
  /// The stack that the declaration's preview listener reaches; nil: it reaches nothing.
  package var preview: Generation?
  package init(
    target: TargetID, mode: TrafficPolicy.Mode, declaration: CanonicalValue,
    drainDeadline: Duration = .seconds(30), afterDrain: TrafficPolicy.AfterDrain = .close,
    backends: [Backend] = [], fallback: Generation? = nil, chosen: ChosenRequests? = nil,
    sticky: StickyTraffic? = nil, preview: Generation? = nil
  ) {
    self.target = target
    self.mode = mode
    self.declaration = declaration
    self.drainDeadline = drainDeadline
    self.afterDrain = afterDrain
    self.backends = backends
    self.fallback = fallback
    self.chosen = chosen
    self.sticky = sticky
    self.preview = preview
  }

  /// Generation → weight in percent, explicit zeros included.
  package var split: [Generation: Int] {
    Dictionary(backends.map { ($0.generation, $0.weightPercent) }) { first, _ in first }
  }

  /// The weight of `generation`; 0 when the route does not know it.
  package func weightPercent(of generation: Generation) -> Int { split[generation] ?? 0 }
}

/// One stack behind a route.
package struct Backend: Hashable, Codable, Sendable {
  package var generation: Generation
  /// The launch token of the stack's certificate.
  package var launch: String
  package var endpoints: [Endpoint]
  /// 0 to 100.
  package var weightPercent: Int
  /// The path that the router itself checks; nil: a TCP connection.
  package var checkPath: String?
  package init(
    generation: Generation, launch: String, endpoints: [Endpoint], weightPercent: Int,
    checkPath: String? = nil
  ) {
    self.generation = generation
    self.launch = launch
    self.endpoints = endpoints
    self.weightPercent = weightPercent
    self.checkPath = checkPath
  }
}

/// A route as every live worker of the router shows it.
package struct RouteObservation: Hashable, Codable, Sendable {
  package var route: Route
  /// Changes with every write of anybody; what `apply` compares with.
  package var revision: String
  /// Where workers, files and the last applied route disagree: drift, repaired in place.
  package var findings: [Finding] = []
  /// Sessions in progress of each backend, summed over all workers.
  package var sessions: [Generation: Int] = [:]
  /// Servers that the router itself sees up, of each backend.
  package var serversUp: [Generation: Int] = [:]
  /// The public listener accepts connections.
  package var isListening: Bool = true
  /// Sessions of each stack that were cut at its drain deadline since the route exists.
  package var sessionsCut: [Generation: Int] = [:]
  package init(
    route: Route, revision: String, findings: [Finding] = [], sessions: [Generation: Int] = [:],
    serversUp: [Generation: Int] = [:], isListening: Bool = true,
    sessionsCut: [Generation: Int] = [:]
  ) {
    self.route = route
    self.revision = revision
    self.findings = findings
    self.sessions = sessions
    self.serversUp = serversUp
    self.isListening = isListening
    self.sessionsCut = sessionsCut
  }
}
