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
  for rule in chosen.rules {
    let name = "the \(rule.part.rawValue) \"\(rule.name)\""
    guard isPartName(rule.name) else {
      return "the name of \(name) must be 1 to 64 letters, digits, - _ or ."
    }
    guard isValue(rule) else {
      return "the value of \(name) must be 1 to 128 printable ASCII characters, as it is sent"
    }
  }
  return nil
}

private func problem(of sticky: StickyTraffic) -> String? {
  guard isPartName(sticky.cookie) else {
    return "the cookie \"\(sticky.cookie)\" must have a name of 1 to 64 letters, digits, - _ or ."
  }
  // Browsers keep none longer (RFC 6265bis).
  let isWhole = sticky.maxAge == .seconds(sticky.maxAge.components.seconds)
  guard isWhole, (.seconds(1)...(.seconds(400 * 86_400))).contains(sticky.maxAge) else {
    return "a cookie lasts a whole number of seconds, and at most 400 days"
  }
  return nil
}

/// Names of headers and cookies that applications use: of a token (RFC 9110) what means nothing to HAProxy.
func isPartName(_ name: String) -> Bool {
  (1...64).contains(name.utf8.count)
    && name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "-_.".utf8.contains(byte)
      }
    }
}

/// A cookie's as RFC 6265 has it. No space at an end of a header's arrives.
private func isValue(_ rule: RequestRule) -> Bool {
  let bytes = Array(rule.value.utf8)
  guard (1...128).contains(bytes.count), bytes.allSatisfy({ (0x20...0x7E).contains($0) }) else {
    return false
  }
  switch rule.part {
  case .header: return bytes.first != 0x20 && bytes.last != 0x20
  case .cookie: return !bytes.contains { " \",;\\".utf8.contains($0) }
  }
}
