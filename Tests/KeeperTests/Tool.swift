import Glibc
import KeeperKit

/// Programs that tests run.
enum Tool {
  /// Built beside the tests.
  static var keeper: String {
    get throws {
      "\(HostFile.parent(of: try HostFile.linkTarget("/proc/self/exe")))/viridian-keeper"
    }
  }

  static func python(_ script: String, _ arguments: [String]) throws {
    let output = try Descriptor(open: "/dev/null", O_WRONLY)
    let request = SpawnRequest(
      path: "/usr/bin/python3", arguments: ["python3", "-I", "-c", script] + arguments,
      environment: ["PATH": "/usr/bin:/bin"], directory: "/", output: output)
    let child = try request.fork()
    try child.release()
    var status: Int32 = 0
    waitpid(child.pid, &status, 0)
    guard status == 0 else {
      throw Rig.Failure(description: "python3 ended with \(status): \(arguments)")
    }
  }
}
