package import Model

/// What clients ask of each stack, and what a router counts of it: exactly by share, without any chance.
package struct SplitTraffic: Sendable {
  /// In thousandths of a request.
  private var counted: [StackID: RequestCounts] = [:]

  package init() {}

  /// For so long `perSecond` requests came to the target; `errorPercent`: of those to a stack.
  package mutating func flow(
    _ target: TargetID, _ route: Route?, milliseconds: Int, perSecond: Int,
    errorPercent: [Generation: Int]
  ) {
    for backend in route?.backends ?? [] where backend.weightPercent > 0 && milliseconds > 0 {
      let thousandths = perSecond * milliseconds * backend.weightPercent / 100
      var counts = counted[StackID(target, backend.generation)] ?? RequestCounts()
      counts.requests += thousandths
      counts.errors += thousandths * (errorPercent[backend.generation] ?? 0) / 100
      counted[StackID(target, backend.generation)] = counts
    }
  }

  /// Of the stacks behind the route, in one series each.
  package func counts(
    _ target: TargetID, _ route: Route?
  ) -> [Generation: [String: RequestCounts]] {
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
