import CHost
package import Glibc

/// Directories.
package enum HostDirectory {
  /// Makes the directory and those above it that are missing.
  package static func make(_ path: String, mode: UInt32 = 0o700) throws(HostError) {
    if mkdir(path, mode) == 0 || errno == EEXIST { return }
    guard errno == ENOENT else {
      throw .system(what: "cannot make the directory \(path)", errno: errno)
    }
    try make(HostFile.parent(of: path), mode: mode)
    guard mkdir(path, mode) == 0 || errno == EEXIST else {
      throw .system(what: "cannot make the directory \(path)", errno: errno)
    }
  }

  /// The names inside, sorted; empty when there is no such directory.
  package static func list(_ path: String) throws(HostError) -> [String] {
    guard let stream = opendir(path) else {
      if errno == ENOENT { return [] }
      throw .system(what: "cannot list \(path)", errno: errno)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        // A partial listing must never pass for a complete one.
        guard errno == 0 else { throw .system(what: "cannot list \(path)", errno: errno) }
        return names.sorted()
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
  }

  /// Removes the tree without following links; what is gone already is no error.
  package static func remove(_ path: String) throws(HostError) {
    guard let status = try HostFile.status(path) else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      // Release directories are read-only, also for their owner.
      chmod(path, 0o700)
      for name in try list(path) { try remove("\(path)/\(name)") }
      guard rmdir(path) == 0 || errno == ENOENT else {
        throw .system(what: "cannot remove \(path)", errno: errno)
      }
    } else {
      guard unlink(path) == 0 || errno == ENOENT else {
        throw .system(what: "cannot remove \(path)", errno: errno)
      }
    }
  }

  /// Renames, unless something bears the new name already (errno EEXIST).
  package static func rename(_ from: String, toNew to: String) throws(HostError) {
    let result = chost_rename_new(from, to)
    guard result == 0 else { throw .system(what: "cannot rename to \(to)", errno: -result) }
  }
}

extension HostFile {
  /// What lstat says; nil when there is nothing.
  package static func status(_ path: String) throws(HostError) -> stat? {
    var status = stat()
    if lstat(path, &status) == 0 { return status }
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw .system(what: "cannot look at \(path)", errno: errno)
  }

  package static func exists(_ path: String) throws(HostError) -> Bool {
    try status(path) != nil
  }

  /// Where a symbolic link points to.
  package static func linkTarget(_ path: String) throws(HostError) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink(path, &buffer, buffer.count)
    guard count >= 0 else { throw .system(what: "cannot read the link \(path)", errno: errno) }
    return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
