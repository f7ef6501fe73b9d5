import Glibc
import KeeperKit
import Model
import PlatformKit

/// The place and the names of everything on it; holds no state.
struct Site: Sendable {
  /// Stack names are file and cgroup names, which end at 255 bytes with what is appended.
  static let nameLimit = 128
  /// Directories being made or removed: no stacks, whatever they hold.
  static let hidden = "."

  let platform: PlatformName
  let settings: LocalPlatformSettings
  let key: IdentityKey
  let owner: OwnerID
  /// The host's machine id.
  let identity: String

  init(
    platform: PlatformName, settings: LocalPlatformSettings, key: IdentityKey, owner: OwnerID
  ) {
    self.platform = platform
    self.settings = settings
    self.key = key
    self.owner = owner
    identity = Self.machineID()
  }

  var stacks: String { "\(settings.directory)/stacks" }
  /// Held while ports are chosen.
  var portLock: String { "\(settings.directory)/ports.lock" }

  func name(_ certificate: BirthCertificate) -> String {
    certificate.stack.name(limit: Self.nameLimit)
  }
  func layout(_ name: String) -> StackLayout { StackLayout(directory: "\(stacks)/\(name)") }
  func layout(_ certificate: BirthCertificate) -> StackLayout { layout(name(certificate)) }
  /// Another one each time: two that race never write into one directory.
  func incoming(_ certificate: BirthCertificate) -> String {
    "\(stacks)/.incoming-\(name(certificate))-\(UInt64.random(in: 0...UInt64.max))"
  }
  func trash(_ certificate: BirthCertificate) -> String {
    "\(stacks)/.trash-\(name(certificate))-\(tag(certificate))"
  }

  /// The owner's own directory on tmpfs.
  var secretsDirectory: String { "\(settings.secrets)/viridian-\(ownerName)" }
  func secrets(_ certificate: BirthCertificate) -> String {
    "\(secretsDirectory)/\(name(certificate))-\(tag(certificate)).json"
  }

  func cgroup(_ certificate: BirthCertificate) -> StackCgroup {
    StackCgroup(path: "viridian/\(ownerName)/\(name(certificate))-\(tag(certificate))")
  }

  /// One launch in one directory: two platforms of one host never share a secret or a cgroup.
  private func tag(_ certificate: BirthCertificate) -> String {
    Digest.of("\(settings.directory)\n\(certificate.launch)").short
  }

  /// The owner as part of a file name.
  private var ownerName: String {
    let isPlain = owner.rawValue.utf8.allSatisfy { byte in
      (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (byte >= 0x30 && byte <= 0x39)
        || byte == 0x2D
    }
    let fits = owner.rawValue.utf8.count <= 64 && !owner.rawValue.isEmpty
    return isPlain && fits ? owner.rawValue : Digest.of(owner.rawValue).short
  }

  private static func machineID() -> String {
    for path in ["/etc/machine-id", "/var/lib/dbus/machine-id"] {
      // A host without one of them is asked for the other; there is nothing to report.
      if let text = (try? HostFile.text(path)) ?? nil, !text.isEmpty { return text }
    }
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return "host-" + String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
  }
}

/// What the host refused, as the platform's contract says it: asked again with back-off.
func onHost<Value>(
  _ body: () throws(HostError) -> Value
) throws(PlatformError) -> Value {
  do throws(HostError) {
    return try body()
  } catch {
    throw .transient("\(error)")
  }
}
