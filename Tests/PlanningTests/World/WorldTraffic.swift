import Model
import Support

/// What clients ask for.
struct WorldTraffic {
  private struct Load {
    var perSecond: Int
    /// Of the requests to a stack, in percent.
    var errorPercent: [Generation: Int]
  }

  private var loads: [TargetID: Load] = [:]
  private var counted = SplitTraffic()

  mutating func set(_ target: TargetID, perSecond: Int, errorPercent: [Generation: Int]) {
    loads[target] = Load(perSecond: perSecond, errorPercent: errorPercent)
  }

  mutating func advance(_ time: Duration, _ routes: [TargetID: WorldRouter.Written]) {
    for (target, load) in loads {
      counted.flow(
        target, routes[target]?.route, milliseconds: Int(time / .milliseconds(1)),
        perSecond: load.perSecond, errorPercent: load.errorPercent)
    }
  }

  func counts(_ target: TargetID, _ route: Route?) -> [Generation: [String: RequestCounts]] {
    counted.counts(target, route)
  }
}
