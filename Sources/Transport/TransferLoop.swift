import CCurl
import Glibc
import Synchronization

/// The thread that owns a multi handle. Others put work into the inbox and wake it up; they touch
/// nothing else.
///
/// Unchecked: `multi` is used by the loop thread only, but for `curl_multi_wakeup`, which curl
/// allows from any thread while the handle lives; the inbox's lock orders it before the cleanup.
final class TransferLoop: @unchecked Sendable {
  private struct Inbox: Sendable {
    var starts: [Transfer] = []
    var cancelled: [Transfer] = []
    var isStopping = false
    var hasEnded = false
  }

  /// Requests that wait or run: more means that the caller has lost its own bound.
  private static let capacity = 20_000

  private let multi: OpaquePointer
  private let inbox = Mutex(Inbox())
  private let load = Atomic<Int>(0)
  /// By easy handle; loop thread only.
  private var running: [OpaquePointer: Transfer] = [:]

  init(connections: Int) throws(TransportError) {
    guard Exchange.setUp == CURLE_OK, let multi = curl_multi_init() else {
      throw .broken("libcurl does not start: no memory")
    }
    viridian_curl_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections)
    self.multi = multi
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    guard pthread_create(&thread, nil, transferLoopMain, context.toOpaque()) == 0 else {
      context.release()
      throw .broken("no thread for HTTP: the process is at its limit")
    }
    pthread_detach(thread)
  }

  deinit { curl_multi_cleanup(multi) }

  func start(_ transfer: Transfer) {
    let refusal: TransportError? = inbox.withLock { inbox in
      guard !inbox.isStopping, !transfer.isCancelled else { return .cancelled }
      guard load.load(ordering: .relaxed) < Self.capacity else {
        return .overloaded("\(Self.capacity) HTTP requests wait already: ask again later")
      }
      load.add(1, ordering: .relaxed)
      transfer.isStarted = true
      inbox.starts.append(transfer)
      curl_multi_wakeup(multi)
      return nil
    }
    if let refusal { transfer.end(.failure(refusal)) }
  }

  /// May come before `start`, or after the end.
  func cancel(_ transfer: Transfer) {
    inbox.withLock { inbox in
      transfer.isCancelled = true
      guard transfer.isStarted, !inbox.hasEnded else { return }
      inbox.cancelled.append(transfer)
      curl_multi_wakeup(multi)
    }
  }

  func stop() {
    inbox.withLock { inbox in
      guard !inbox.hasEnded else { return }
      inbox.isStopping = true
      curl_multi_wakeup(multi)
    }
  }

  fileprivate func run() {
    while takeInbox() {
      var active: Int32 = 0
      curl_multi_perform(multi, &active)
      collect()
      // Every wait ends by a socket, one of curl's timers or a wake-up; 10 s is only a fallback.
      curl_multi_poll(multi, nil, 0, 10_000, nil)
    }
    for transfer in Array(running.values) { end(transfer, .failure(.cancelled)) }
  }

  /// `false` when the loop ends.
  private func takeInbox() -> Bool {
    let (starts, cancelled, stops) = inbox.withLock { inbox in
      let taken = (inbox.starts, inbox.cancelled, inbox.isStopping)
      inbox.starts = []
      inbox.cancelled = []
      inbox.hasEnded = taken.2
      return taken
    }
    for transfer in starts {
      running[transfer.exchange.handle] = transfer
      curl_multi_add_handle(multi, transfer.exchange.handle)
    }
    for transfer in cancelled { end(transfer, .failure(.cancelled)) }
    return !stops
  }

  private func collect() {
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE,
        let transfer = running[message.pointee.easy_handle]
      else { continue }
      end(transfer, transfer.exchange.result(viridian_curl_message_result(message)))
    }
  }

  private func end(_ transfer: Transfer, _ result: Result<ResponseHead, TransportError>) {
    guard running.removeValue(forKey: transfer.exchange.handle) != nil else { return }
    curl_multi_remove_handle(multi, transfer.exchange.handle)
    load.subtract(1, ordering: .relaxed)
    transfer.end(result)
  }
}

private func transferLoopMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  Unmanaged<TransferLoop>.fromOpaque(context).takeRetainedValue().run()
  return nil
}
