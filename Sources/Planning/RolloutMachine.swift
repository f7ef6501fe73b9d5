package import Analysis
package import Model

/// The state machine of one rollout: intent and accumulated time, never effects.
///
/// What really happened comes in as events that were read from the world, so a lost action is
/// simply asked for again, and an event that comes too late changes nothing.
package struct RolloutMachine: Hashable, Codable, Sendable {
  package enum Cause: String, Codable, Sendable {
    case commit
    case drift
    case repair
    case rollback
  }

  /// Why a rollout ends without a promotion.
  package struct Failure: Hashable, Codable, Sendable {
    package enum Kind: String, Codable, Sendable {
      case stackFault
      case platformFault
      case noEvidence
      case aborted
      case superseded
      /// Another member of its release group failed.
      case group
    }

    package var kind: Kind
    /// A sentence for people.
    package var reason: String
    package init(_ kind: Kind, _ reason: String) {
      self.kind = kind
      self.reason = reason
    }
  }

  package enum Phase: String, Codable, Sendable {
    /// Only with `recreate`: the old stack ends before the new one starts.
    case vacating
    case launching
    /// Only of a rolling rollout: instances of the old stack end, and more of the candidate's start.
    case growing
    case gating
    case shifting
    case baking
    case promoted
    case rollingBack
    case rolledBack
  }

  package let candidate: Generation
  /// The stable it started from; nil for a first launch.
  package let from: Generation?
  package let cause: Cause
  package let strategy: RolloutPolicy.Strategy
  /// The candidate has run before and is not launched: the switch back to a warm stack.
  package let isReuse: Bool
  /// As declared when the rollout began; a change takes effect with the next one. nil: an agent before
  /// there were steps has begun it.
  private let plan: [RolloutStep]?
  /// The step in progress, or the next one.
  private var stepIndex: Int?
  /// Steps may be left out: it is not always that of the step before.
  private var formerShare: Int?
  /// So many of the candidate's instances had passed their gate when the step in progress began; nil: all.
  package private(set) var formerInstances: Int?
  /// A person has approved what follows the step in progress.
  package private(set) var isApproved: Bool?
  /// A person does not wait for the rest of the last bake.
  package private(set) var isAdvanced: Bool?
  /// Of a rolling rollout, in which the candidate's instances grow with its steps; nil: it is none.
  package let bounds: RollingBounds?
  /// Who reaches the candidate whatever its share is, as long as others do not.
  package let picks: RolloutPicks?
  /// What every step with a share of the traffic must show; nil: nothing by its traffic.
  package let analysis: AnalysisDeclaration?
  /// Of the step in progress; nil: nothing was counted yet.
  package private(set) var evidence: StepEvidence?
  /// What was made of it last, with all that it was made of.
  package private(set) var judgement: JudgementRecord?
  /// The judgement by which the step before this one ended.
  package private(set) var formerJudgement: JudgementRecord?
  /// What it is tested by; nil: by nothing.
  package private(set) var tests: TestRun?
  /// It takes the place of a stable that serves too little: what else it was begun for does not matter.
  package private(set) var isTakingOver: Bool?
  /// The candidate's restarts when it was first given traffic.
  private var restartsBefore: Int?
  /// Accumulated watched time since the rollout began.
  package private(set) var total: Duration = .zero
  /// It, or what it took over from without a way back, had the traffic of a step once.
  package private(set) var hasServed: Bool?
  /// Once it has served, only a person's word returns the traffic; nil: any failure does.
  package let isIrreversible: Bool?
  /// Why it stays where it is until a person, or another commit, says more; nil: it goes on.
  package private(set) var stop: Failure?
  private var state: State

  private enum State: Hashable, Codable, Sendable {
    case vacating(Duration)
    case launching(Duration)
    case growing(Duration)
    case gating(Duration)
    case shifting(Duration)
    case baking(Bake)
    case promoted
    case rollingBack(Failure, Duration)
    case rolledBack(Failure)
  }

  package init(
    candidate: Generation, from: Generation?, cause: Cause,
    strategy: RolloutPolicy.Strategy = .blueGreen, isReuse: Bool = false,
    steps: [RolloutStep] = [], analysis: AnalysisDeclaration? = nil, bounds: RollingBounds? = nil,
    picks: RolloutPicks? = nil, tests: TestRun? = nil, isIrreversible: Bool? = nil,
    hasServed: Bool? = nil
  ) {
    self.tests = tests
    self.picks = picks
    self.isIrreversible = isIrreversible
    self.hasServed = hasServed
    self.analysis = analysis
    self.bounds = bounds
    plan = steps.isEmpty ? nil : steps
    self.candidate = candidate
    self.from = from
    self.cause = cause
    self.strategy = strategy
    self.isReuse = isReuse
    state =
      strategy == .recreate ? .vacating(.zero) : isReuse ? .gating(.zero) : .launching(.zero)
  }

  /// The step in progress counts from 1.
  package var position: (step: Int, of: Int) {
    ((stepIndex ?? 0) + 1, max(1, plan?.count ?? 1))
  }

  /// The step in progress, or the one that comes next; nil only of rollouts without a plan.
  package var step: RolloutStep? { plan?[at: stepIndex ?? 0] }

  /// The share that the candidate is to have in this step, in percent.
  package var weightPercent: Int { step?.weightPercent ?? 100 }

  /// What it had when the step in progress began, in percent.
  package var formerWeightPercent: Int {
    formerShare ?? plan?[at: (stepIndex ?? 0) - 1]?.weightPercent ?? 0
  }

  /// ` (step 2 of 4, 25 %)`; empty where there is one step alone.
  package var stepWords: String {
    position.of > 1 ? " (step \(position.step) of \(position.of), \(weightPercent) %)" : ""
  }

  /// `all traffic is`.
  package var shareWords: String {
    weightPercent == 100 ? "all traffic is" : "\(weightPercent) % of the traffic is"
  }

  /// Its traffic is counted and judged now.
  package var isJudged: Bool { analysis != nil && bake != nil }

  package var isLastStep: Bool { position.step >= position.of }

  package var phase: Phase {
    switch state {
    case .vacating: .vacating
    case .launching: .launching
    case .growing: .growing
    case .gating: .gating
    case .shifting: .shifting
    case .baking: .baking
    case .promoted: .promoted
    case .rollingBack: .rollingBack
    case .rolledBack: .rolledBack
    }
  }

  /// Accumulated time in this phase; of a bake, the healthy part.
  package var elapsed: Duration {
    switch state {
    case .vacating(let time), .launching(let time), .growing(let time), .gating(let time),
      .shifting(let time), .rollingBack(_, let time):
      time
    case .baking(let bake): bake.served
    case .promoted, .rolledBack: .zero
    }
  }

  package var bake: Bake? {
    guard case .baking(let bake) = state else { return nil }
    return bake
  }

  package var failure: Failure? {
    switch state {
    case .rollingBack(let failure, _), .rolledBack(let failure): failure
    case .vacating, .launching, .growing, .gating, .shifting, .baking, .promoted: nil
    }
  }

  package mutating func handle(_ event: Event) -> [Effect] {
    let before = phase
    switch event {
    case .time(let time): pass(time)
    case .served(let time): serve(time, isHealthy: true)
    case .suffered(let time): serve(time, isHealthy: false)
    case .vacated:
      guard case .vacating = state else { return [] }
      state = isReuse ? .gating(.zero) : .launching(.zero)
    case .launched:
      guard case .launching = state else { return [] }
      state = .gating(.zero)
    case .grown:
      guard case .growing = state else { return [] }
      state = .gating(.zero)
    case .gatePassed:
      guard case .gating = state else { return [] }
      state = .shifting(.zero)
      tests?.close()
    case .shifted(let restarts):
      guard case .shifting = state else { return [] }
      restartsBefore = restartsBefore ?? restarts
      state = .baking(Bake(restarts: restartsBefore ?? restarts))
      hasServed = true
    case .baked:
      guard case .baking = state else { return [] }
      if isLastStep { state = .promoted } else { begin(step: (stepIndex ?? 0) + 1) }
    case .judged(let evidence, let judgement):
      guard case .baking = state else { return [] }
      (self.evidence, self.judgement) = (evidence, judgement)
      if judgement.judgement.verdict.permitsPromotion { change { $0.verdictWait = nil } }
    case .waitedForVerdict(let time):
      change { $0.verdictWait = ($0.verdictWait ?? .zero) + time }
    case .waitedForApproval(let time):
      change { $0.approvalWait = ($0.approvalWait ?? .zero) + time }
    case .tests(let event):
      guard phase == .gating || phase == .baking else { return [] }
      tests?.handle(event)
    case .approved:
      guard case .baking = state else { return [] }
      isApproved = true
    case .advanced(let isFull):
      guard case .baking = state else { return [] }
      // What rolls leaves no step out: none of them bakes, and each makes room for the next.
      let isLeap = isFull && bounds == nil
      if isLastStep { isAdvanced = true } else { begin(step: isLeap ? last : (stepIndex ?? 0) + 1) }
    case .steppedOver:
      guard !isLastStep else { return [] }
      switch state {
      case .growing,
        .gating where hasServed == true, .shifting, .baking:
        begin(step: last)
        isTakingOver = true
        stop = nil
      case .gating, .launching, .vacating, .promoted, .rollingBack, .rolledBack: return []
      }
    case .failed(let failure): fail(failure)
    case .stopped(let failure):
      guard !hasEnded else { return [] }
      stop = stop ?? failure
    case .resumed(let restarts):
      guard stop != nil, !hasEnded else { return [] }
      resume(restarts)
    case .forgiven(let failure):
      guard case .rollingBack(let old, let elapsed) = state,
        old.kind == .aborted || old.kind == .group
      else { return [] }
      state = .rollingBack(failure, elapsed)
    case .tookBack:
      guard case .rollingBack(let failure, _) = state else { return [] }
      state = .rolledBack(failure)
    }
    return phase == before ? [] : [.entered(phase)]
  }

  private mutating func change(_ change: (inout Bake) -> Void) {
    guard case .baking(var bake) = state else { return }
    change(&bake)
    state = .baking(bake)
  }

  private var last: Int { max(0, (plan?.count ?? 1) - 1) }

  private mutating func begin(step: Int) {
    formerShare = bake == nil ? formerWeightPercent : weightPercent
    // Its gate has passed before a step shifts.
    if phase == .shifting || phase == .baking { formerInstances = self.step?.instances }
    stepIndex = step
    isApproved = nil
    formerJudgement = judgement
    (evidence, judgement) = (nil, nil)
    tests?.close()
    // More of its instances have to start first.
    state = bounds == nil ? .shifting(.zero) : .growing(.zero)
  }

  private mutating func fail(_ failure: Failure) {
    switch state {
    case .vacating, .launching, .growing, .gating, .shifting, .baking:
      state = .rollingBack(failure, .zero)
      stop = nil
    case .promoted, .rollingBack, .rolledBack: break
    }
  }

  private var hasEnded: Bool {
    switch state {
    case .vacating, .launching, .growing, .gating, .shifting, .baking: false
    case .promoted, .rollingBack, .rolledBack: true
    }
  }

  private mutating func resume(_ restarts: Int) {
    stop = nil
    (evidence, judgement) = (nil, nil)
    tests?.close()
    switch state {
    case .vacating: state = .vacating(.zero)
    case .launching: state = .launching(.zero)
    case .growing: state = .growing(.zero)
    case .gating: state = .gating(.zero)
    case .shifting: state = .shifting(.zero)
    case .baking:
      restartsBefore = restarts
      state = .baking(Bake(restarts: restarts))
    case .promoted, .rollingBack, .rolledBack: break
    }
  }

  private mutating func pass(_ time: Duration) {
    total += time
    switch state {
    case .vacating(let elapsed): state = .vacating(elapsed + time)
    case .launching(let elapsed): state = .launching(elapsed + time)
    case .growing(let elapsed): state = .growing(elapsed + time)
    case .gating(let elapsed): state = .gating(elapsed + time)
    case .shifting(let elapsed): state = .shifting(elapsed + time)
    case .baking(var bake):
      bake.blind += time
      state = .baking(bake)
    case .rollingBack(let failure, let elapsed): state = .rollingBack(failure, elapsed + time)
    case .promoted, .rolledBack: total -= time
    }
  }

  private mutating func serve(_ time: Duration, isHealthy: Bool) {
    guard case .baking(var bake) = state else { return }
    bake.served += isHealthy ? time : .zero
    bake.suffered = isHealthy ? .zero : bake.suffered + time
    bake.blind = .zero
    total += time
    state = .baking(bake)
  }
}

extension Array {
  fileprivate subscript(at index: Int) -> Element? {
    indices.contains(index) ? self[index] : nil
  }
}
