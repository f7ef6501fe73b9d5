/// How dead instances are started again.
package struct RestartPolicy: Hashable, Codable, Sendable {
  /// Short enough that one crash costs no probe of the default gate.
  package var firstDelayMilliseconds = 250
  package var longestDelayMilliseconds = 10_000
  /// More unasked exits than this within the window are a crash loop.
  package var restartsInWindow = 5
  package var windowMilliseconds = 300_000
  /// A crash loop is still tried now and then: a stable stack may recover by itself.
  package var loopingDelayMilliseconds = 60_000
  package init(
    firstDelayMilliseconds: Int = 250, longestDelayMilliseconds: Int = 10_000,
    restartsInWindow: Int = 5, windowMilliseconds: Int = 300_000,
    loopingDelayMilliseconds: Int = 60_000
  ) {
    self.firstDelayMilliseconds = firstDelayMilliseconds
    self.longestDelayMilliseconds = longestDelayMilliseconds
    self.restartsInWindow = restartsInWindow
    self.windowMilliseconds = windowMilliseconds
    self.loopingDelayMilliseconds = loopingDelayMilliseconds
  }
}

/// The unasked exits of one instance. Only time makes it forget.
package struct RestartHistory: Hashable, Codable, Sendable {
  /// Since launch, over all boots.
  package var total = 0
  /// Readings of the boot clock, oldest first; at most one more than the policy's bound.
  package var recentMilliseconds: [Int] = []
  package var isCrashLooping = false
  package init() {}

  /// Records an unasked exit; the answer is how long to wait before the next start.
  package mutating func exited(at now: Int, _ policy: RestartPolicy) -> Int {
    forget(at: now, policy)
    total += 1
    recentMilliseconds.append(now)
    recentMilliseconds = recentMilliseconds.suffix(policy.restartsInWindow + 1)
    if recentMilliseconds.count > policy.restartsInWindow { isCrashLooping = true }
    if isCrashLooping { return policy.loopingDelayMilliseconds }
    let doublings = min(recentMilliseconds.count - 1, 16)
    return min(policy.firstDelayMilliseconds << doublings, policy.longestDelayMilliseconds)
  }

  /// The command can never start as it is: not worth another try soon.
  package mutating func cannotStart(at now: Int, _ policy: RestartPolicy) -> Int {
    _ = exited(at: now, policy)
    isCrashLooping = true
    return policy.loopingDelayMilliseconds
  }

  /// A whole window without an exit ends a crash loop.
  package mutating func forget(at now: Int, _ policy: RestartPolicy) {
    recentMilliseconds.removeAll { now - $0 > policy.windowMilliseconds }
    if recentMilliseconds.isEmpty { isCrashLooping = false }
  }

  /// The boot clock starts anew; what a reboot ends is not the stack's fault.
  package mutating func rebooted() {
    recentMilliseconds = []
    isCrashLooping = false
  }
}
