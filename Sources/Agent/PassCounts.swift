import Model
import Planning
import PlatformKit

extension Pass {
  /// Of targets whose traffic is judged now: each router is asked once.
  func counts(
    _ state: PassState, _ inputs: PassInputs
  ) async -> [TargetID: Observed<[Generation: [String: RequestCounts]]>] {
    var asked: [PlatformName: Set<TargetID>] = [:]
    for target in state.restless {
      guard let record = state.records[target]?.value, record.rollout?.isJudged == true,
        let platform = inputs.claims.declared[target]?.platform ?? record.lastGood?.platform
      else { continue }
      asked[platform, default: []].insert(target)
    }
    var result: [TargetID: Observed<[Generation: [String: RequestCounts]]>] = [:]
    for (platform, targets) in asked {
      let counts = await counts(of: targets, on: platform)
      for target in targets {
        switch counts {
        case .known(let all): result[target] = .known(all[target] ?? [:])
        case .unknown(let reason): result[target] = .unknown(reason: reason)
        }
      }
    }
    return result
  }

  private func counts(
    of targets: Set<TargetID>, on platform: PlatformName
  ) async -> Observed<[TargetID: [Generation: [String: RequestCounts]]]> {
    guard let counter = parts.places[platform]?.counter else {
      return .unknown(reason: "the router of \(platform) counts no requests")
    }
    do throws(PlatformError) {
      return .known(try await counter.counts(of: targets))
    } catch {
      return .unknown(reason: "router: \(error)")
    }
  }
}
