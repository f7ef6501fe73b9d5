import CGit2
import Glibc
import Model

/// Feeds a child's input and collects its outputs until both have ended, or a bound is met.
struct PipeExchange {
  private static let errorLimit = 64 << 10

  private(set) var outputBytes: [UInt8] = []
  private(set) var errorBytes: [UInt8] = []
  private var input: ArraySlice<UInt8>
  private let writer: Descriptor
  private let output: Descriptor
  private let error: Descriptor
  private let limit: Int
  private let until: ContinuousClock.Instant
  private let cancellation: Cancellation?

  init(
    input: [UInt8], writer: Descriptor, output: Descriptor, error: Descriptor, limit: Int,
    until: ContinuousClock.Instant, cancellation: Cancellation?
  ) {
    self.input = input[...]
    self.writer = writer
    self.output = output
    self.error = error
    self.limit = limit
    self.until = until
    self.cancellation = cancellation
    viridian_set_nonblocking(writer.number)
  }

  /// nil when both outputs have ended by themselves.
  mutating func run() -> ChildProcess.End? {
    if input.isEmpty { writer.close() }
    while output.number >= 0 || error.number >= 0 {
      let left = ContinuousClock.now.duration(to: until)
      guard left > .zero else { return .timedOut }
      // A negative descriptor is left out by poll.
      var polled = [
        pollfd(fd: output.number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: error.number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: writer.number, events: Int16(POLLOUT), revents: 0),
        pollfd(fd: cancellation?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
      ]
      let wait = min(left.wholeMilliseconds + 1, 60_000)
      guard poll(&polled, 4, Int32(wait)) > 0 else { continue }
      if polled[3].revents != 0 { return .cancelled }
      if polled[2].revents != 0 { feed() }
      if polled[0].revents != 0 {
        outputBytes += Self.take(output)
        guard outputBytes.count <= limit else { return .tooMuchOutput }
      }
      if polled[1].revents != 0 {
        errorBytes += Self.take(error).prefix(Self.errorLimit - errorBytes.count)
      }
    }
    return nil
  }

  private mutating func feed() {
    let count = input.withUnsafeBytes { write(writer.number, $0.baseAddress, $0.count) }
    if count > 0 { input = input.dropFirst(count) }
    if input.isEmpty || (count < 0 && errno != EAGAIN && errno != EINTR) { writer.close() }
  }

  private static func take(_ descriptor: Descriptor) -> [UInt8] {
    var part = [UInt8](repeating: 0, count: 64 << 10)
    let count = read(descriptor.number, &part, part.count)
    if count > 0 { return Array(part[..<count]) }
    if count == 0 || errno != EINTR { descriptor.close() }
    return []
  }
}
