import Model
import Planning

/// v002 has baked with all traffic and is promoted; another target of its group is under way for some commit.
enum GroupCases {
  static let all: [RuleCase] = [
    RuleCase("group", "one is promoted while another of the release is taken back") { wrong in
      wrong.promote(besideOf: ["c2"])
      wrong.other { _ = $0.rollout?.handle(.failed(.init(.stackFault, "it fails"))) }
    } good: { right in
      right.promote(besideOf: ["c3"])
      right.other { _ = $0.rollout?.handle(.failed(.init(.stackFault, "it fails"))) }
    },
    RuleCase("group", "one is promoted while another has failed") { wrong in
      wrong.promote(besideOf: ["c2"])
      wrong.other { record in
        record.rollout = nil
        let digest = CheckCase.digest(CheckCase.new)
        record.group?.fault = GroupFault(
          reason: "it failed", declaredDigest: digest, stackDigest: digest)
      }
    } good: { right in
      right.promote(besideOf: ["c2"])
      right.other { $0.rollout = nil }
    },
    RuleCase("group", "one is promoted before another of the release") { wrong in
      wrong.promote(besideOf: ["c1", "c2"])
    } good: { right in
      right.promote(besideOf: ["c1", "c2"])
      right.other { ($0.rollout, $0.group) = (nil, nil) }
    },
    RuleCase("group", "one is promoted before another of the release, unlike of another source") {
      wrong in
      wrong.promote(besideOf: ["c2"])
    } good: { right in
      right.promote(besideOf: ["c2"])
      right.other { $0.group?.source = "second" }
    },
    RuleCase("group", "one is promoted before another of the release, unlike of another name") {
      wrong in
      wrong.promote(besideOf: ["c2"])
    } good: { right in
      right.promote(besideOf: ["c2"])
      right.other { $0.group?.name = "bank" }
    },
    RuleCase("group", "one is promoted before another of the release, unlike by a person") {
      wrong in
      wrong.promote(besideOf: ["c2"])
      wrong.input.requests = [Self.advance(TargetID("other", "production"))]
    } good: { right in
      right.promote(besideOf: ["c2"])
      right.input.requests = [Self.advance(CheckCase.id)]
    },
    RuleCase("group", "one is promoted before another that goes on, unlike one that goes alone") {
      wrong in
      wrong.promote(besideOf: ["c2"])
    } good: { right in
      right.promote(besideOf: ["c2"])
      right.other { $0.group?.alone = 2 }
    },
    RuleCase("S8", "one rollout too many, unlike beside one that waits for its group") { wrong in
      wrong.launchBeside(bakedFor: 9)
    } good: { right in
      right.launchBeside(bakedFor: 10)
    },
    RuleCase("S8", "one too many in a wave, unlike beside one that waits for its group") { wrong in
      wrong.launchBeside(bakedFor: 9, isWave: true)
    } good: { right in
      right.launchBeside(bakedFor: 10, isWave: true)
    },
  ]

  private static func advance(_ target: TargetID) -> OperatorRequest {
    OperatorRequest(
      sequence: 1, verb: .advance(target, isFull: false), by: "ann", at: WallTime(milliseconds: 0))
  }
}

extension CheckCase {
  private static func membership(_ commits: [CommitID]) -> GroupMembership {
    GroupMembership(name: "shop", source: "main", commits: commits)
  }

  private static func baking(for seconds: Int) -> RolloutMachine {
    var rollout = RolloutMachine(
      candidate: 2, from: 1, cause: .commit,
      steps: [RolloutStep(weightPercent: 100, bake: .seconds(10))])
    _ = rollout.handle(.launched)
    _ = rollout.handle(.gatePassed)
    _ = rollout.handle(.shifted(restarts: 0))
    _ = rollout.handle(.served(.seconds(seconds)))
    return rollout
  }

  fileprivate mutating func promote(besideOf commits: [CommitID]) {
    record { record in
      record.rollout = Self.baking(for: 10)
      record.group = Self.membership(["c2"])
    }
    after { record in
      (record.rollout, record.group, record.stable) = (nil, nil, 2)
      record.stacks[1]?.role = .draining
      record.stacks[2]?.role = .stable
    }
    readRoute { $0.route = Self.route([1: 0, 2: 100]) }
    plan.actions = []
    var record = TargetRecord()
    record.rollout = RolloutMachine(candidate: 2, from: 1, cause: .commit)
    record.group = Self.membership(commits)
    let id = TargetID("other", "production")
    others = [TargetPlan(target: id, record: record, status: TargetStatus(target: id))]
  }

  fileprivate mutating func other(_ change: (inout TargetRecord) -> Void) {
    if var record = others[0].record {
      change(&record)
      others[0].record = record
    }
  }

  fileprivate mutating func launchBeside(bakedFor seconds: Int, isWave: Bool = false) {
    launch()
    wave(beside: TargetID("other", "production"))
    other { record in
      record.rollout = Self.baking(for: seconds)
      record.group = Self.membership(["c2"])
    }
    guard !isWave else { return }
    target.desired = .desired(Self.new)
    input.limits.concurrentRollouts = 1
  }
}
