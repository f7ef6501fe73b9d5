import LedgerKit
import Model
import Planning

/// The least that launches and shifts: shows that the world itself works, before any real planner.
enum ToyPlanner {
  static func plan(_ input: PlanningInput) -> PlanningOutput {
    let plans = input.targets.map { target in
      var plan = TargetPlan(
        target: target.id, record: target.record ?? TargetRecord(),
        status: TargetStatus(target: target.id))
      if input.agent.mode == .act { decide(target, &plan) }
      return plan
    }
    return PlanningOutput(plan: plans, memory: input.memory)
  }

  private static func decide(_ target: TargetInput, _ plan: inout TargetPlan) {
    guard let desired = target.desired.target, let stacks = target.stacks.value,
      case .resolved(let digest, let inputs) = target.resolution
    else { return }
    let found = stacks.first { $0.certificate.stackDigest == digest }
    guard let found, found.phase == .complete else {
      let generation = found?.id.generation ?? (stacks.map(\.id.generation).max()?.next ?? 1)
      plan.actions = [
        .ensure(
          LaunchOrder(
            stack: StackID(target.id, generation), source: desired.source, commit: desired.commit,
            version: desired.version, platform: desired.platform, spec: desired.spec,
            declaredDigest: desired.declaredDigest, stackDigest: digest, resolved: inputs,
            traffic: desired.traffic))
      ]
      return
    }
    let generation = found.id.generation
    guard target.probes[generation]?.proven == found.capacity.declared,
      case .known(let route) = target.route,
      route?.route.weightPercent(of: generation) != 100
    else { return }
    let backends = stacks.map {
      Backend(
        generation: $0.id.generation, launch: $0.certificate.launch, endpoints: $0.endpoints,
        weightPercent: $0.id.generation == generation ? 100 : 0)
    }
    plan.actions = [
      .route(
        Route(
          target: target.id, mode: .http, declaration: desired.route ?? [:], backends: backends),
        ifRevision: route?.revision)
    ]
  }
}
