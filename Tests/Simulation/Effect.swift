import Model

/// What a process of the agent asks of the world: what an outsider sees of it.
enum Effect {
  case ensure(BirthCertificate)
  case setInstances(BirthCertificate, Int)
  case run(StackTask, BirthCertificate)
  case retire(BirthCertificate)
  case route(Route)
  case removeRoute(TargetID)

  var target: TargetID {
    switch self {
    case .ensure(let certificate), .setInstances(let certificate, _), .run(_, let certificate),
      .retire(let certificate):
      certificate.stack.target
    case .route(let route): route.target
    case .removeRoute(let target): target
    }
  }

  var text: String {
    switch self {
    case .ensure(let certificate): "ensure \(certificate.stack) \(certificate.version)"
    case .setInstances(let certificate, let count): "run \(count) of \(certificate.stack)"
    case .run(let task, let certificate): "run \(task.name) of \(certificate.stack)"
    case .retire(let certificate): "retire \(certificate.stack)"
    case .route(let route):
      "route \(route.target) "
        + route.backends.map { "\($0.generation)=\($0.weightPercent)" }.joined(separator: " ")
        + (route.fallback.map { " else \($0)" } ?? "")
    case .removeRoute(let target): "remove the route of \(target)"
    }
  }
}
