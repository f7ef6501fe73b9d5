import CGit2

/// Moves Git's smart protocol; libgit2 speaks it.
protocol SmartConnection: AnyObject {
  /// Starts the listing or the exchange that follows it.
  func stream(listing: Bool) throws(SourceError) -> any SmartStream
  func close()
}

protocol SmartStream: AnyObject {
  /// 0: the peer has ended.
  func read(into target: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int
  func write(_ bytes: UnsafeRawBufferPointer) throws(SourceError)
}

/// What one remote operation shares with libgit2's callbacks. Lives until the operation has ended.
final class RemoteContext {
  let isStateless: Bool
  let packLimit: Int
  let makeConnection: () -> (any SmartConnection)?
  /// Says more than libgit2's code.
  var failure: SourceError?

  init(
    isStateless: Bool, packLimit: Int, makeConnection: @escaping () -> (any SmartConnection)?
  ) {
    self.isStateless = isStateless
    self.packLimit = packLimit
    self.makeConnection = makeConnection
  }

  /// Runs the body; an error is kept, and libgit2 gets -1.
  func keep(_ body: () throws(SourceError) -> Void) -> Int32 {
    do throws(SourceError) {
      try body()
      return 0
    } catch {
      failure = failure ?? error
      return -1
    }
  }
}

/// The contexts of the two structures that libgit2 holds.
private final class ConnectionBox {
  let context: RemoteContext
  let connection: any SmartConnection
  /// A stateful session has one stream, and libgit2 wants the very same pointer again.
  var stream: UnsafeMutablePointer<git_smart_subtransport_stream>?
  init(_ context: RemoteContext, _ connection: any SmartConnection) {
    self.context = context
    self.connection = connection
  }
}

private final class StreamBox {
  let context: RemoteContext
  let stream: any SmartStream
  init(_ context: RemoteContext, _ stream: any SmartStream) {
    self.context = context
    self.stream = stream
  }
}

/// For `git_remote_callbacks.transport`; its payload is a `RemoteContext`.
let makeTransport: git_transport_cb = { out, owner, payload in
  guard let payload else { return -1 }
  let context = Unmanaged<RemoteContext>.fromOpaque(payload).takeUnretainedValue()
  var definition = git_smart_subtransport_definition(
    callback: makeSubtransport, rpc: context.isStateless ? 1 : 0, param: payload)
  return git_transport_smart(out, owner, &definition)
}

private let makeSubtransport: git_smart_subtransport_cb = { out, _, param in
  guard let out, let param else { return -1 }
  let context = Unmanaged<RemoteContext>.fromOpaque(param).takeUnretainedValue()
  guard let connection = context.makeConnection() else { return -1 }
  let new = UnsafeMutablePointer<viridian_subtransport>.allocate(capacity: 1)
  let box = Unmanaged.passRetained(ConnectionBox(context, connection))
  new.initialize(
    to: viridian_subtransport(
      base: git_smart_subtransport(action: startAction, close: closeTransport, free: freeTransport),
      context: box.toOpaque()))
  out.pointee = UnsafeMutableRawPointer(new).assumingMemoryBound(to: git_smart_subtransport.self)
  return 0
}

private func box(_ pointer: UnsafeMutablePointer<git_smart_subtransport>?) -> Unmanaged<
  ConnectionBox
>? {
  guard let pointer else { return nil }
  let whole = UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: viridian_subtransport.self)
  return whole.pointee.context.map { Unmanaged.fromOpaque($0) }
}

private func box(_ pointer: UnsafeMutablePointer<git_smart_subtransport_stream>?) -> Unmanaged<
  StreamBox
>? {
  guard let pointer else { return nil }
  let whole = UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: viridian_stream.self)
  return whole.pointee.context.map { Unmanaged.fromOpaque($0) }
}

private func startAction(
  _ out: UnsafeMutablePointer<UnsafeMutablePointer<git_smart_subtransport_stream>?>?,
  _ transport: UnsafeMutablePointer<git_smart_subtransport>?, _ url: UnsafePointer<CChar>?,
  _ service: git_smart_service_t
) -> Int32 {
  guard let out, let owner = box(transport)?.takeUnretainedValue() else { return -1 }
  let isListing = service == GIT_SERVICE_UPLOADPACK_LS
  guard isListing || service == GIT_SERVICE_UPLOADPACK else { return -1 }
  if let stream = owner.stream, !owner.context.isStateless, !isListing {
    out.pointee = stream
    return 0
  }
  return owner.context.keep { () throws(SourceError) in
    let stream = try owner.connection.stream(listing: isListing)
    let new = UnsafeMutablePointer<viridian_stream>.allocate(capacity: 1)
    let base = git_smart_subtransport_stream(
      subtransport: transport, read: readStream, write: writeStream, free: freeStream)
    let box = Unmanaged.passRetained(StreamBox(owner.context, stream))
    new.initialize(to: viridian_stream(base: base, context: box.toOpaque()))
    owner.stream = UnsafeMutableRawPointer(new)
      .assumingMemoryBound(to: git_smart_subtransport_stream.self)
    out.pointee = owner.stream
  }
}

private func closeTransport(_ transport: UnsafeMutablePointer<git_smart_subtransport>?) -> Int32 {
  box(transport)?.takeUnretainedValue().connection.close()
  return 0
}

private func freeTransport(_ transport: UnsafeMutablePointer<git_smart_subtransport>?) {
  box(transport)?.release()
  UnsafeMutableRawPointer(transport)?.assumingMemoryBound(to: viridian_subtransport.self)
    .deallocate()
}

private func readStream(
  _ stream: UnsafeMutablePointer<git_smart_subtransport_stream>?,
  _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: UnsafeMutablePointer<Int>?
) -> Int32 {
  guard let owner = box(stream)?.takeUnretainedValue(), let count else { return -1 }
  return owner.context.keep { () throws(SourceError) in
    count.pointee = try owner.stream.read(
      into: UnsafeMutableRawBufferPointer(start: buffer, count: size))
  }
}

private func writeStream(
  _ stream: UnsafeMutablePointer<git_smart_subtransport_stream>?, _ buffer: UnsafePointer<CChar>?,
  _ size: Int
) -> Int32 {
  guard let owner = box(stream)?.takeUnretainedValue() else { return -1 }
  return owner.context.keep { () throws(SourceError) in
    try owner.stream.write(UnsafeRawBufferPointer(start: buffer, count: size))
  }
}

private func freeStream(_ stream: UnsafeMutablePointer<git_smart_subtransport_stream>?) {
  if let owner = box(stream?.pointee.subtransport)?.takeUnretainedValue(), owner.stream == stream {
    owner.stream = nil
  }
  box(stream)?.release()
  UnsafeMutableRawPointer(stream)?.assumingMemoryBound(to: viridian_stream.self).deallocate()
}
