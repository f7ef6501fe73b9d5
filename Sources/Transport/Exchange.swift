import CCurl
import Glibc

/// One easy handle with everything that must live as long as it does. Used by one thread at a time.
final class Exchange {
  enum Taken {
    case all
    /// The receiver has no room: curl offers the same bytes again after `resume`.
    case nothingYet
    case failed(TransportError)
  }

  let handle: OpaquePointer
  let request: HTTPRequest
  private(set) var head = ResponseHead()
  /// What our own callbacks refused: says more than curl's code.
  var failure: TransportError?
  private let receive: (UnsafeRawBufferPointer) -> Taken
  private let headerList: UnsafeMutablePointer<curl_slist>?
  private let errorText: UnsafeMutablePointer<CChar>
  private var received = 0

  /// curl's own setup, once; it must not run on two threads at once.
  static let setUp: CURLcode = {
    // A peer that closes while we write must be an error of that request, not the process's end.
    signal(SIGPIPE, SIG_IGN)
    return viridian_curl_global_init()
  }()

  init(
    _ request: HTTPRequest, receive: @escaping (UnsafeRawBufferPointer) -> Taken
  ) throws(TransportError) {
    guard Self.setUp == CURLE_OK, let handle = curl_easy_init() else {
      throw .broken("libcurl does not start: no memory")
    }
    self.handle = handle
    self.request = request
    self.receive = receive
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    var list: UnsafeMutablePointer<curl_slist>?
    // An empty Expect keeps curl from waiting a second for "100 Continue".
    for header in request.headers + [HTTPHeader("Expect", "")] {
      let line = header.value.isEmpty ? "\(header.name):" : "\(header.name): \(header.value)"
      list = curl_slist_append(list, line) ?? list
    }
    headerList = list
    try configure()
  }

  deinit {
    curl_easy_cleanup(handle)
    curl_slist_free_all(headerList)
    errorText.deallocate()
  }

  /// What the finished exchange means.
  func result(_ code: CURLcode) -> Result<ResponseHead, TransportError> {
    if let failure { return .failure(failure) }
    guard code == CURLE_OK else { return .failure(error(code)) }
    return .success(head)
  }

  private func error(_ code: CURLcode) -> TransportError {
    let detail = String(cString: errorText)
    let reason = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
    let text = "\(request.origin): \(reason)"
    switch code {
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_TOO_MANY_REDIRECTS:
      return .refused(text)
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT:
      return .unreachable(text)
    case CURLE_OPERATION_TIMEDOUT: return .timedOut(text)
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
      CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS:
      return .untrusted(text)
    case CURLE_FILESIZE_EXCEEDED: return .tooLarge(text)
    default: return .broken(text)
    }
  }

  private func configure() throws(TransportError) {
    let problem = request.problem ?? ExchangeOptions(handle: handle, request: request).apply()
    if let problem { throw .refused("\(request.origin): \(problem)") }
    let context = Unmanaged.passUnretained(self).toOpaque()
    viridian_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, errorText)
    viridian_curl_set_list(handle, CURLOPT_HTTPHEADER, headerList)
    viridian_curl_set_pointer(handle, CURLOPT_WRITEDATA, context)
    viridian_curl_set_write(handle, CURLOPT_WRITEFUNCTION, takeBody)
    viridian_curl_set_pointer(handle, CURLOPT_HEADERDATA, context)
    viridian_curl_set_write(handle, CURLOPT_HEADERFUNCTION, takeHeader)
    viridian_curl_set_pointer(handle, CURLOPT_OPENSOCKETDATA, context)
    viridian_curl_set_open(handle, openSocket)
  }

  fileprivate func body(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard received + bytes.count <= request.limits.bodyBytes else {
      failure = .tooLarge(
        "\(request.origin): the answer is larger than \(request.limits.bodyBytes) bytes")
      return 0
    }
    switch receive(bytes) {
    case .all:
      received += bytes.count
      return bytes.count
    case .nothingYet: return viridian_curl_pause()
    case .failed(let error):
      failure = error
      return 0
    }
  }

  fileprivate func header(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard head.add(String(decoding: bytes, as: UTF8.self)) else {
      failure = .tooLarge("\(request.origin): the header is larger than 64 KiB")
      return 0
    }
    return bytes.count
  }

  fileprivate func open(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
    let target = address.pointee
    if request.addresses == .publicOnly, request.unixSocket == nil {
      let allowed = withUnsafePointer(to: &address.pointee.addr) { isPublic($0) }
      guard allowed else {
        failure = .refused("\(request.origin): leads to an address that is not public")
        return viridian_curl_bad_socket()
      }
    }
    return socket(target.family, target.socktype | Int32(SOCK_CLOEXEC.rawValue), target.protocol)
  }
}

private let takeBody: curl_write_callback = { pointer, size, count, context in
  guard let context else { return 0 }
  return Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
    .body(UnsafeRawBufferPointer(start: pointer, count: size * count))
}

private let takeHeader: curl_write_callback = { pointer, size, count, context in
  guard let context else { return 0 }
  return Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
    .header(UnsafeRawBufferPointer(start: pointer, count: size * count))
}

private let openSocket: curl_opensocket_callback = { context, _, address in
  guard let context, let address else { return viridian_curl_bad_socket() }
  return Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue().open(address)
}
