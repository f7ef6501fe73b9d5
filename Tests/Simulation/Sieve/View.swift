import LedgerKit
import Model
import PlatformKit

/// What the agent reads of the world. Readings of each kind are counted from 1 in each history.
package enum Reading: String, CaseIterable, Sendable {
  case listing
  case inspection
  case routes
  /// The tip of the branch, or what is in its commit.
  case source
  case artifact
  case secret
  case ledger
  case requests
  case probe
}

/// What can be read of the world at one moment.
package struct View: Sendable {
  var at: Moment
  var listing: LiveState
  var inspections: [StackID: Inspection]
  var routes: [TargetID: Observed<RouteObservation>]
  var tip: CommitID
  var secretVersion: Int
  var ledger: LedgerFile

  /// Whether a reading of that kind would be the same at both moments.
  func isSame(_ other: View, for reading: Reading) -> Bool {
    switch reading {
    case .listing: listing == other.listing
    case .inspection: inspections == other.inspections
    case .routes: routes == other.routes
    case .source: tip == other.tip
    case .secret: secretVersion == other.secretVersion
    case .ledger: ledger.sequence == other.ledger.sequence
    case .requests: ledger.requests == other.ledger.requests
    // What an artifact's name stands for never changes, and a probe is an answer, not a state.
    case .artifact, .probe: true
    }
  }
}

extension Simulation {
  var view: View {
    View(
      at: now, listing: ground.listing, inspections: ground.stacks.mapValues(\.inspection),
      routes: ground.observedRoutes(), tip: repository.visibleTip, secretVersion: secretVersion,
      ledger: disk.ledger)
  }
}

/// What has been there to read in one history, and when the agent has read.
struct Record {
  /// One reading by the agent.
  struct Look {
    var reading: Reading
    var at: Moment
    /// Which of its kind it is, from 1.
    var number: Int
    /// Which of the kind's states was there.
    var state: Int
    /// How many states of the kind had been there by then.
    var known: Int
  }

  private(set) var looks: [Look] = []
  /// By kind: what differed from everything before it, oldest first.
  private(set) var states: [Reading: [View]] = [:]
  private var current: [Reading: Int] = [:]

  mutating func watch(_ view: View) {
    for reading in Reading.allCases {
      let known = states[reading] ?? []
      if let last = current[reading], known[last].isSame(view, for: reading) { continue }
      if let index = known.firstIndex(where: { $0.isSame(view, for: reading) }) {
        current[reading] = index
      } else {
        current[reading] = known.count
        states[reading, default: []].append(view)
      }
    }
  }

  mutating func look(_ reading: Reading, _ number: Int, at now: Moment) {
    looks.append(
      Look(
        reading: reading, at: now, number: number, state: current[reading] ?? 0,
        known: states[reading]?.count ?? 0))
  }

  /// Every state that was there before the look and is another one than it saw.
  func earlier(than look: Look) -> [View] {
    (states[look.reading] ?? []).prefix(look.known).enumerated()
      .filter { $0.offset != look.state }.map(\.element)
  }
}
