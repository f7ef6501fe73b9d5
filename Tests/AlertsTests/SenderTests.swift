import Alerts
import LedgerKit
import Model
import Testing

@Suite struct SenderTests {
  private func alert(_ key: String) -> OutboxAlert {
    OutboxAlert(
      key: key, at: WallTime(milliseconds: 0), severity: "info", reason: "RolloutCompleted",
      message: "done")
  }

  /// The sender with a clock in seconds and always the longest pause.
  private struct Bench {
    var sender: AlertSender
    var random = Largest()
    mutating func at(_ seconds: Int, _ event: AlertSender.Event) -> [AlertSender.Action] {
      sender.handle(event, at: .seconds(seconds), random: &random)
    }
    init(sinks: Int = 1) { sender = AlertSender(sinkCount: sinks) }

    /// Nudged and answered with these alerts.
    mutating func take(_ alerts: [OutboxAlert], at seconds: Int = 0) -> [AlertSender.Action] {
      #expect(at(seconds, .nudged).contains(.readOutbox))
      return at(seconds, .outbox(alerts))
    }
  }

  private func isDelivery(_ action: AlertSender.Action) -> Bool {
    if case .deliver = action { true } else { false }
  }

  private func wakeUp(_ actions: [AlertSender.Action]) -> Duration? {
    for case .wakeUp(let time) in actions { return time }
    return nil
  }

  @Test func `alerts go one by one in order and are recorded once`() {
    var bench = Bench()
    #expect(bench.take([alert("a"), alert("b")]).contains(.deliver(alert("a"), sink: 0)))
    let second = bench.at(1, .delivered(key: "a", sink: 0))
    #expect(second.contains(.deliver(alert("b"), sink: 0)))
    #expect(second.contains(.record(keys: ["a"], notes: [])))
    // The answer to an earlier delivery comes again: nothing happens.
    #expect(bench.at(1, .delivered(key: "a", sink: 0)).filter(isDelivery).isEmpty)
    #expect(!bench.at(2, .delivered(key: "b", sink: 0)).contains(.record(keys: ["b"], notes: [])))
    #expect(bench.at(3, .recorded(true)) == [.record(keys: ["b"], notes: [])])
    #expect(bench.at(4, .recorded(true)) == [])
    #expect(bench.sender.pendingCount == 0)
  }

  @Test func `an alert whose record is under way is not read again`() {
    var bench = Bench()
    _ = bench.take([alert("a")])
    #expect(bench.at(1, .delivered(key: "a", sink: 0)) == [.record(keys: ["a"], notes: [])])
    #expect(!bench.at(1, .nudged).contains(.readOutbox))
    #expect(bench.at(2, .recorded(true)) == [.readOutbox])
    #expect(bench.at(2, .outbox([])) == [])
  }

  @Test func `what could not be recorded is asked again, and not delivered again`() {
    var bench = Bench()
    _ = bench.take([alert("a")])
    _ = bench.at(1, .delivered(key: "a", sink: 0))
    #expect(bench.at(1, .recorded(false)) == [.wakeUp(at: .seconds(6))])
    #expect(bench.at(6, .wokeUp) == [.record(keys: ["a"], notes: [])])
  }

  @Test func `pauses double up to five minutes`() {
    var bench = Bench()
    var actions = bench.take([alert("a")])
    var now = 0
    var pauses: [Int] = []
    for _ in 0..<11 {
      #expect(actions.contains(.deliver(alert("a"), sink: 0)))
      let waiting = bench.at(now, .failed(key: "a", sink: 0, .transient("down")))
      #expect(waiting.filter(isDelivery).isEmpty)
      let next = wakeUp(waiting)?.wholeMilliseconds ?? 0
      pauses.append(next / 1000 - now)
      now = next / 1000
      #expect(bench.at(now - 1, .wokeUp).filter(isDelivery).isEmpty)
      actions = bench.at(now, .wokeUp)
    }
    #expect(pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
  }

  @Test func `one poisoned alert does not stop the others`() {
    var bench = Bench()
    _ = bench.take([alert("bad"), alert("good")])
    let waiting = bench.at(0, .failed(key: "bad", sink: 0, .transient("500")))
    #expect(wakeUp(waiting) == .seconds(1))
    #expect(bench.at(1, .wokeUp).contains(.deliver(alert("good"), sink: 0)))
    // A delivery ends the sink's pause; the bad alert keeps its own.
    let after = bench.at(1, .delivered(key: "good", sink: 0))
    #expect(after.contains(.deliver(alert("bad"), sink: 0)))
    #expect(wakeUp(bench.at(1, .failed(key: "bad", sink: 0, .transient("500")))) == .seconds(3))
  }

  @Test func `an alert is given up after a day, with a note`() {
    var bench = Bench()
    _ = bench.take([alert("a")])
    _ = bench.at(0, .failed(key: "a", sink: 0, .transient("connection refused")))
    #expect(bench.at(86_399, .wokeUp).contains(.deliver(alert("a"), sink: 0)))
    let actions = bench.at(86_400, .failed(key: "a", sink: 0, .transient("still refused")))
    let note = "alert a was given up after 24h: still refused"
    #expect(actions == [.record(keys: ["a"], notes: [note])])
  }

  @Test func `a refused alert is given up at once`() {
    var bench = Bench()
    _ = bench.take([alert("a")])
    let actions = bench.at(0, .failed(key: "a", sink: 0, .rejected("status 413")))
    #expect(actions == [.record(keys: ["a"], notes: ["alert a was given up: status 413"])])
  }

  @Test func `an alert counts as delivered when every sink has it`() {
    var bench = Bench(sinks: 2)
    let actions = bench.take([alert("a")])
    #expect(actions.filter(isDelivery).count == 2)
    let first = bench.at(1, .delivered(key: "a", sink: 1))
    #expect(!first.contains(.record(keys: ["a"], notes: [])))
    #expect(bench.at(2, .delivered(key: "a", sink: 0)) == [.record(keys: ["a"], notes: [])])
  }

  @Test func `the outbox is bounded and the oldest alerts go first`() {
    var bench = Bench()
    let many = (0..<1500).map { alert("k\($0)") }
    let actions = bench.take(many)
    #expect(bench.sender.pendingCount == AlertSender.maximumPending)
    #expect(actions.contains(.deliver(alert("k500"), sink: 0)))
    let note = "500 alerts were given up: more than 1000 were waiting"
    #expect(actions.contains(.record(keys: (0..<500).map { "k\($0)" }, notes: [note])))
  }

  @Test func `an unreadable ledger is asked again`() {
    var bench = Bench()
    #expect(bench.at(0, .nudged) == [.readOutbox])
    #expect(bench.at(0, .outbox(nil)) == [.wakeUp(at: .seconds(5))])
    #expect(bench.at(5, .wokeUp) == [.readOutbox])
  }
}

/// Always the largest number: the longest pause.
private struct Largest: RandomNumberGenerator {
  mutating func next() -> UInt64 { .max }
}
