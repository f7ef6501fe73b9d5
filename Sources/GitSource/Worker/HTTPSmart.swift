import Model
import Transport

/// Git over HTTP(S) through libcurl: every wait has a deadline, no redirect is followed, and
/// credentials go to the configured host only.
final class HTTPSmartConnection: SmartConnection {
  private let url: String
  private let place: String
  private let request: WorkerRequest

  init(url: String, place: String, request: WorkerRequest) {
    self.url = url
    self.place = place
    self.request = request
  }

  func stream(listing: Bool) throws(SourceError) -> any SmartStream {
    var http =
      listing
      ? HTTPRequest(url: "\(url)/info/refs?service=git-upload-pack")
      : HTTPRequest("POST", url: "\(url)/git-upload-pack")
    let service = listing ? "advertisement" : "result"
    let configuration = request.configuration
    http.headers = [
      HTTPHeader("Accept", "application/x-git-upload-pack-\(service)"),
      HTTPHeader("User-Agent", "git/2.0 (viridian)"),
    ]
    if !listing {
      http.headers.append(HTTPHeader("Content-Type", "application/x-git-upload-pack-request"))
    }
    http.allowedSchemes = configuration.allowInsecureHTTP ? [.http, .https] : [.https]
    http.caFile = request.credentials.caFile
    if let user = request.credentials.user, let password = request.credentials.password {
      http.basicCredentials = .init(user: user, password: password)
    }
    let deadlines = configuration.deadlines
    let total = listing ? deadlines.list : deadlines.fetch
    http.limits = HTTPLimits(
      connect: min(.seconds(10), total), total: total, idle: min(.seconds(30), total),
      // A listing of a million refs is about 64 MiB.
      bodyBytes: listing ? 64 << 20 : configuration.limits.packBytes)
    return HTTPSmartStream(
      http, place: place, type: "application/x-git-upload-pack-\(service)", sendsNow: listing)
  }

  func close() {}
}

/// One request; what is written becomes its body, sent with the first read.
private final class HTTPSmartStream: SmartStream {
  private var http: HTTPRequest
  private let place: String
  private let type: String
  private var body: [UInt8]?
  private var transfer: PullTransfer?

  init(_ http: HTTPRequest, place: String, type: String, sendsNow: Bool) {
    self.http = http
    self.place = place
    self.type = type
    body = sendsNow ? nil : []
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(SourceError) {
    guard transfer == nil else { throw .unreachable("\(place): write after the answer began") }
    body = (body ?? []) + bytes
  }

  func read(into target: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    if transfer == nil { transfer = try start() }
    guard let transfer else { return 0 }
    do throws(TransportError) {
      return try transfer.read(into: target)
    } catch {
      throw SourceError(error)
    }
  }

  private func start() throws(SourceError) -> PullTransfer {
    http.body = body
    let (new, head) = try send()
    try judge(head)
    return new
  }

  private func send() throws(SourceError) -> (PullTransfer, HTTPResponse) {
    do throws(TransportError) {
      let new = try PullTransfer(http)
      return (new, try new.head())
    } catch {
      throw SourceError(error)
    }
  }

  private func judge(_ head: HTTPResponse) throws(SourceError) {
    switch head.status {
    case 200 where head.header("Content-Type") == type: return
    case 200: throw .missing("\(place) does not answer as a Git server: check the URL")
    case 300..<400:
      throw .configuration("\(place) redirects to another place: put the final URL into the source")
    case 401, 403:
      throw .denied("\(place) refuses our credentials (\(head.status)): check token and user")
    case 404, 410: throw .missing("\(place) has no such repository (404), or hides it from us")
    default: throw .unreachable("\(place) answers \(head.status): ask again later")
    }
  }
}

extension SourceError {
  init(_ error: TransportError) {
    switch error {
    case .untrusted(let text):
      self = .untrusted("\(text): check the server's certificate, or set caFile")
    case .timedOut(let text): self = .timedOut(text)
    case .refused(let text): self = .configuration(text)
    case .tooLarge(let text): self = .refused(text)
    case .cancelled: self = .cancelled
    case .unreachable(let text), .broken(let text), .file(let text), .overloaded(let text):
      self = .unreachable(text)
    }
  }
}
