/// An HTTP client: one thread that runs all its transfers. Use one client per purpose, so that a
/// slow receiver of one purpose never delays another.
///
/// Cancelling the calling task ends the transfer at once. When the last reference goes, transfers
/// that still run end with `.cancelled`.
package final class HTTPClient: Sendable {
  private let loop: TransferLoop

  /// `connections`: at most so many are open, further requests wait their turn (their `total`
  /// deadline runs). Errors: `.broken` when there is no memory or no thread.
  package init(connections: Int = 128) throws(TransportError) {
    loop = try TransferLoop(connections: connections)
  }

  deinit { loop.stop() }

  /// Sends the request and returns the whole answer, of whatever status.
  package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
    let buffer = Buffer()
    let head = try await run(request) { bytes in
      buffer.bytes += bytes
      return .all
    }
    return HTTPResponse(status: head.status, headers: head.headers, body: buffer.bytes)
  }

  /// Sends the request and hands each part of the body to `receive` as it arrives, on the client's
  /// thread: it must be quick. Throwing ends the transfer with that error.
  package func stream(
    _ request: HTTPRequest,
    receive: @escaping @Sendable (UnsafeRawBufferPointer) throws(TransportError) -> Void
  ) async throws(TransportError) -> HTTPResponse {
    let head = try await run(request) { bytes in
      do throws(TransportError) {
        try receive(bytes)
        return .all
      } catch {
        return .failed(error)
      }
    }
    return HTTPResponse(status: head.status, headers: head.headers, body: [])
  }

  /// Writes the body of a 200 answer to a new file at `path`, which must not exist; any other
  /// answer, and any error, leaves no file. `receive` sees each part before it is written, for a
  /// running digest. `limits.bodyBytes` caps the size.
  package func download(
    _ request: HTTPRequest, to path: String,
    receive: @escaping @Sendable (UnsafeRawBufferPointer) -> Void = { _ in }
  ) async throws(TransportError) -> HTTPResponse {
    let file = try NewFile(path: path)
    do throws(TransportError) {
      let response = try await stream(request) { bytes throws(TransportError) in
        receive(bytes)
        try file.write(bytes)
      }
      guard response.status == 200 else {
        file.discard()
        return response
      }
      try file.finish()
      return response
    } catch {
      file.discard()
      throw error
    }
  }

  private func run(
    _ request: HTTPRequest, receive: @escaping (UnsafeRawBufferPointer) -> Exchange.Taken
  ) async throws(TransportError) -> ResponseHead {
    let exchange = try Exchange(request, receive: receive)
    let transfer = Transfer(exchange)
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        transfer.onEnd = { continuation.resume(returning: $0) }
        loop.start(transfer)
      }
    } onCancel: {
      loop.cancel(transfer)
    }
    return try result.get()
  }
}

/// Filled by the loop thread, read after the transfer has ended: never at the same time.
private final class Buffer: @unchecked Sendable {
  var bytes: [UInt8] = []
}

/// One exchange on its way through the loop: made by the caller, then owned by the loop thread.
final class Transfer: @unchecked Sendable {
  let exchange: Exchange
  /// Both under the lock of the loop's inbox.
  var isStarted = false
  var isCancelled = false
  /// Set before `start`.
  var onEnd: ((Result<ResponseHead, TransportError>) -> Void)?

  init(_ exchange: Exchange) { self.exchange = exchange }

  /// Resumes the caller, once.
  func end(_ result: Result<ResponseHead, TransportError>) {
    let resume = onEnd
    onEnd = nil
    resume?(result)
  }
}
