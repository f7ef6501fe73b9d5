import CCurl

/// One request whose body is pulled by a thread that may block: for code that cannot be async,
/// such as libgit2's transports. Nothing runs between calls, and at most 1 MiB is held.
package final class PullTransfer {
  private let multi: OpaquePointer
  private let exchange: Exchange
  private let buffer = PullBuffer()
  private var end: Result<ResponseHead, TransportError>?

  package init(_ request: HTTPRequest) throws(TransportError) {
    let buffer = buffer
    exchange = try Exchange(request) { buffer.take($0) }
    guard let multi = curl_multi_init() else { throw .broken("libcurl does not start: no memory") }
    self.multi = multi
    curl_multi_add_handle(multi, exchange.handle)
  }

  deinit {
    curl_multi_remove_handle(multi, exchange.handle)
    curl_multi_cleanup(multi)
  }

  /// The status and headers; blocks until the first byte of the body or the end has come.
  package func head() throws(TransportError) -> HTTPResponse {
    try fill()
    let head = try end?.get() ?? exchange.head
    return HTTPResponse(status: head.status, headers: head.headers, body: [])
  }

  /// Copies what is there, blocking until there is something; 0: the body has ended.
  package func read(into target: UnsafeMutableRawBufferPointer) throws(TransportError) -> Int {
    try fill()
    return buffer.move(into: target)
  }

  private func fill() throws(TransportError) {
    while buffer.isEmpty {
      if let end {
        _ = try end.get()
        return
      }
      if buffer.hasRefused {
        buffer.hasRefused = false
        curl_easy_pause(exchange.handle, 0)  // CURLPAUSE_CONT
      }
      step()
    }
  }

  private func step() {
    var active: Int32 = 0
    curl_multi_perform(multi, &active)
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE else { continue }
      end = exchange.result(viridian_curl_message_result(message))
    }
    // The exchange's own deadlines end it; 1 s is only a fallback.
    if end == nil && buffer.isEmpty { curl_multi_poll(multi, nil, 0, 1000, nil) }
  }
}

private final class PullBuffer {
  private static let limit = 1 << 20
  private var bytes: [UInt8] = []
  private var start = 0
  var hasRefused = false

  var isEmpty: Bool { start == bytes.count }

  func take(_ new: UnsafeRawBufferPointer) -> Exchange.Taken {
    guard bytes.count - start + new.count <= Self.limit || isEmpty else {
      hasRefused = true
      return .nothingYet
    }
    if isEmpty {
      bytes.removeAll(keepingCapacity: true)
      start = 0
    }
    bytes += new
    return .all
  }

  func move(into target: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(target.count, bytes.count - start)
    bytes.withUnsafeBytes { target.copyMemory(from: .init(rebasing: $0[start..<start + count])) }
    start += count
    return count
  }
}
