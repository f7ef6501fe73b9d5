import Model
import Support

/// Everything that happens in one simulated history, drawn from a seed before it begins: so it can be
/// told, kept in a file, made smaller, and repeated.
package struct Schedule: Codable, Sendable {
  package var seed: UInt64
  package var setup: Setup
  /// Sorted by time.
  package var happenings: [Happening]
  package var windows: [Window]
  /// How long anything may happen; afterwards the world heals, and everything must come to rest.
  package var length: Moment
  package init(
    seed: UInt64, setup: Setup, happenings: [Happening] = [], windows: [Window] = [],
    length: Moment
  ) {
    (self.seed, self.setup, self.length) = (seed, setup, length)
    (self.happenings, self.windows) = (happenings, windows)
  }
}

/// For a while, some calls go wrong in one way.
package struct Window: Codable, Sendable, Hashable {
  package var fault: CallFault
  package var part: Part
  package var from: Moment
  package var until: Moment
  /// How many of a thousand calls.
  package var permille: Int
  /// For what has a size: milliseconds.
  package var size: Int
}

/// Whom the agent asks.
package enum Part: String, Codable, Sendable, CaseIterable {
  case platform
  case router
  case ledger
  case source
  case inputs
  case probe
}

/// What becomes of one call.
package enum CallFault: String, Codable, Sendable, CaseIterable {
  /// It takes longer.
  case slow
  /// Its request is lost: nothing happens, and the caller is told so late.
  case lostRequest
  /// It happens, and the caller is told that it timed out.
  case lostAnswer
  /// It happens twice.
  case duplicate
  /// Refused at once.
  case throttled
}

/// Something that happens to the world, past the agent or to it.
package struct Happening: Codable, Sendable, Hashable {
  package var at: Moment
  package var event: Event
  /// Of the setup's targets, by index.
  package var target: Int
  /// Draws what the event leaves open, such as which stack or for how long.
  package var draw: Int

  package enum Event: String, Codable, Sendable, CaseIterable {
    // A person commits.
    case bump, revert, badVersion, resize, policy, remove, restore, breakDocument, emptyTree
    case burst, forcePush, rewind, removeWhileBroken
    // The Git server.
    case sourceDown, staleMirror
    // The agent's process and host.
    case kill, killAtNextEffect, stop, secondAgent, deleteLease, reboot, clockJump, suspend
    case ledgerLost, ledgerRestored, diskFull
    // Somebody interferes.
    case killInstance, killAllInstances, deleteStack, loseKeeper, drift, unreadable
    case routeByHand, routeLost, foreignName, stuck
    case sicken, flap
    // A person asks.
    case pause, resume, abort, retry, release, adopt, approve, approveStep, advance
    // The router or platform as a whole.
    case platformDown, routerDown
  }
}
