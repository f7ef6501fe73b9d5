package import Model

/// Who reaches a canary beside its share: as declared when the rollout began.
package struct RolloutPicks: Hashable, Codable, Sendable {
  package var match: [RequestRule]?
  package var sticky: Stickiness?
  package init(match: [RequestRule]?, sticky: Stickiness?) {
    self.match = match
    self.sticky = sticky
  }
}

extension TargetPass {
  /// Of a rollout whose traffic goes over in steps.
  func picks(for steps: [RolloutStep]) -> RolloutPicks? {
    guard strategy == .canary, steps.count > 1, traffic.mode == .http else { return nil }
    guard policy.match != nil || policy.sticky != nil else { return nil }
    return RolloutPicks(match: policy.match, sticky: policy.sticky)
  }

  /// With what else the candidate may get; `split`: what the route is to have.
  func addPicks(to route: inout Route, _ split: [Generation: Int]) {
    route.preview = previewed(route)
    guard let rollout = record.rollout, let picks = rollout.picks, rollout.phase != .rollingBack,
      let share = split[rollout.candidate], (1..<100).contains(share)
    else { return }
    route.chosen = picks.match.map { ChosenRequests(generation: rollout.candidate, rules: $0) }
    route.sticky = picks.sticky.map {
      StickyTraffic(cookie: $0.cookie, generation: rollout.candidate, maxAge: $0.maxAge)
    }
  }

  /// The candidate as soon as it is behind the route, otherwise stable.
  private func previewed(_ route: Route) -> Generation? {
    guard hasPreview(route.declaration) else { return nil }
    let members = route.backends.map(\.generation)
    let candidate = record.rollout.flatMap { $0.phase == .rollingBack ? nil : $0.candidate }
    return [candidate, record.stable].compactMap { $0 }.first(where: members.contains)
  }

  /// A listener of its own, in the words of whatever router it is.
  private func hasPreview(_ declaration: CanonicalValue) -> Bool { declaration["preview"] != nil }
}
