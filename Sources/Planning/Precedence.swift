/// Who wins when rules meet: one table, the one of the manual.
package enum Precedence {
  /// What may be true of a target at the same time as a wish to act.
  package enum Circumstance: String, Sendable, CaseIterable {
    case paused
    case frozen
    case breakerHeld
    case sourceHeld
    case ledgerLost
    case observing
  }

  /// What the agent may want to do.
  package enum Wish: String, Sendable, CaseIterable {
    /// Launch, or more traffic for a new digest.
    case new
    /// Replacing a stack that has drifted and still serves.
    case driftReplace
    /// Healthy capacity is below the floor.
    case repair
    /// Abort, rollback, switch to a warm stack.
    case rollback
    case retire
  }

  package enum Verdict: Hashable, Sendable {
    case yes
    case no
    /// No; a rollout under way keeps its weight, its clocks stopped.
    case keepsWeight
    case alertOnly
    case anotherDigestOnly
    /// The platform brings instances back; nothing is launched.
    case healingOnly
    /// What was accepted before is finished.
    case acceptedOnly
    /// By the last good spec.
    case lastGoodSpec
    case operatorOnly
    case neverForAbsence
  }

  package static func verdict(_ circumstance: Circumstance, _ wish: Wish) -> Verdict {
    let row = row(circumstance)
    switch wish {
    case .new: return row.new
    case .driftReplace: return row.drift
    case .repair: return row.repair
    case .rollback: return row.rollback
    case .retire: return row.retire
    }
  }

  private typealias Row = (
    new: Verdict, drift: Verdict, repair: Verdict, rollback: Verdict, retire: Verdict
  )

  private static func row(_ circumstance: Circumstance) -> Row {
    switch circumstance {
    case .paused: (.no, .no, .yes, .yes, .no)
    case .frozen: (.keepsWeight, .alertOnly, .yes, .yes, .yes)
    case .breakerHeld: (.anotherDigestOnly, .no, .healingOnly, .yes, .no)
    case .sourceHeld: (.acceptedOnly, .lastGoodSpec, .yes, .yes, .neverForAbsence)
    case .ledgerLost: (.no, .no, .healingOnly, .operatorOnly, .no)
    case .observing: (.no, .no, .no, .no, .no)
    }
  }
}
