import Model

/// What clients ask of each stack, and what the router counts of it: by share, without any chance.
struct Traffic {
  private var countedUntil: [TargetID: Moment] = [:]
  /// In thousandths of a request.
  private var counted: [StackID: RequestCounts] = [:]

  /// The split is as it was since the last call.
  mutating func flow(
    _ target: TargetID, _ route: Route?, until now: Moment, perSecond: Int,
    erring: Set<Generation>
  ) {
    let time = now - (countedUntil[target] ?? now)
    countedUntil[target] = now
    guard time > 0, let route else { return }
    for backend in route.backends where backend.weightPercent > 0 {
      let thousandths = perSecond * time * backend.weightPercent / 100
      var counts = counted[StackID(target, backend.generation)] ?? RequestCounts()
      counts.requests += thousandths
      counts.errors += erring.contains(backend.generation) ? thousandths / 5 : 0
      counted[StackID(target, backend.generation)] = counts
    }
  }

  func counts(_ target: TargetID, _ route: Route?) -> [Generation: [String: RequestCounts]] {
    var counts: [Generation: [String: RequestCounts]] = [:]
    for backend in route?.backends ?? [] {
      let thousandths = counted[StackID(target, backend.generation)] ?? RequestCounts()
      counts[backend.generation] = [
        "0": RequestCounts(
          requests: thousandths.requests / 1000, errors: thousandths.errors / 1000)
      ]
    }
    return counts
  }
}
