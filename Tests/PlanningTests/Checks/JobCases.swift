import Model
import Planning

/// v002 has a job to run before it starts, and one before it has traffic.
enum JobCases {
  static let all: [RuleCase] = [
    RuleCase("jobs", "a job without a record of it") { wrong in
      wrong.run([])
    } good: { right in
      right.run([])
      right.after { $0.jobs = [CheckCase.job(.begun)] }
    },
    RuleCase("jobs", "a job that another stack has begun") { wrong in
      wrong.run([CheckCase.job(.begun, in: 1)])
    } good: { right in
      right.run([CheckCase.job(.begun)])
    },
    RuleCase("jobs", "a job that has ended") { wrong in
      wrong.run([CheckCase.job(.failed(reason: "exit status 1"))])
      wrong.after { $0.jobs = [CheckCase.job(.begun)] }
    } good: { right in
      right.run([CheckCase.job(.begun)])
    },
    RuleCase("jobs", "a job that has failed, unlike one that a person wants tried again") { wrong in
      wrong.run([CheckCase.job(.failed(reason: "exit status 1"), in: 1)])
      wrong.after { $0.jobs?.append(CheckCase.job(.begun)) }
    } good: { right in
      right.run([CheckCase.job(.retried, in: 1)])
      right.after { $0.jobs?.append(CheckCase.job(.begun)) }
    },
    RuleCase("jobs", "a job beside another stack's") { wrong in
      wrong.run([CheckCase.job(.begun)])
      wrong.work(.running)
    } good: { right in
      right.run([CheckCase.job(.begun)])
      right.work(.succeeded)
    },
    RuleCase("jobs", "a job in what is not complete") { wrong in
      wrong.run([CheckCase.job(.begun)])
      wrong.stack(2) { $0.phase = .launching("unpacking") }
    } good: { right in
      right.run([CheckCase.job(.begun)])
    },
    RuleCase("jobs", "a start before the job") { wrong in
      wrong.run([CheckCase.job(.begun)])
      wrong.park(2, to: 2)
    } good: { right in
      right.run([CheckCase.job(.succeeded)])
      right.park(2, to: 2)
    },
    RuleCase("jobs", "a launch of instances before the job") { wrong in
      wrong.launchWithJobs(instances: nil)
    } good: { right in
      right.launchWithJobs(instances: 0)
    },
    RuleCase("jobs", "traffic before the job") { wrong in
      wrong.passGate([CheckCase.job(.succeeded)])
    } good: { right in
      right.passGate([
        CheckCase.job(.succeeded), CheckCase.job(.succeeded, task: "after-warm"),
      ])
    },
    RuleCase("jobs", "a retirement while it runs") { wrong in
      wrong.settle()
      wrong.retire(1)
      wrong.work(.running)
    } good: { right in
      right.settle()
      right.retire(1)
      right.work(.succeeded)
    },
  ]
}

extension CheckCase {
  private static let jobs = [
    JobDeclaration(name: "migrate", time: .before, command: ["./migrate"]),
    JobDeclaration(name: "warm", time: .after, command: ["./warm"]),
  ]

  fileprivate static func job(
    _ state: JobRecord.State, in generation: Generation = 2, task: String = "before-migrate"
  ) -> JobRecord {
    JobRecord(digest: digest(new), task: task, generation: generation, state: state)
  }

  /// v002 is complete and runs nothing; its first job is to run.
  fileprivate mutating func run(_ jobs: [JobRecord]) {
    record { record in
      record.jobs = jobs.isEmpty ? nil : jobs
      record.stacks[2]?.gatePassed = false
    }
    stack(2) { seen in
      seen.certificate.spec.jobs = Self.jobs
      seen.capacity = Capacity(declared: 2, intended: 0, running: 0)
    }
    plan.actions = [.runTask(Self.reference(2), Self.jobs[0].task)]
  }

  /// v001 has a job, too.
  fileprivate mutating func work(_ state: TaskObservation.State) {
    stack(1) { seen in
      seen.certificate.spec.jobs = Self.jobs
      seen.tasks = [TaskObservation(name: "before-migrate", state: state)]
    }
  }

  fileprivate mutating func launchWithJobs(instances: Int?) {
    launch()
    var desired = Self.new
    desired.spec.jobs = Self.jobs
    desired.declaredDigest = desired.spec.declaredDigest
    target.desired = .desired(desired)
    after { $0.stacks[2] = Self.remembered(desired, .candidate, wasStable: false) }
    var order = Self.order(desired, 2)
    order.instances = instances
    plan.actions = [.ensure(order)]
  }

  /// In this pass v002 passes its gate.
  fileprivate mutating func passGate(_ jobs: [JobRecord]) {
    record { record in
      record.jobs = jobs
      _ = record.rollout?.handle(.launched)
    }
    stack(2) { $0.certificate.spec.jobs = Self.jobs }
    after { _ = $0.rollout?.handle(.gatePassed) }
    plan.actions = []
  }
}
