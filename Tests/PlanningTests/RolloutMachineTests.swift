import Model
import Planning
import Support
import Testing

@Suite struct RolloutMachineTests {
  private func machine(
    _ strategy: RolloutPolicy.Strategy = .blueGreen, isReuse: Bool = false
  ) -> RolloutMachine {
    RolloutMachine(
      candidate: 2, from: 1, cause: .commit, strategy: strategy, isReuse: isReuse)
  }

  private static let events: [RolloutMachine.Event] = [
    .time(.seconds(1)), .served(.seconds(1)), .suffered(.seconds(1)), .vacated, .launched,
    .gatePassed, .shifted(restarts: 0), .baked, .failed(.init(.aborted, "alice aborted it")),
    .tookBack, .stopped(.init(.stackFault, "it got worse")), .resumed(restarts: 0),
  ]

  @Test func `a rollout goes from launching to promoted`() {
    var rollout = machine()
    #expect(rollout.phase == .launching)
    #expect(rollout.handle(.launched) == [.entered(.gating)])
    #expect(rollout.handle(.gatePassed) == [.entered(.shifting)])
    #expect(rollout.handle(.shifted(restarts: 3)) == [.entered(.baking)])
    #expect(rollout.bake?.restarts == 3)
    #expect(rollout.handle(.baked) == [.entered(.promoted)])
  }

  @Test func `recreate vacates first`() {
    var rollout = machine(.recreate)
    #expect(rollout.phase == .vacating)
    #expect(rollout.handle(.launched) == [])
    #expect(rollout.handle(.vacated) == [.entered(.launching)])
  }

  @Test func `a stack that ran before is gated and never launched`() {
    var rollout = machine(isReuse: true)
    #expect(rollout.phase == .gating)
    var exclusive = machine(.recreate, isReuse: true)
    #expect(exclusive.handle(.vacated) == [.entered(.gating)])
    #expect(rollout.handle(.launched) == [])
  }

  @Test func `only healthy time counts as bake`() {
    var rollout = machine()
    for event in [RolloutMachine.Event.launched, .gatePassed, .shifted(restarts: 0)] {
      _ = rollout.handle(event)
    }
    _ = rollout.handle(.served(.seconds(3)))
    _ = rollout.handle(.suffered(.seconds(2)))
    _ = rollout.handle(.time(.seconds(5)))
    #expect(rollout.bake?.served == .seconds(3))
    #expect(rollout.bake?.suffered == .seconds(2))
    #expect(rollout.bake?.blind == .seconds(5))
    _ = rollout.handle(.served(.seconds(1)))
    #expect(rollout.bake?.served == .seconds(4))
    #expect(rollout.bake?.suffered == .zero)
    #expect(rollout.elapsed == .seconds(4))
  }

  @Test(arguments: [RolloutPolicy.Strategy.blueGreen, .recreate])
  func `a failure in any phase takes the candidate back`(_ strategy: RolloutPolicy.Strategy) {
    let path: [RolloutMachine.Event] = [.vacated, .launched, .gatePassed, .shifted(restarts: 0)]
    for length in 0...path.count {
      var rollout = machine(strategy)
      for event in path.prefix(length) { _ = rollout.handle(event) }
      let failure = RolloutMachine.Failure(.stackFault, "crash loop")
      #expect(rollout.handle(.failed(failure)) == [.entered(.rollingBack)])
      #expect(rollout.failure == failure)
      #expect(rollout.handle(.tookBack) == [.entered(.rolledBack)])
    }
  }

  @Test func `the first failure is the one that is remembered`() {
    var rollout = machine()
    _ = rollout.handle(.failed(.init(.stackFault, "first")))
    #expect(rollout.handle(.failed(.init(.aborted, "second"))) == [])
    #expect(rollout.failure?.reason == "first")
  }

  @Test func `an abort that goes on is taken back, a fault is not`() {
    let again = RolloutMachine.Failure(.superseded, "alice tries it again")
    for (kind, isForgiven) in [
      (RolloutMachine.Failure.Kind.aborted, true), (.stackFault, false), (.noEvidence, false),
    ] {
      var rollout = machine()
      #expect(rollout.handle(.forgiven(again)) == [], "nothing has failed")
      _ = rollout.handle(.failed(.init(kind, "first")))
      _ = rollout.handle(.time(.seconds(2)))
      #expect(rollout.handle(.forgiven(again)) == [])
      #expect(rollout.failure == (isForgiven ? again : .init(kind, "first")))
      #expect(rollout.phase == .rollingBack && rollout.elapsed == .seconds(2))
    }
  }

  @Test func `what is held stays in its phase, and goes on with clocks of its own`() {
    var rollout = machine()
    #expect(rollout.handle(.resumed(restarts: 7)) == [], "it is not held")
    for event in [RolloutMachine.Event.launched, .gatePassed, .shifted(restarts: 1)] {
      _ = rollout.handle(event)
    }
    _ = rollout.handle(.served(.seconds(3)))
    _ = rollout.handle(.suffered(.seconds(5)))
    #expect(rollout.handle(.stopped(.init(.stackFault, "first"))) == [])
    #expect(rollout.handle(.stopped(.init(.noEvidence, "second"))) == [])
    #expect(rollout.phase == .baking && rollout.stop?.reason == "first")
    #expect(rollout.handle(.resumed(restarts: 7)) == [])
    #expect(rollout.stop == nil)
    #expect(rollout.bake?.served == .zero && rollout.bake?.suffered == .zero)
    #expect(rollout.bake?.restarts == 7)
    _ = rollout.handle(.stopped(.init(.stackFault, "third")))
    #expect(rollout.handle(.failed(.init(.aborted, "alice"))) == [.entered(.rollingBack)])
    #expect(rollout.stop == nil)
    #expect(rollout.handle(.stopped(.init(.stackFault, "too late"))) == [])
    #expect(rollout.stop == nil)
  }

  @Test func `nothing changes an ended rollout`() {
    var promoted = machine()
    for event in [RolloutMachine.Event.launched, .gatePassed, .shifted(restarts: 0), .baked] {
      _ = promoted.handle(event)
    }
    var rolledBack = machine()
    _ = rolledBack.handle(.failed(.init(.aborted, "")))
    _ = rolledBack.handle(.tookBack)
    for ended in [promoted, rolledBack] {
      for event in Self.events {
        var rollout = ended
        #expect(rollout.handle(event) == [])
        #expect(rollout == ended, "\(event)")
      }
    }
  }

  @Test(arguments: 0..<200) func `late events change no phase but forward`(_ seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    var rollout = machine(random.pick([.blueGreen, .recreate]), isReuse: random.below(2) == 0)
    let order: [RolloutMachine.Phase] = [
      .vacating, .launching, .gating, .shifting, .baking, .promoted, .rollingBack, .rolledBack,
    ]
    for _ in 0..<60 {
      let before = rollout
      let effects = rollout.handle(random.pick(Self.events))
      #expect(effects.isEmpty == (rollout.phase == before.phase))
      let (old, new) = (order.firstIndex(of: before.phase), order.firstIndex(of: rollout.phase))
      #expect((old ?? 0) <= (new ?? 0))
      #expect(rollout.total >= before.total)
      if before.phase == .promoted || before.phase == .rolledBack { #expect(rollout == before) }
    }
  }
}
