import Foundation
import Support
import Synchronization

/// The built programs and the files of this repository.
enum Programs {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  static let examples = root.appending(path: "examples-repo")

  /// The products lie beside the test bundle.
  static let products: URL = {
    let executable = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    return executable.deletingLastPathComponent()
  }()
  static let viridian = products.appending(path: "viridian")
}

/// Something that a test expected did not happen.
struct Unexpected: Error, CustomStringConvertible {
  let description: String
  init(_ text: String) { description = text }
}

/// Runs a program to its end without blocking a thread of the pool; both outputs together.
func execute(
  _ program: String, _ arguments: [String], in directory: URL, within limit: Duration = .seconds(60)
) async throws -> (code: Int32, text: String) {
  let file = directory.appending(path: "output-\(UUID().uuidString)").path
  let pid = try Tool.spawn(
    [program] + arguments, directory: directory.path, environment: [:], input: "/dev/null",
    output: file, error: file)
  let end = ContinuousClock.now + limit
  while true {
    if let code = Tool.exitStatus(pid) {
      let text = try String(contentsOfFile: file, encoding: .utf8)
      try FileManager.default.removeItem(atPath: file)
      return (code, text)
    }
    guard ContinuousClock.now < end else {
      kill(pid, SIGKILL)
      Tool.wait(pid)
      throw Unexpected("\(program) \(arguments.joined(separator: " ")) did not end in \(limit)")
    }
    try await Task.sleep(for: .milliseconds(10))
  }
}

/// Ports that no other host of this run has; below the ephemeral range, so that no outgoing
/// connection takes them meanwhile.
final class PortBlocks: Sendable {
  static let shared = PortBlocks()
  static let size = 100
  private static let blocks = 200
  private let given = Mutex(Int.random(in: 0..<blocks))

  /// The first port of a block in which nobody listens now.
  func next() throws -> Int {
    for _ in 0..<Self.blocks {
      let number = given.withLock { number in
        number += 1
        return number % Self.blocks
      }
      let first = 10_000 + number * Self.size
      if (first..<first + Self.size).allSatisfy(canBind) { return first }
    }
    throw Unexpected("no free ports")
  }
}

private func canBind(_ port: Int) -> Bool {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = in_port_t(port).bigEndian
  address.sin_addr.s_addr = inet_addr("127.0.0.1")
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
}
