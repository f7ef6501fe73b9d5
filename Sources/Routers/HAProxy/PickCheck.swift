import Model

/// What is wrong with the requests that pass by the split; nil: nothing.
func pickProblem(_ route: Route) -> String? {
  if route.chosen != nil || route.sticky != nil, route.mode != .http {
    return "only HTTP has requests that can be chosen, or users who stay"
  }
  if route.preview != nil, ListenAddress(declaration: route.declaration, .preview) == nil {
    return "a preview needs an address: preview, beside listen"
  }
  let uses = [
    ("chosen requests", route.chosen?.generation), ("users who stay", route.sticky?.generation),
    ("the preview", route.preview),
  ]
  for (name, generation) in uses {
    guard let generation, !route.backends.contains(where: { $0.generation == generation }) else {
      continue
    }
    return "the stack of \(name), \(generation), is not behind the route"
  }
  return route.chosen.flatMap(problem) ?? route.sticky.flatMap(problem)
}

private func problem(of chosen: ChosenRequests) -> String? {
  // Each name is looked up in every request of the target.
  guard (1...20).contains(chosen.rules.count) else {
    return "\(chosen.rules.count) rules for chosen requests: there must be 1 to 20"
  }
  return chosen.rules.lazy.compactMap(\.problem).first
}

private func problem(of sticky: StickyTraffic) -> String? {
  Stickiness(cookie: sticky.cookie, maxAge: sticky.maxAge).problem
}
