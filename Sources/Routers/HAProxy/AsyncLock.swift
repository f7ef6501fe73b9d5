/// Lets one task at a time through, in the order of arrival. Callers hold it for one bounded step.
actor AsyncLock {
  private var isHeld = false
  private var queue: [CheckedContinuation<Void, Never>] = []

  func acquire() async {
    guard isHeld else {
      isHeld = true
      return
    }
    await withCheckedContinuation { queue.append($0) }
  }

  func release() {
    guard !queue.isEmpty else {
      isHeld = false
      return
    }
    queue.removeFirst().resume()
  }
}
