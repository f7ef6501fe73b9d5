import CGit2
import Crypto
import Glibc
import Model

/// Where a source's store lies, and what of it belongs to whom.
struct WorkerDirectory {
  let path: String
  let user: WorkerUser

  /// nil: the worker keeps our user.
  func numbers() throws(SourceError) -> WorkerUser.Numbers? {
    guard geteuid() == 0 else { return nil }
    switch user {
    case .agent: return nil
    case .named(let name):
      guard let found = Self.find(name) else {
        throw .configuration("there is no user \"\(name)\" for source workers")
      }
      return found
    case .dedicated:
      guard let found = Self.find("viridian-source") ?? Self.find("nobody") else {
        throw .configuration("make a system user \"viridian-source\" for source workers")
      }
      return found
    }
  }

  private static func find(_ name: String) -> WorkerUser.Numbers? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16 << 10)
    guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
      return nil
    }
    return WorkerUser.Numbers(user: entry.pw_uid, group: entry.pw_gid)
  }

  /// Makes the directory, gives it to the worker's user, and removes what a crash left behind.
  func prepare() throws(SourceError) {
    var parent = ""
    for part in path.split(separator: "/").dropLast() {
      parent += "/\(part)"
      mkdir(parent, 0o755)
    }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw .configuration("cannot make \(path): \(String(cString: strerror(errno)))")
    }
    for name in names(in: path) where name.hasPrefix("scratch.") { removeTree("\(path)/\(name)") }
    guard let numbers = try numbers() else { return }
    try own(path, numbers)
    var status = stat()
    while let slash = parent.lastIndex(of: "/"), slash > parent.startIndex {
      let isOpen = stat(parent, &status) == 0 && status.st_mode & 0o001 != 0
      guard isOpen || status.st_uid == numbers.user else {
        throw .configuration(
          "\(parent) is not searchable by the source worker's user \(numbers.user): "
            + "chmod o+x \(parent), or let workers run as the agent's user")
      }
      parent = String(parent[..<slash])
    }
  }

  /// The store may have been made for another user, by an earlier configuration.
  private func own(_ path: String, _ numbers: WorkerUser.Numbers) throws(SourceError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_uid != numbers.user {
      guard lchown(path, numbers.user, numbers.group) == 0 else {
        throw .configuration("cannot give \(path) to user \(numbers.user)")
      }
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { return }
    for name in names(in: path) { try own("\(path)/\(name)", numbers) }
  }

  /// A new directory for one call; the caller removes it.
  func makeScratch() throws(SourceError) -> String {
    var template = Array("\(path)/scratch.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw .worker("cannot write to \(path): \(String(cString: strerror(errno)))")
    }
    let made = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if let numbers = try numbers() { lchown(made, numbers.user, numbers.group) }
    return made
  }

  /// Copies the key files that this source names, and no others, to where the worker may read.
  func copyCredentials(
    of configuration: SourceConfiguration, to scratch: String
  ) throws(SourceError) -> WorkerCredentials {
    var credentials = WorkerCredentials(scratch: scratch)
    switch configuration.authentication {
    case .none: break
    case .token(let file, let user), .basic(let user, let file):
      let text = String(decoding: try read(file), as: UTF8.self)
      credentials.user = user
      credentials.password = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    case .sshKey(let file): credentials.identityFile = try copy(file, "identity", scratch)
    case .sshAgent(let socket): credentials.agentSocket = socket
    }
    credentials.caFile = try configuration.caFile.map { f throws(SourceError) in
      try copy(f, "ca.pem", scratch)
    }
    credentials.knownHostsFile = try configuration.knownHostsFile.map { f throws(SourceError) in
      try copy(f, "known_hosts", scratch)
    }
    let verification = configuration.verification
    guard verification.policy != .off else { return credentials }
    credentials.allowedSignersFile = try verification.allowedSignersFile.map {
      f throws(SourceError) in
      try copy(f, "allowed_signers", scratch)
    }
    credentials.revokedKeysFile = try verification.revokedKeysFile.map { f throws(SourceError) in
      try copy(f, "revoked_keys", scratch)
    }
    for (index, file) in verification.gpgKeyrings.enumerated() {
      credentials.gpgKeyrings.append(try copy(file, "keyring-\(index)", scratch))
    }
    return credentials
  }

  private func read(_ file: String) throws(SourceError) -> [UInt8] {
    guard let bytes = readWhole(file, limit: 4 << 20) else {
      throw .configuration("cannot read \(file): \(String(cString: strerror(errno)))")
    }
    return bytes
  }

  private func copy(
    _ file: String, _ name: String, _ scratch: String
  ) throws(SourceError) -> String {
    let bytes = try read(file)
    let path = "\(scratch)/\(name)"
    let target = Descriptor(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600))
    guard writeAll(target.number, bytes) else {
      throw .worker("cannot write \(path): \(String(cString: strerror(errno)))")
    }
    if let numbers = try numbers() { fchown(target.number, numbers.user, numbers.group) }
    return path
  }
}

/// Copies a file that somebody else wrote.
enum FileCopy {
  /// `to` must not exist; it is there when its bytes are on disk. The answer is their digest.
  static func copy(_ from: String, to: String, limit: Int) throws(SourceError) -> Model.Digest {
    // Never through a link that a broken worker may have put there.
    let source = Descriptor(open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW))
    let partial = "\(to).partial"
    unlink(partial)
    let target = Descriptor(open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644))
    guard source.number >= 0, target.number >= 0 else {
      throw .worker("cannot copy to \(to): \(String(cString: strerror(errno)))")
    }
    var hash = SHA256()
    var part = [UInt8](repeating: 0, count: 1 << 20)
    var total = 0
    while case let count = Glibc.read(source.number, &part, part.count), count != 0 {
      total += max(0, count)
      guard count > 0, total <= limit, writeAll(target.number, Array(part[..<count])) else {
        unlink(partial)
        throw .worker("cannot copy to \(to): \(String(cString: strerror(errno)))")
      }
      hash.update(data: part[..<count])
    }
    guard fsync(target.number) == 0, rename(partial, to) == 0 else {
      throw .worker("cannot write \(to): \(String(cString: strerror(errno)))")
    }
    return Model.Digest(hash.finalize())
  }
}
