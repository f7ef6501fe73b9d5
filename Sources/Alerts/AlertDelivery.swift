package import LedgerKit
package import Logging
package import Model

/// Carries out what `AlertSender` decides: the service that empties the ledger's outbox.
package struct AlertDelivery: Sendable {
  private let sinks: [any AlertSink]
  private let ledger: any Ledger & AlertOutbox
  private let now: @Sendable () -> Now
  private let log: Logger
  private let events: AsyncStream<AlertSender.Event>
  private let inbox: AsyncStream<AlertSender.Event>.Continuation

  /// `now`: reads the clocks.
  package init(
    sinks: [any AlertSink], ledger: any Ledger & AlertOutbox,
    now: @escaping @Sendable () -> Now, log: Logger
  ) {
    self.sinks = sinks
    self.ledger = ledger
    self.now = now
    self.log = log
    // Needs no bound: each event is handled at once without waiting, besides nudges there are
    // at most one for each sink and two more, and `AlertSender` bounds what it keeps.
    (events, inbox) = AsyncStream.makeStream(of: AlertSender.Event.self)
  }

  /// Alerts were committed to the outbox. The ledger says which; a lost nudge costs only time.
  package func nudge() { inbox.yield(.nudged) }

  /// Delivers what is in the outbox until the task is cancelled; call it once.
  package func run() async {
    var sender = AlertSender(sinkCount: sinks.count)
    var random = SystemRandomNumberGenerator()
    var timer: Task<Void, Never>?
    var failing: Set<Int> = []
    nudge()
    await withDiscardingTaskGroup { group in
      for await event in events {
        tell(event, &failing)
        for action in sender.handle(event, at: now().sinceBoot, random: &random) {
          if case .wakeUp(let time) = action {
            timer?.cancel()
            timer = wakeUp(at: time)
          } else {
            group.addTask { await perform(action) }
          }
        }
      }
      timer?.cancel()
      group.cancelAll()
    }
  }

  /// The log says when a sink begins to fail and when it works again, not at each try.
  private func tell(_ event: AlertSender.Event, _ failing: inout Set<Int>) {
    switch event {
    case .failed(_, let sink, .transient(let reason)):
      guard failing.insert(sink).inserted else { return }
      log.error(
        "alerts cannot be delivered; they are kept and tried again",
        metadata: ["sink": "\(sinks[sink].name)", "error": "\(reason)"])
    case .failed(let key, let sink, .rejected(let reason)):
      // Never tried again, so this is said once for each.
      log.error(
        "an alert was refused and is given up",
        metadata: ["sink": "\(sinks[sink].name)", "alert": "\(key)", "error": "\(reason)"])
    case .delivered(_, let sink):
      guard failing.remove(sink) != nil else { return }
      log.notice("alerts are delivered again", metadata: ["sink": "\(sinks[sink].name)"])
    case .nudged, .outbox, .wokeUp, .recorded: break
    }
  }

  private func wakeUp(at time: Duration) -> Task<Void, Never> {
    let pause = time - now().sinceBoot
    return Task { [inbox] in
      // Throws only when cancelled: then another timer has taken its place.
      guard (try? await Task.sleep(for: pause)) != nil else { return }
      inbox.yield(.wokeUp)
    }
  }

  private func perform(_ action: AlertSender.Action) async {
    switch action {
    case .deliver(let alert, let sink):
      do {
        try await sinks[sink].deliver(alert)
        inbox.yield(.delivered(key: alert.key, sink: sink))
      } catch {
        inbox.yield(.failed(key: alert.key, sink: sink, error))
      }
    case .record(let keys, let notes):
      let entries = notes.map { LedgerEntry(at: now().wall, kind: .note, message: $0) }
      do {
        try await ledger.commit(LedgerWrite(entries: entries, deliveredAlerts: keys))
        inbox.yield(.recorded(true))
      } catch {
        // Not lost: the sender asks again, and the outbox still holds the alerts.
        inbox.yield(.recorded(false))
      }
    case .readOutbox:
      do {
        inbox.yield(.outbox(try await ledger.outbox(limit: AlertSender.readLimit)))
      } catch {
        // The sender asks again after a pause.
        inbox.yield(.outbox(nil))
      }
    case .wakeUp: break
    }
  }
}
