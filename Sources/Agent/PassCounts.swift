import Model
import Planning
import PlatformKit

extension Pass {
  /// Of rollouts in progress: how their tests went, and of those that are judged by it, their traffic.
  func measure(_ state: PassState, _ inputs: inout PassInputs) async {
    await test(state, &inputs)
    let judged = state.restless.filter { state.records[$0]?.value.rollout?.isJudged == true }
    guard !judged.isEmpty else { return }
    inputs.counts = await counts(of: judged, state, inputs)
    inputs.metrics = await metrics(of: judged, state, at: inputs.now)
  }

  /// Each provider is asked beside the passes; what it said last counts.
  private func metrics(
    of targets: Set<TargetID>, _ state: PassState, at now: Now
  ) async -> [TargetID: [String: Observed<MetricReading>]] {
    var questions: [MetricReader.Question: TargetID] = [:]
    for target in targets {
      guard let record = state.records[target]?.value, let rollout = record.rollout else {
        continue
      }
      // By the names that it was launched under.
      let candidate = record.stacks[rollout.candidate]
      let stack = candidate?.order?.stack ?? StackID(target, rollout.candidate)
      let values = values(of: stack, candidate)
      for metric in rollout.analysis?.metrics ?? [] {
        questions[.init(stack: stack, metric: metric, values: values)] = target
      }
    }
    guard !questions.isEmpty else { return [:] }
    var result: [TargetID: [String: Observed<MetricReading>]] = [:]
    for (question, value) in await parts.metrics.answers(to: Set(questions.keys), at: now) {
      guard let target = questions[question] else { continue }
      result[target, default: [:]][question.metric.name] = value
    }
    return result
  }

  private func values(of stack: StackID, _ record: StackRecord?) -> [String: String] {
    let values = AnalysisDeclaration.Metric.Value.allCases.map { value in
      switch value {
      case .application: (value.rawValue, "\(stack.target.application)")
      case .digest: (value.rawValue, record.map { "\($0.stackDigest)" } ?? "")
      case .environment: (value.rawValue, "\(stack.target.environment)")
      case .generation: (value.rawValue, "\(stack.generation)")
      case .stack: (value.rawValue, stack.name())
      case .target: (value.rawValue, "\(stack.target)")
      case .version: (value.rawValue, record?.version ?? "")
      }
    }
    return Dictionary(uniqueKeysWithValues: values)
  }

  /// Each router is asked once.
  private func counts(
    of targets: Set<TargetID>, _ state: PassState, _ inputs: PassInputs
  ) async -> [TargetID: Observed<[Generation: [String: RequestCounts]]>] {
    var asked: [PlatformName: [TargetID: TargetID]] = [:]
    var result: [TargetID: Observed<[Generation: [String: RequestCounts]]>] = [:]
    for target in targets {
      let declared = inputs.claims.declared[target]?.platform
      guard let platform = declared ?? state.records[target]?.value.lastGood?.platform else {
        continue
      }
      // A route keeps the name under which it was made.
      if let route = inputs.route(target, on: platform).value ?? nil {
        asked[platform, default: [:]][target] = route.route.target
      } else {
        result[target] = .unknown(reason: "its route is not known")
      }
    }
    for (platform, names) in asked {
      let counts = await counts(of: Set(names.values), on: platform)
      for (target, name) in names {
        switch counts {
        case .known(let all):
          result[target] =
            all[name].map { .known($0) }
            ?? .unknown(reason: "the router counts nothing of \(name)")
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
