import Foundation
import Support

/// A lane behind TLS whose server shows whatever certificate it is told to.
final class TLSLane {
  let server: GitServer
  let lane: Lane

  init() throws {
    server = try GitServer.https()
    lane = try Lane("https", at: server.root)
  }

  var source: String {
    "{ name: https, url: \"\(server.url(lane.repository))\", branch: main, poll: 5s, "
      + "ca: \"\(server.caFile)\" }"
  }

  func obey(_ order: String) throws {
    switch order {
    case "": try server.present()
    case "expired": try server.present(days: -1)
    case "other-name": try server.present(name: "DNS:git.example.org")
    case "other-address": try server.present(name: "IP:127.0.0.2")
    case "other-authority": try server.present(authority: "other")
    default: throw Unexpected("no server obeys \"\(order)\"")
    }
  }
}

/// A lane over ssh, whose source knows whatever host key it is told.
final class SSHLane {
  let server: GitServer
  let lane: Lane
  private let known: TemporaryDirectory
  private let right: String

  init() throws {
    server = try GitServer.ssh()
    lane = try Lane("ssh", at: server.root)
    known = try TemporaryDirectory()
    right = String(decoding: try readFile(server.knownHostsFile), as: UTF8.self)
    try obey("")
  }

  var source: String {
    "{ name: ssh, url: \"\(server.url(lane.repository))\", branch: main, poll: 5s, "
      + "sshKey: \"\(server.identityFile)\", knownHosts: \"\(known.path("known_hosts"))\" }"
  }

  func obey(_ order: String) throws {
    let text: String
    switch order {
    case "": text = right
    case "unknown-key": text = ""
    case "changed-key": text = try other("ed25519")
    case "other-type": text = try other("rsa")
    default: throw Unexpected("no server obeys \"\(order)\"")
    }
    try known.write("known_hosts", text)
  }

  /// The right place with another key.
  private func other(_ type: String) throws -> String {
    let file = known.path(type)
    if !FileManager.default.fileExists(atPath: file) {
      try Tool.run(["ssh-keygen", "-q", "-t", type, "-N", "", "-C", "", "-f", file])
    }
    let key = String(decoding: try readFile("\(file).pub"), as: UTF8.self)
    return "\(right.prefix { $0 != " " }) \(key)"
  }
}
