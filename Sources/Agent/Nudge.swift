/// "Wake up": the only input of a pass. Any number of nudges between two passes are one.
package struct Nudge: Sendable {
  private let continuation: AsyncStream<Void>.Continuation
  /// One element for each wake-up; single consumer.
  package let wakeUps: AsyncStream<Void>

  package init() {
    // One waiting nudge is enough: a pass reads everything.
    (wakeUps, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  package func callAsFunction() { continuation.yield() }
}
