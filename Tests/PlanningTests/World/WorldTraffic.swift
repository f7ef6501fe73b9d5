import Model

/// What clients ask for, and what the router counts of it: exactly by share, without any chance.
struct WorldTraffic {
  private struct Load {
    var perSecond: Int
    /// Of the requests to a stack, in percent.
    var errorPercent: [Generation: Int]
  }

  private var loads: [TargetID: Load] = [:]
  /// In thousandths of a request.
  private var counted: [TargetID: [Generation: RequestCounts]] = [:]

  mutating func set(_ target: TargetID, perSecond: Int, errorPercent: [Generation: Int]) {
    loads[target] = Load(perSecond: perSecond, errorPercent: errorPercent)
  }

  mutating func advance(_ time: Duration, _ routes: [TargetID: WorldRouter.Written]) {
    let milliseconds = Int(time / .milliseconds(1))
    for (target, load) in loads {
      for backend in routes[target]?.route.backends ?? [] {
        let thousandths = load.perSecond * milliseconds * backend.weightPercent / 100
        var counts = counted[target]?[backend.generation] ?? RequestCounts()
        counts.requests += thousandths
        counts.errors += thousandths * (load.errorPercent[backend.generation] ?? 0) / 100
        counted[target, default: [:]][backend.generation] = counts
      }
    }
  }

  func counts(_ target: TargetID, _ route: Route?) -> [Generation: [String: RequestCounts]] {
    var counts: [Generation: [String: RequestCounts]] = [:]
    for backend in route?.backends ?? [] {
      let thousandths = counted[target]?[backend.generation] ?? RequestCounts()
      counts[backend.generation] = [
        "0": RequestCounts(
          requests: thousandths.requests / 1000, errors: thousandths.errors / 1000)
      ]
    }
    return counts
  }
}
