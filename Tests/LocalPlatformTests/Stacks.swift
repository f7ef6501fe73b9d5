import Glibc
import KeeperKit
import LocalPlatform
import Model
import PlatformKit
import Support
import Testing

/// What a test launches.
struct StackSketch {
  var application: ApplicationName = "web"
  var generation = 1
  var instances = 1
  var traffic: TrafficPolicy.Mode = .http
  var command = ["/usr/bin/python3", "server.py", "${port}"]
  var environment = ["GREETING": "hello from ${generation}"]
  var limits: CanonicalValue?
  var secrets: [String: String] = [:]
  var launch = "launch-1"
  var health = HealthGate()
  var drainDeadline = Duration.seconds(2)
}

extension Rig {
  /// Answers every GET with its greeting; /crash ends it.
  static let server = """
    import http.server, os, sys
    class Handler(http.server.BaseHTTPRequestHandler):
      def do_GET(self):
        if self.path == "/crash": os._exit(3)
        body = os.environ[self.path[1:] or "GREETING"].encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
    """

  /// A signed launch of the server above, packed anew.
  func launch(
    _ sketch: StackSketch = StackSketch(), handsOverInputs: Bool = true
  ) throws -> StackLaunch {
    let archive = try archive()
    let reference = InputReference(kind: .artifact, name: "artifacts/web")
    let secrets = sketch.secrets.keys.sorted()
      .map { InputReference(kind: .secret, name: "file:\($0)") }
    let spec = StackSpec(
      workloadKind: "process",
      workload: .present([
        "artifact": .string(reference.name),
        "command": .array(sketch.command.map { .string($0) }),
        "environment": .object(sketch.environment.mapValues { .string($0) }),
        "limits": sketch.limits,
      ]), inputs: [reference] + secrets, instances: sketch.instances,
      health: sketch.health)
    let resolved =
      [ResolvedInput(reference: reference, identity: archive.sha256.description)]
      + secrets.map { ResolvedInput(reference: $0, identity: "hmac:00") }
    let certificate = BirthCertificate(
      owner: owner,
      stack: StackID(TargetID(sketch.application, "production"), Generation(sketch.generation)),
      source: "main", commit: CommitID(rawValue: String(repeating: "a", count: 40)),
      version: "1.0.0", declaredDigest: spec.declaredDigest,
      stackDigest: spec.stackDigest(resolved), spec: spec, resolved: resolved,
      traffic: sketch.traffic, platform: "local", platformIdentity: platform.identity,
      launch: sketch.launch, ledgerSequence: 1, createdAt: WallTime(milliseconds: 0))
    let values = sketch.secrets.map { ("secret:file:\($0.key)", Secret($0.value)) }
    return StackLaunch(
      certificate: key.sign(certificate),
      artifacts: handsOverInputs ? [reference.key: archive] : [:],
      secrets: handsOverInputs ? Dictionary(uniqueKeysWithValues: values) : [:],
      drainDeadline: sketch.drainDeadline)
  }

  private func archive() throws -> ArtifactFile {
    let tree = "\(directory)/artifact"
    let path = "\(directory)/artifact.tar.gz"
    if try !HostFile.exists(path) {
      try HostDirectory.make("\(tree)/static", mode: 0o755)
      try HostFile.write(Array(Self.server.utf8), to: "\(tree)/server.py", mode: 0o644)
      try HostFile.write(Array("{}\n".utf8), to: "\(tree)/settings.json", mode: 0o644)
      try HostFile.write(Array("hello\n".utf8), to: "\(tree)/static/a~b.txt", mode: 0o644)
      symlink("settings.json", "\(tree)/current")
      try Tool.run(["tar", "-C", tree, "--sort=name", "--mtime=@0", "-czf", path, "."])
    }
    let bytes = try #require(try HostFile.read(path))
    return ArtifactFile(path: path, sha256: Digest.of(bytes))
  }
}
