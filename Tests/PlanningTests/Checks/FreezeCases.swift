import Model
import Planning

/// A commit that goes through a freeze window, for what it newly declares.
enum FreezeCases {
  static let all: [RuleCase] = [
    RuleCase("freeze", "a launch inside a freeze window, unlike one that overrides it") { wrong in
      wrong.launch()
      wrong.target.freeze = "weekend"
    } good: { right in
      right.launch()
      right.freeze(overridden: CheckCase.new)
    },
    RuleCase("freeze", "weight inside a freeze window, unlike for what overrides it") { wrong in
      wrong.freeze(overridden: CheckCase.old)
    } good: { right in
      right.freeze(overridden: CheckCase.new)
    },
    RuleCase("freeze", "a drift replacement of what once went through a freeze") { wrong in
      wrong.relaunch(.drift)
      wrong.freeze(overridden: CheckCase.old)
    } good: { right in
      right.relaunch(.repair)
      right.freeze(overridden: CheckCase.old)
    },
    RuleCase("freeze", "weight inside a freeze window, unlike what a person lets through") {
      wrong in
      wrong.target.freeze = "weekend"
      wrong.record { $0.freezeException = CheckCase.exception(CheckCase.old) }
    } good: { right in
      right.target.freeze = "weekend"
      right.record { $0.freezeException = CheckCase.exception(CheckCase.new) }
    },
    RuleCase("paused", "weight while paused, whatever goes through a freeze") { wrong in
      wrong.freeze(overridden: CheckCase.new)
      wrong.record { $0.isPaused = true }
    } good: { right in
      right.freeze(overridden: CheckCase.new)
    },
  ]
}

extension CheckCase {
  fileprivate static func exception(_ declared: DesiredTarget) -> FreezeException {
    FreezeException(declaredDigest: declared.declaredDigest, by: "alice", reason: "it burns")
  }

  /// This is declared, and goes through.
  fileprivate mutating func freeze(overridden declared: DesiredTarget) {
    var declared = declared
    declared.freezeOverride = FreezeOverride(commit: "c2", reason: "the site is down")
    target.desired = .desired(declared)
    target.freeze = "weekend"
  }
}
