import Foundation
import Support

/// The built programs and the files of this repository.
enum Programs {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  static let scripts = root.appending(path: "Tests/Scripts")
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
