import Foundation

/// Runs and starts the programs that tests need beside our own.
package enum Tool {
  /// Runs a program to its end; throws with its error text unless it exits with 0. The answer is
  /// its standard output without the last newline.
  @discardableResult
  package static func run(
    _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:],
    input: [UInt8] = []
  ) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.environment = Self.environment.merging(environment) { $1 }
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    let files = try TemporaryDirectory()
    for name in ["in", "out", "err"] { try writeFile(files.path(name), name == "in" ? input : []) }
    process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: files.path("in")))
    process.standardOutput = FileHandle(forWritingAtPath: files.path("out"))
    process.standardError = FileHandle(forWritingAtPath: files.path("err"))
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let text = String(decoding: try readFile(files.path("err")), as: UTF8.self)
      throw SupportError("\(arguments.joined(separator: " ")): \(text)")
    }
    let text = String(decoding: try readFile(files.path("out")), as: UTF8.self)
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }

  /// No configuration of the user or the machine.
  static let environment = [
    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com",
  ]
}

/// A server process that a test started; it ends with the last reference.
package final class ServerProcess {
  private let process: Process

  package init(
    _ arguments: [String], log: String, environment: [String: String] = [:]
  ) throws {
    try writeFile(log, [])
    process = Process()
    process.executableURL = URL(fileURLWithPath: arguments[0])
    process.arguments = Array(arguments.dropFirst())
    process.environment = Tool.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: log)
    process.standardError = FileHandle(forWritingAtPath: log)
    try process.run()
  }

  deinit { stop() }

  package func stop() {
    guard process.isRunning else { return }
    process.terminate()
    process.waitUntilExit()
  }
}

/// Asks again every 5 ms until the condition holds; throws after `limit`.
package func eventually(
  _ what: String, within limit: Duration = .seconds(10), _ condition: () throws -> Bool
) throws {
  let end = ContinuousClock.now + limit
  while try !condition() {
    guard ContinuousClock.now < end else { throw SupportError("not within \(limit): \(what)") }
    usleep(5000)
  }
}

/// A port on 127.0.0.1 that was free a moment ago.
package func freePort() throws -> Int {
  let server = try StubServer { _ in }
  return server.port
}

/// Whether somebody accepts connections there.
package func accepts(port: Int) -> Bool {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = UInt16(port).bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  } == 0
}
