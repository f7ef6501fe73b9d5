package import LedgerKit
import Model

/// Decides which alert goes to which sink and when: a state machine without clock and network.
///
/// Contract with the shell: perform the actions, and tell what became of them as events. The
/// outbox in the ledger is the truth: an alert is recorded as delivered once every sink has it or
/// has given up, so a crash repeats a delivery and never loses one. The sender and each of its
/// alerts back off on their own: a receiver that is down is asked seldom, and one alert that
/// always fails does not stop the others.
package struct AlertSender: Sendable {
  package enum Event: Hashable, Sendable {
    /// Something was committed to the ledger's outbox, or the agent has just started.
    case nudged
    /// What `readOutbox` found, oldest first; nil when the ledger could not be read.
    case outbox([OutboxAlert]?)
    case wokeUp
    case delivered(key: String, sink: Int)
    case failed(key: String, sink: Int, AlertError)
    /// The last `record` is in the ledger, or it could not be written.
    case recorded(Bool)
  }

  package enum Action: Hashable, Sendable {
    /// `sink`: its index.
    case deliver(OutboxAlert, sink: Int)
    /// Read at most `readLimit` alerts from the ledger's outbox. Never while a `record` is under
    /// way: an alert that is delivered but not yet recorded must not be taken for a new one.
    case readOutbox
    /// Write the keys as delivered, and a note for each text, in one transaction.
    case record(keys: [String], notes: [String])
    /// Send `wokeUp` at this reading of the clock since boot; replaces the one before.
    case wakeUp(at: Duration)
  }

  /// Alerts waiting at once: some MB of memory, and more than a person would ever read.
  package static let maximumPending = 1000
  /// More than are kept, so that a surplus is given up instead of coming back for ever.
  package static let readLimit = 2 * maximumPending
  /// How long one alert is tried: after a day an alert is history, not news.
  package static let giveUpAfter = Duration.seconds(24 * 3600)
  /// The longest pause between two tries: a receiver that is back gets its alerts within minutes.
  package static let longestPause = Duration.seconds(300)
  /// The pause before the ledger is asked again when it refused.
  static let ledgerPause = Duration.seconds(5)

  private struct Item: Sendable {
    var alert: OutboxAlert
    /// When this process saw it first, since boot: a wrong wall clock gives up nothing.
    var since: Duration
    /// The sinks that still have to get it.
    var open: [Int: Retry]
  }

  private struct Retry: Sendable {
    var failures = 0
    var notBefore = Duration.zero
    var lastError: AlertError?

    mutating func failed(
      _ error: AlertError, at now: Duration, random: inout some RandomNumberGenerator
    ) {
      failures += 1
      lastError = error
      notBefore = now + AlertSender.pause(failures: failures, random: &random)
    }
  }

  private struct Sink: Sendable {
    var retry = Retry()
    /// The key that is being delivered; one at a time keeps the order.
    var inFlight: String?
  }

  private var items: [Item] = []
  private var sinks: [Sink]
  private var finished: [String] = []
  private var notes: [String] = []
  /// What the `record` under way carries.
  private var recording: (keys: Int, notes: Int)?
  private var isReading = false
  private var isNudged = false
  private var ledgerNotBefore = Duration.zero

  /// `sinkCount`: with 0 every alert counts as delivered at once.
  package init(sinkCount: Int) {
    sinks = Array(repeating: Sink(), count: max(0, sinkCount))
  }

  /// Alerts that some sink still has to get.
  package var pendingCount: Int { items.count }

  /// `now`: CLOCK_BOOTTIME. Late and repeated events are harmless.
  package mutating func handle(
    _ event: Event, at now: Duration, random: inout some RandomNumberGenerator
  ) -> [Action] {
    switch event {
    case .nudged: isNudged = true
    case .outbox(let alerts): took(alerts, at: now)
    case .wokeUp: break
    case .delivered(let key, let sink): delivered(key, sink)
    case .failed(let key, let sink, let error): failed(key, sink, error, at: now, random: &random)
    case .recorded(let isWritten): recorded(isWritten, at: now)
    }
    expire(at: now)
    return deliveries(at: now) + ledgerWork(at: now) + wakeUp(after: now)
  }

  /// Full jitter: any time up to 1 s, 2 s, 4 s … so that many agents do not come back together.
  static func pause(failures: Int, random: inout some RandomNumberGenerator) -> Duration {
    let ceiling = min(longestPause, .seconds(1 << min(max(failures, 1) - 1, 20)))
    return .milliseconds(Int.random(in: 0...ceiling.wholeMilliseconds, using: &random))
  }

  private mutating func took(_ alerts: [OutboxAlert]?, at now: Duration) {
    guard isReading else { return }
    isReading = false
    guard let alerts else {
      isNudged = true
      ledgerNotBefore = now + Self.ledgerPause
      return
    }
    // A full answer may have cut off more.
    if alerts.count >= Self.readLimit { isNudged = true }
    var known = Set(items.map(\.alert.key)).union(finished)
    let open = Dictionary(uniqueKeysWithValues: sinks.indices.map { ($0, Retry()) })
    for alert in alerts where known.insert(alert.key).inserted {
      items.append(Item(alert: alert, since: now, open: open))
    }
    finishDone()
    let surplus = items.count - Self.maximumPending
    guard surplus > 0 else { return }
    // The oldest go: the newest say how things are now.
    finished += items.prefix(surplus).map(\.alert.key)
    items.removeFirst(surplus)
    notes.append(
      "\(surplus) alerts were given up: more than \(Self.maximumPending) were waiting")
  }

  private mutating func delivered(_ key: String, _ sink: Int) {
    guard free(sink, of: key) else { return }
    sinks[sink].retry = Retry()
    close(key, sink)
  }

  private mutating func failed(
    _ key: String, _ sink: Int, _ error: AlertError, at now: Duration,
    random: inout some RandomNumberGenerator
  ) {
    guard free(sink, of: key) else { return }
    switch error {
    case .rejected:
      notes.append("alert \(key) was given up: \(error)")
      close(key, sink)
    case .transient:
      sinks[sink].retry.failed(error, at: now, random: &random)
      guard let index = items.firstIndex(where: { $0.alert.key == key }) else { return }
      items[index].open[sink]?.failed(error, at: now, random: &random)
    }
  }

  /// `false` for an answer nobody waits for.
  private mutating func free(_ sink: Int, of key: String) -> Bool {
    guard sinks.indices.contains(sink), sinks[sink].inFlight == key else { return false }
    sinks[sink].inFlight = nil
    return true
  }

  private mutating func close(_ key: String, _ sink: Int) {
    guard let index = items.firstIndex(where: { $0.alert.key == key }) else { return }
    items[index].open[sink] = nil
    finishDone()
  }

  private mutating func finishDone() {
    finished += items.filter { $0.open.isEmpty }.map(\.alert.key)
    items.removeAll { $0.open.isEmpty }
  }

  private mutating func recorded(_ isWritten: Bool, at now: Duration) {
    guard let recording else { return }
    self.recording = nil
    if isWritten {
      finished.removeFirst(recording.keys)
      notes.removeFirst(recording.notes)
    } else {
      ledgerNotBefore = now + Self.ledgerPause
    }
  }

  private mutating func expire(at now: Duration) {
    for index in items.indices where now - items[index].since >= Self.giveUpAfter {
      let item = items[index]
      for (sink, retry) in item.open.sorted(by: { $0.key < $1.key })
      where sinks[sink].inFlight != item.alert.key {
        let why = retry.lastError.map { ": \($0)" } ?? ""
        notes.append("alert \(item.alert.key) was given up after \(Self.giveUpAfter.text)\(why)")
        items[index].open[sink] = nil
      }
    }
    finishDone()
  }

  private mutating func deliveries(at now: Duration) -> [Action] {
    var actions: [Action] = []
    for sink in sinks.indices
    where sinks[sink].inFlight == nil && sinks[sink].retry.notBefore <= now {
      guard let alert = longestDue(for: sink, at: now) else { continue }
      sinks[sink].inFlight = alert.key
      actions.append(.deliver(alert, sink: sink))
    }
    return actions
  }

  /// The oldest that was not tried yet, then the one whose pause ended first: an alert that
  /// always fails waits behind all others.
  private func longestDue(for sink: Int, at now: Duration) -> OutboxAlert? {
    var next: (alert: OutboxAlert, notBefore: Duration)?
    for item in items {
      guard let notBefore = item.open[sink]?.notBefore, notBefore <= now else { continue }
      if next.map({ notBefore < $0.notBefore }) ?? true { next = (item.alert, notBefore) }
    }
    return next?.alert
  }

  /// One thing at a time; recording first, so that a read finds only what is left.
  private mutating func ledgerWork(at now: Duration) -> [Action] {
    guard recording == nil, !isReading, ledgerNotBefore <= now else { return [] }
    if !finished.isEmpty || !notes.isEmpty {
      recording = (finished.count, notes.count)
      return [.record(keys: finished, notes: notes)]
    }
    guard isNudged else { return [] }
    isNudged = false
    isReading = true
    return [.readOutbox]
  }

  private func wakeUp(after now: Duration) -> [Action] {
    var times = items.map { $0.since + Self.giveUpAfter }
    for (index, sink) in sinks.enumerated() where sink.inFlight == nil {
      let retries = items.compactMap { $0.open[index]?.notBefore }
      if let first = retries.min() { times.append(max(first, sink.retry.notBefore)) }
    }
    if recording == nil, !isReading, !finished.isEmpty || !notes.isEmpty || isNudged {
      times.append(ledgerNotBefore)
    }
    return times.filter { $0 > now }.min().map { [.wakeUp(at: $0)] } ?? []
  }
}
