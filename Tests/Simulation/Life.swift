import Model

/// One process of the agent. It may be killed between any two things it does, and be stopped for a
/// while; what it had asked of the world meanwhile goes on there.
///
/// A dead process does nothing any more: everything it waits for ends at once, and everything it
/// asks is refused before it has any effect.
final class Life: @unchecked Sendable {
  let number: Int
  private(set) var isAlive = true
  private(set) var isStopped = false
  private(set) var diedAt: Moment?
  private let timeline: Timeline
  private var asked = 0
  private var waiting: [Int: (Bool) -> Void] = [:]
  private var alarms: [Int: Int] = [:]
  /// Answers that came while it was stopped.
  private var late: [Int] = []
  private var tasks: [Task<Void, Never>] = []
  /// Called once when it has ended, however.
  private var ended: (() -> Void)?

  init(number: Int, timeline: Timeline) {
    (self.number, self.timeline) = (number, timeline)
  }

  /// What the process does; when its body ends, the process has.
  func begin(_ body: @escaping @Sendable () async -> Void, ended: @escaping () -> Void) {
    self.ended = ended
    tasks.append(
      Task {
        await body()
        self.kill()
      })
  }

  func kill() {
    guard isAlive else { return }
    isAlive = false
    diedAt = timeline.now
    for task in tasks { task.cancel() }
    for id in waiting.keys.sorted() { waiting.removeValue(forKey: id)?(false) }
    for alarm in alarms.values { timeline.cancel(alarm) }
    (late, alarms, tasks) = ([], [:], [])
    let ended = ended
    self.ended = nil
    ended?()
  }

  func stop() { isStopped = true }

  func goOn() {
    guard isStopped else { return }
    isStopped = false
    let late = late
    self.late = []
    for id in late { finish(id, true) }
  }

  /// Waits until `begin` has called what it was given; false: the process is dead.
  func wait(_ begin: (_ done: @escaping () -> Void) -> Void) async -> Bool {
    guard isAlive else { return false }
    asked += 1
    let id = asked
    return await withUnsafeContinuation { continuation in
      waiting[id] = { continuation.resume(returning: $0) }
      begin { self.finish(id, true) }
    }
  }

  func sleep(_ time: Duration) async throws {
    guard isAlive, !Task.isCancelled else { throw CancellationError() }
    asked += 1
    let id = asked
    let isOver = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        guard !Task.isCancelled else { return continuation.resume(returning: false) }
        waiting[id] = { continuation.resume(returning: $0) }
        // Never shorter than asked for: who looks at the clock then must see that its time has come.
        alarms[id] = timeline.plan(after: (time + .nanoseconds(999_999)).wholeMilliseconds) {
          self.alarms[id] = nil
          self.finish(id, true)
        }
      }
    } onCancel: {
      if let alarm = self.alarms.removeValue(forKey: id) { self.timeline.cancel(alarm) }
      self.finish(id, false)
    }
    guard isOver else { throw CancellationError() }
  }

  private func finish(_ id: Int, _ isGood: Bool) {
    guard isAlive, !(isStopped && isGood) else {
      if isAlive { late.append(id) }
      return
    }
    waiting.removeValue(forKey: id)?(isGood)
  }
}
