import Model

/// What goes wrong with one reading of a history, or between two of them.
package struct Trick: Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    /// It shows an earlier moment.
    case stale(View)
    /// The process dies at it, and the first reading of its kind by the next one shows an earlier
    /// moment.
    case staleAfterDeath(View)
    /// The process dies at it, and somebody restores a ledger of an earlier moment.
    case restored(View)
    /// It ends with an error.
    case failing
    /// One part of it cannot be read, and it says so.
    case partlyUnknown
    /// One thing is left out of it, and it does not say so.
    case missing
    /// Something happens after it and is undone before the next one of its kind.
    case hidden(Hidden)
  }

  /// What the contracts of platform, router and source say of it.
  package enum Contract: String, CaseIterable, Sendable {
    /// Allowed to happen: everything must hold.
    case within
    /// A router's reading that shows an earlier moment: allowed to routers that say so.
    case lag
    /// Allowed to nobody: how far the agent depends on that is worth knowing.
    case beyond
  }

  package var kind: Kind
  package var reading: Reading
  /// Which reading of that kind, from 1.
  package var number: Int
  /// How many of them, one after another.
  package var times = 1

  package var contract: Contract {
    switch (kind, reading) {
    case (.stale, .routes), (.staleAfterDeath, .routes): .lag
    case (.stale, .source), (.staleAfterDeath, .source), (.stale, .requests),
      (.staleAfterDeath, .requests):
      .within
    case (.stale, _), (.staleAfterDeath, _), (.missing, _): .beyond
    case (.restored, _), (.failing, _), (.partlyUnknown, _), (.hidden, _): .within
    }
  }

  /// For the table.
  package var name: String {
    switch kind {
    case .stale: "stale \(reading.rawValue)"
    case .staleAfterDeath: "dies, stale \(reading.rawValue)"
    case .restored: "dies, old ledger back"
    case .failing: "failing \(reading.rawValue)"
    case .partlyUnknown: "unknown part of \(reading.rawValue)"
    case .missing: "missing in \(reading.rawValue)"
    case .hidden(let event): "hidden \(event.rawValue)"
    }
  }

  package var description: String {
    let shown =
      switch kind {
      case .stale(let view), .staleAfterDeath(let view), .restored(let view):
        ", as of \(view.at) ms"
      case .failing, .partlyUnknown, .missing, .hidden: ""
      }
    return "\(name) at \(reading.rawValue) \(number)\(times > 1 ? "+\(times - 1)" : "")\(shown)"
  }
}

/// Things that happen and can be undone, so that nobody who looks only before and after sees them.
package enum Hidden: String, CaseIterable, Sendable {
  // Between two listings.
  case drift, sicken, killInstances, deleteStack, stuck, foreignName
  // Between two readings of the routes.
  case routeByHand, routeLost
  // Between two looks at the source.
  case bump, remove, breakDocument, forcePush
  // Between two readings of the requests.
  case pause
  // Between two readings of a secret.
  case rotate

  package var reading: Reading {
    switch self {
    case .drift, .sicken, .killInstances, .deleteStack, .stuck, .foreignName: .listing
    case .routeByHand, .routeLost: .routes
    case .bump, .remove, .breakDocument, .forcePush: .source
    case .pause: .requests
    case .rotate: .secret
    }
  }
}

extension Story {
  /// Every trick that this story can be played: each reading of the agent, with each earlier state,
  /// each way to fail, and each thing that may hide behind it.
  ///
  /// `times`: how many readings in a row are stale.
  package func tricks(times: [Int]) -> [Trick] {
    let simulation = Simulation(schedule)
    simulation.sieve.isWatching = true
    _ = simulation.run()
    let record = simulation.sieve.record
    return record.looks.flatMap { look -> [Trick] in
      let stale = record.earlier(than: look).flatMap { view in
        times.map {
          Trick(kind: .stale(view), reading: look.reading, number: look.number, times: $0)
        }
          + [Trick(kind: .staleAfterDeath(view), reading: look.reading, number: look.number)]
      }
      return stale + look.others(record)
    }
  }
}

extension Record.Look {
  /// Tricks that show no earlier moment.
  fileprivate func others(_ record: Record) -> [Trick] {
    var kinds: [Trick.Kind] = [.failing]
    switch reading {
    case .listing: kinds += [.missing]
    case .routes, .inspection: kinds += [.partlyUnknown, .missing]
    case .ledger: kinds = []
    case .source, .artifact, .secret, .requests, .probe: break
    }
    kinds += Hidden.allCases.filter { $0.reading == reading }.map { .hidden($0) }
    if reading == .requests {
      // A pass reads them once: the moments between two passes. Of all pairs a quarter, in turn.
      let earlier = (record.states[.ledger] ?? []).filter { $0.at < at }.enumerated()
      kinds += earlier.filter { $0.offset % 4 == number % 4 }.map { .restored($0.element) }
    }
    return kinds.map { Trick(kind: $0, reading: reading, number: number) }
  }
}
