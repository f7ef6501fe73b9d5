import Foundation
import Support
import Synchronization

/// Git over HTTP on 127.0.0.1, honest until it is told to lie.
final class LyingServer: Sendable {
  let url: String
  private let stub: StubServer
  private let orders = Orders()

  /// Serves the bare repositories below `root`.
  init(root: String) throws {
    stub = try StubServer { [orders] connection in
      while let request = Request(connection) {
        guard Answer(root: root, order: orders.current).give(request, to: connection) else {
          return
        }
      }
    }
    url = "http://127.0.0.1:\(stub.port)"
  }

  /// In the words of `server:` in the corpus; empty: be honest.
  func obey(_ order: String) { orders.set(order) }

  func stop() { stub.stop() }

  private final class Orders: Sendable {
    private let text = Mutex("")
    var current: String { text.withLock { $0 } }
    func set(_ new: String) { text.withLock { $0 = new } }
  }
}

/// One request with its body.
private struct Request {
  let method: String
  let path: String
  let body: [UInt8]

  /// nil: the client has gone.
  init?(_ connection: StubConnection) {
    guard let head = connection.readHead() else { return nil }
    let words = head.prefix { $0 != "\r\n" }.split(separator: " ")
    guard words.count > 1 else { return nil }
    (method, path) = (String(words[0]), String(words[1]))
    let lines = head.split(separator: "\r\n").map { $0.lowercased() }
    if lines.contains("expect: 100-continue") { connection.write("HTTP/1.1 100 Continue\r\n\r\n") }
    if lines.contains("transfer-encoding: chunked") {
      body = Self.chunks(connection)
    } else {
      let length = lines.first { $0.hasPrefix("content-length: ") }?.dropFirst(16)
      body = connection.read(length.flatMap { Int($0) } ?? 0)
    }
  }

  private static func chunks(_ connection: StubConnection) -> [UInt8] {
    var body: [UInt8] = []
    while true {
      var line = ""
      while !line.hasSuffix("\r\n"), let byte = connection.read(1).first {
        line.unicodeScalars.append(Unicode.Scalar(byte))
      }
      guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16), size > 0 else { break }
      body += connection.read(size)
      _ = connection.read(2)
    }
    _ = connection.read(2)
    return body
  }

  var isListing: Bool { method == "GET" }
  /// `/lane.git/info/refs?service=git-upload-pack` → `lane.git`.
  var repository: String { path.split(separator: "/").first.map(String.init) ?? "" }
}

/// What is answered to one request under one order.
private struct Answer {
  let root: String
  let order: String

  /// `false`: the connection is done with.
  func give(_ request: Request, to connection: StubConnection) -> Bool {
    let words = order.split(separator: " ", maxSplits: 1).map(String.init)
    let argument = words.count > 1 ? words[1] : ""
    switch (words.first ?? "", request.isListing) {
    case ("silent", _): connection.waitForClose()
    case ("redirect", _):
      connection.answer(302, "", headers: "Location: \(argument)\r\n")
      return true
    case ("status", _):
      connection.answer(Int(argument) ?? 500, "<html>no</html>", headers: type(request))
      return true
    case ("drip", true):
      connection.write("HTTP/1.1 200 OK\r\n\(type(request))Content-Length: 100000\r\n\r\n")
      while connection.write("0") { usleep(1_000_000) }
    case ("stall-in-pack", false):
      let real = honest(request)
      connection.write("HTTP/1.1 200 OK\r\n\(type(request))Content-Length: \(real.count)\r\n\r\n")
      connection.write(Array(real.prefix(real.count / 2)))
      connection.waitForClose()
    case ("advertise", true):
      send(Advertisement.bytes(argument, honest: honest(request)), request, connection)
      return true
    case ("pack", false):
      send(Packs.answer(argument, honest: honest(request)), request, connection)
      return true
    default:
      send(honest(request), request, connection)
      return true
    }
    return false
  }

  private func send(_ bytes: [UInt8], _ request: Request, _ connection: StubConnection) {
    let isHTML = bytes.starts(with: Array("<html>".utf8))
    let type = isHTML ? "Content-Type: text/html\r\n" : type(request)
    connection.write("HTTP/1.1 200 OK\r\n\(type)Content-Length: \(bytes.count)\r\n\r\n")
    connection.write(bytes)
  }

  private func type(_ request: Request) -> String {
    let what = request.isListing ? "advertisement" : "result"
    return "Content-Type: application/x-git-upload-pack-\(what)\r\n"
  }

  private func honest(_ request: Request) -> [UInt8] {
    let mode = request.isListing ? ["--http-backend-info-refs"] : []
    let path = "\(root)/\(request.repository)"
    do {
      let files = try TemporaryDirectory()
      try writeFile(files.path("in"), request.body)
      let pid = try Tool.spawn(
        ["git", "upload-pack", "--stateless-rpc"] + mode + [path], environment: [:],
        input: files.path("in"), output: files.path("out"), error: "/dev/null")
      Tool.wait(pid)
      let head = request.isListing ? Packet.line("# service=git-upload-pack\n") + "0000" : ""
      return Array(head.utf8) + (try readFile(files.path("out")))
    } catch {
      return Array("<html>\(error)</html>".utf8)
    }
  }
}

/// Git's packets.
enum Packet {
  static func line(_ text: String) -> String {
    let digits = String(text.utf8.count + 4, radix: 16)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits + text
  }
}

/// Listings that are none, or lie.
enum Advertisement {
  private static let id = String(repeating: "a", count: 40)
  private static let start = Packet.line("# service=git-upload-pack\n") + "0000"
  private static let capabilities = "\0 ofs-delta side-band-64k agent=x"

  static func bytes(_ kind: String, honest: [UInt8]) -> [UInt8] {
    Array((text(kind) ?? String(decoding: honest, as: UTF8.self)).utf8)
  }

  private static func text(_ kind: String) -> String? {
    let main = "\(id) refs/heads/main"
    func listing(_ lines: String...) -> String {
      start + lines.map { Packet.line($0 + "\n") }.joined() + "0000"
    }
    switch kind {
    case "nothing": return ""
    case "flush-only": return "0000"
    case "no-length": return "zzzz\(main)"
    case "long-length": return start + "ffff\(main)"
    case "short-length": return start + "0003"
    case "no-service": return Packet.line("\(main)\(capabilities)\n") + "0000"
    case "no-nul": return listing(main)
    case "only-nul": return listing("\0")
    case "bad-id":
      return listing("\(String(repeating: "g", count: 40)) refs/heads/main\(capabilities)")
    case "name-with-nul": return listing("\(id) refs/heads/\0main\(capabilities)")
    case "long-name":
      return listing(
        main + capabilities, "\(id) refs/heads/\(String(repeating: "n", count: 65_000))")
    case "endless-capabilities":
      return listing(main + "\0" + String(repeating: " cap=x", count: 10_900))
    case "symref-loop": return listing(main + "\0 symref=HEAD:HEAD symref=:: symref= ofs-delta")
    case "err-packet": return listing("ERR \u{1B}[31mno\u{1B}[0m")
    case "million-refs":
      let more = (0..<1_000_000).map { Packet.line("\(id) refs/heads/r\($0)\n") }.joined()
      return start + Packet.line("\(main)\(capabilities)\n") + more + "0000"
    case "html": return "<html>maintenance</html>"
    case "sha256":
      return listing("\(id)\(id.prefix(24)) refs/heads/main\(capabilities) object-format=sha256")
    case "unknown-commit": return listing(main + capabilities)
    default: return nil
    }
  }
}
