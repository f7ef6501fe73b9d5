import Glibc
package import PlatformKit

extension HAProxyRouter {
  /// Finds the running HAProxy, or starts it from the files on disk.
  package func start() async throws(PlatformError) {
    try await locked { () async throws(PlatformError) in try await self.ensureRunning() }
  }

  /// Ends HAProxy and removes everything the router wrote: for an uninstall.
  package func uninstall() async throws(PlatformError) {
    try await locked { () async throws(PlatformError) in
      if let pid = try self.process.masterPID() {
        kill(pid, SIGTERM)
        let end = ContinuousClock.now + .seconds(10)
        while try self.process.masterPID() != nil {
          if ContinuousClock.now > end { kill(pid, SIGKILL) }
          try await pause(.milliseconds(10))
        }
      }
      try self.removeFiles()
    }
  }

  /// Called with the lock held. HAProxy that does not answer but runs is never started twice.
  func ensureRunning() async throws(PlatformError) {
    if try await answers() { return }
    try makeDirectories()
    let descriptor = open(settings.lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw .transient("cannot open \(settings.lockFile): \(lastError())")
    }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw .transient("another agent is starting HAProxy in \(settings.directory)")
    }
    // A master that reloads closes its socket for a moment.
    let end = ContinuousClock.now + .seconds(5)
    while let pid = try process.masterPID() {
      if try await answers() { return }
      guard ContinuousClock.now < end else {
        throw .transient("HAProxy (pid \(pid)) runs but does not answer on its master socket")
      }
      try await pause(.milliseconds(20))
    }
    if try await answers() { return }
    try await awaitEndOfWorkers()
    if !isVersionChecked {
      try await process.checkVersion()
      isVersionChecked = true
    }
    try await prepareFiles()
    try point("haproxy.start.before")
    try await process.launch()
    try point("haproxy.start.after")
    try await awaitFirstWorker()
  }

  /// Workers end when their master has; until then they hold the ports that the next one needs.
  private func awaitEndOfWorkers() async throws(PlatformError) {
    let end = ContinuousClock.now + .seconds(5)
    while let pid = try process.anyWorker() {
      guard ContinuousClock.now < end else {
        throw .transient("HAProxy's master is dead, but its worker (pid \(pid)) has not ended")
      }
      try await pause(.milliseconds(20))
    }
  }

  private func answers() async throws(PlatformError) -> Bool {
    do throws(PlatformError) {
      _ = try await reader.processes()
      return true
    } catch {
      guard MasterSocket.isRefused(error) else { throw error }
      return false
    }
  }

  private func makeDirectories() throws(PlatformError) {
    // Closed to all others; with a `user`, workers open everything before they change to it.
    try Files.makeDirectory(settings.directory, mode: 0o700)
    for path in [
      settings.configurationDirectory, settings.mapDirectory, settings.rejectedDirectory,
      settings.candidateDirectory, settings.counterDirectory,
    ] { try Files.makeDirectory(path, mode: 0o700) }
  }

  /// Everything derived is derived again; what cannot be loaded is set aside, so that one target
  /// never keeps the others from starting.
  private func prepareFiles() async throws(PlatformError) {
    // What HAProxy knew of its servers is from another life.
    try Files.remove(settings.stateFile)
    var longest = settings.hardStopAfter
    for name in try Files.names(in: settings.rejectedDirectory) {
      try Files.move(
        "\(settings.rejectedDirectory)/\(name)", to: "\(settings.configurationDirectory)/\(name)")
    }
    for name in try Files.names(in: settings.configurationDirectory) {
      guard name.hasPrefix("10-"), name.hasSuffix(".cfg"),
        let key = TargetKey(parsing: name.dropFirst(3).dropLast(4))
      else {
        // Whoever put it there: HAProxy would load it.
        if name != "00-global.cfg" { try setAside(name) }
        continue
      }
      let text = try Files.read(settings.configurationFile(key)) ?? ""
      guard var stored = Rendering.stored(in: text), stored.key == key,
        let listen = stored.address(.listen), bindProblem(listen) == nil
      else {
        try setAside(name)
        continue
      }
      // Whoever has the preview's port does not keep users out.
      if let preview = stored.address(.preview), bindProblem(preview) != nil {
        stored = stored.withoutPreview()
      }
      longest = max(longest, stored.drainDeadline + .seconds(1))
      try write(stored)
    }
    try Files.write(rendering.global(hardStop: longest), settings.globalFile)
    if let problem = try await process.check(settings.configurationDirectory) {
      throw .rejected(fault: .platform, "HAProxy refuses its configuration: \(problem)")
    }
  }

  /// Keeps a file that HAProxy must not load.
  func setAside(_ name: String) throws(PlatformError) {
    try Files.move(
      "\(settings.configurationDirectory)/\(name)", to: "\(settings.rejectedDirectory)/\(name)")
  }

  private func awaitFirstWorker() async throws(PlatformError) {
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
      if let list = try? await reader.processes(), let pid = list.current,
        let reply = try? await socket.ask("show info", worker: pid), reply.contains("Pid: \(pid)")
      {
        return
      }
      try await pause(.milliseconds(10))
    }
    throw .transient("HAProxy started, but its worker did not answer within 10 s")
  }

  private func removeFiles() throws(PlatformError) {
    let directories = [
      settings.configurationDirectory, settings.mapDirectory, settings.rejectedDirectory,
      settings.candidateDirectory, settings.counterDirectory, settings.directory,
    ]
    for directory in directories {
      for name in try Files.names(in: directory) {
        let path = "\(directory)/\(name)"
        guard unlink(path) == 0 || errno == ENOENT || errno == EISDIR else {
          throw .transient("cannot remove \(path): \(lastError())")
        }
      }
      guard rmdir(directory) == 0 || errno == ENOENT else {
        throw .transient("cannot remove \(directory): \(lastError())")
      }
    }
  }
}
