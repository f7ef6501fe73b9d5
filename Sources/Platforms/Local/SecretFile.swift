import CHost
import Glibc
import KeeperKit
import Model
import PlatformKit

/// The values of one stack's secrets: a file on tmpfs that only its owner can read.
struct SecretFile: Sendable {
  let directory: String
  let path: String

  init(_ site: Site, _ certificate: BirthCertificate) {
    directory = site.secretsDirectory
    path = site.secrets(certificate)
  }

  /// Writes the file unless it is there; a reboot loses it, and then it is written again.
  func write(_ keys: [String], from secrets: [String: Secret]) throws(PlatformError) {
    let exists = try onHost { () throws(HostError) in try HostFile.exists(path) }
    guard !exists else { return }
    var values: [String: String] = [:]
    for key in keys {
      guard let value = secrets[key] else {
        throw .transient("the value of \(key) was not handed over")
      }
      values[key] = value.reveal
    }
    try makeDirectory()
    let bytes = values
    try onHost { () throws(HostError) in
      try HostFile.write(try HostFile.json(bytes), to: path, mode: 0o400)
    }
  }

  func remove() throws(PlatformError) {
    // A crash in the middle of writing leaves the same values under another name.
    let names = try onHost { () throws(HostError) in try HostDirectory.list(directory) }
    for name in names where "\(directory)/\(name)".hasPrefix("\(path).new-") {
      try onHost { () throws(HostError) in try HostDirectory.remove("\(directory)/\(name)") }
    }
    guard unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR else {
      throw .transient("cannot remove \(path): \(String(cString: strerror(errno)))")
    }
    // Goes with the owner's last secret; that it holds others is no error.
    rmdir(directory)
  }

  /// nil when the stack has none, or a reboot has lost them.
  func read() throws(HostError) -> [String: String]? {
    try HostFile.decode([String: String].self, from: path)
  }

  /// Anybody may make names in a directory like /dev/shm: what is there must be ours alone.
  private func makeDirectory() throws(PlatformError) {
    let status = try onHost { () throws(HostError) in
      try HostDirectory.make(directory)
      return try HostFile.status(directory)
    }
    guard let status, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
      status.st_mode & 0o077 == 0
    else {
      throw .rejected(
        fault: .platform, "\(directory) is not a directory that belongs to us alone: remove it")
    }
    guard chost_is_in_memory(directory) == 1 else {
      throw .rejected(
        fault: .platform, "\(directory) is not on tmpfs: secrets would reach the disk")
    }
  }
}
