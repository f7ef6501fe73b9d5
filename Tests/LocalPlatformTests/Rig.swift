import Foundation
import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Support
import Synchronization
import Testing

/// A platform in a directory of its own, with an owner and ports of its own.
final class Rig: Sendable {
  let directory: String
  let owner: OwnerID
  let settings: LocalPlatformSettings
  let key: IdentityKey
  let platform: LocalPlatform

  /// Impatient, so that a crash loop takes less than a second.
  static let restart = RestartPolicy(
    firstDelayMilliseconds: 50, longestDelayMilliseconds: 200, restartsInWindow: 3)

  /// Rigs of one run share no ports; two runs at once rarely do.
  private static let nextPorts = Mutex(20_000 + Int(getpid()) % 98 * 100)

  private init(ports: ClosedRange<Int>?) throws {
    let id = UUID().uuidString.lowercased().prefix(8)
    directory = "\(TemporaryDirectory.root)/viridian-local-\(id)"
    owner = OwnerID(rawValue: "test-\(id)")
    try HostDirectory.make(directory, mode: 0o755)
    let base = Self.nextPorts.withLock { next in
      defer { next = next < 29_800 ? next + 100 : 20_000 }
      return next
    }
    settings = LocalPlatformSettings(
      directory: "\(directory)/local", ports: ports ?? base...(base + 99), restart: Self.restart)
    key = try #require(IdentityKey(bytes: Array(repeating: 7, count: 32)))
    platform = LocalPlatform(name: "local", settings: settings, key: key, owner: owner)
    try HostDirectory.make(stacks, mode: 0o711)
  }

  /// Runs `body` and leaves nothing behind, whatever it did.
  static func with<Value>(
    ports: ClosedRange<Int>? = nil, _ body: (Rig) async throws -> Value
  ) async throws -> Value {
    let rig = try Rig(ports: ports)
    do {
      let value = try await body(rig)
      try await rig.clean()
      return value
    } catch {
      try await rig.clean()
      throw error
    }
  }

  private func clean() async throws {
    let group = StackCgroup(path: "viridian/\(owner)")
    try group.kill()
    try await until("the processes of \(owner) end") { try group.processes().isEmpty }
    try group.remove()
    try HostDirectory.remove(secretsDirectory)
    try HostDirectory.remove(directory)
  }

  var stacks: String { "\(settings.directory)/stacks" }
  var secretsDirectory: String { "/dev/shm/viridian-\(owner)" }
  func layout(_ certificate: BirthCertificate) -> StackLayout {
    StackLayout(directory: "\(stacks)/\(certificate.stack.name())")
  }
  /// All processes of all stacks of this rig.
  func processes() throws -> [Int32] {
    try StackCgroup(path: "viridian/\(owner)").processes().compactMap(HostProcess.read)
      .filter { !$0.isZombie }.map(\.pid)
  }

  func observation(_ certificate: BirthCertificate) async throws -> StackObservation? {
    try await platform.observe().stacks.first { $0.id == certificate.stack }
  }

  /// Asks as the agent does, on every pass, until it is complete.
  @discardableResult
  func launched(_ launch: StackLaunch) async throws -> StackObservation {
    var last: StackObservation?
    try await until("\(launch.certificate.stack) is complete") {
      try await self.platform.ensure(launch)
      last = try await self.observation(launch.certificate)
      return last?.phase == .complete && last?.capacity.running == last?.capacity.intended
    }
    return try #require(last)
  }

  func retired(_ certificate: BirthCertificate) async throws {
    try await until("\(certificate.stack) is retired") {
      do throws(PlatformError) {
        try await self.platform.retire(certificate)
        return true
      } catch .waiting {
        return false
      }
    }
  }

  func status(_ certificate: BirthCertificate) throws -> KeeperStatus? {
    try HostFile.decode(KeeperStatus.self, from: layout(certificate).status)
  }

  func process(_ certificate: BirthCertificate, _ instance: Int) throws -> ProcessIdentity {
    try #require(try status(certificate)?.instances[instance].process)
  }

  func killKeeper(_ certificate: BirthCertificate) async throws {
    let keeper = try #require(try status(certificate)).keeper
    kill(keeper.pid, SIGKILL)
    try await until("the keeper is dead") { !keeper.isAlive }
  }
}

/// Polls a condition; 60 s are more than any of these takes on a busy machine.
func until(
  _ what: String, _ condition: () async throws -> Bool
) async throws {
  let clock = ContinuousClock()
  let deadline = clock.now + .seconds(60)
  while clock.now < deadline {
    if try await condition() { return }
    try await Task.sleep(for: .milliseconds(20))
  }
  throw TestFailure(text: "not in time: \(what)")
}

struct TestFailure: Error, CustomStringConvertible {
  var text: String
  var description: String { text }
}

/// The body of `GET path`, nil when nobody answers.
func get(_ port: Int, _ path: String = "/") -> String? {
  let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var timeout = timeval(tv_sec: 5, tv_usec: 0)
  setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = UInt16(port).bigEndian
  address.sin_addr.s_addr = inet_addr("127.0.0.1")
  let connected = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  guard connected == 0 else { return nil }
  let request = Array("GET \(path) HTTP/1.0\r\n\r\n".utf8)
  guard send(file, request, request.count, Int32(MSG_NOSIGNAL)) > 0 else { return nil }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 4096)
  while case let count = recv(file, &chunk, chunk.count, 0), count > 0 { bytes += chunk[..<count] }
  let text = String(decoding: bytes, as: UTF8.self)
  return text.firstRange(of: "\r\n\r\n").map { String(text[$0.upperBound...]) }
}
