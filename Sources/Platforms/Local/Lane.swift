import Dispatch
import PlatformKit

/// One line of blocking calls: they never occupy the threads that all tasks share.
struct Lane: Sendable {
  private let queue: DispatchQueue
  init(_ name: String) { queue = DispatchQueue(label: "viridian.local.\(name)") }

  func run<Value: Sendable>(
    _ body: @escaping @Sendable () throws(PlatformError) -> Value
  ) async throws(PlatformError) -> Value {
    let result: Result<Value, PlatformError> = await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: Result(catching: body)) }
    }
    return try result.get()
  }
}
