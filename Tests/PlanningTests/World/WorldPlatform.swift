import Model
import Planning

/// Where stacks run. A launch goes on only while it is asked for, as with a real platform.
struct WorldPlatform {
  var stacks: [TargetID: [Generation: WorldStack]] = [:]
  var foreign: [TargetID: [ForeignObject]] = [:]
  /// Why no listing can be read.
  var unknown: String?
  /// How old the readings are.
  var age: Duration = .zero
  /// How long a launch takes.
  var launchTime: Duration = .seconds(2)
  /// What `ensure` answers in place of doing anything, to targets of the platform `local`.
  var refusal: ActionOutcome.Result?
  /// By version, in place of an answer.
  var resolutions: [String: Resolution] = [:]
  /// How stacks of a version behave.
  var behaviours: [String: WorldStack.Behaviour] = [:]
  /// The prober has no fresh reading.
  var isProberStale = false

  subscript(target: TargetID, generation: Generation) -> WorldStack? {
    get { stacks[target]?[generation] }
    set {
      stacks[target, default: [:]][generation] = newValue
      if stacks[target]?.isEmpty == true { stacks[target] = nil }
    }
  }

  func observed(_ target: TargetID) -> Observed<[StackObservation]> {
    if let unknown { return .unknown(reason: unknown) }
    let all = stacks[target] ?? [:]
    return .known(all.keys.sorted().compactMap { all[$0]?.observation })
  }

  func probes(_ target: TargetID) -> [Generation: ProbeReport] {
    (stacks[target] ?? [:]).compactMapValues { stack in
      isProberStale
        ? ProbeReport(healthy: 0, proven: 0, age: .seconds(60), lastFailure: "no fresh probe")
        : stack.probe
    }
  }

  func inspections(_ target: TargetID) -> [Generation: InspectionReport] {
    (stacks[target] ?? [:]).compactMapValues { stack in
      guard unknown == nil, stack.phase == .complete else { return nil }
      return InspectionReport(result: .known(stack.inspection), age: age)
    }
  }

  mutating func advance(_ time: Duration) {
    for target in stacks.keys {
      for generation in stacks[target]?.keys.sorted() ?? [] {
        self[target, generation]?.advance(time)
      }
    }
  }

  /// Every process is gone, the keepers too; what is on disk stays.
  mutating func reboot() {
    for target in stacks.keys {
      for generation in stacks[target]?.keys.sorted() ?? [] {
        self[target, generation]?.loseKeeper(because: "starting again after a reboot")
      }
    }
  }

  /// A new process has seen no probe yet.
  mutating func forgetProbes() {
    for target in stacks.keys {
      for generation in stacks[target]?.keys.sorted() ?? [] {
        self[target, generation]?.forgetProbes()
      }
    }
  }
}
