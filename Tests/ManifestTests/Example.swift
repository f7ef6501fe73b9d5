import HAProxyRouter
import LocalPlatform
import Manifest
import Model
import PlatformKit

/// A small declarations repository whose parts tests replace.
struct Example {
  var application = Example.application
  var environment = Example.environment
  var target = Example.target
  /// Further files by path.
  var others: [String: String] = [:]

  static let application = """
    apiVersion: viridian.dev/v1alpha1
    kind: Application
    metadata: { name: web }
    spec:
      workload:
        process:
          artifact: artifacts/web-${version}
          command: [./web, --port, "${port}"]
          environment: { GREETING: hello }
      instances: 2

    """
  static let environment = """
    apiVersion: viridian.dev/v1alpha1
    kind: Environment
    metadata: { name: production }
    spec: { platform: local }

    """
  static let target = """
    apiVersion: viridian.dev/v1alpha1
    kind: Target
    metadata: { name: web }
    spec:
      application: web
      environment: production
      version: 2.1.0
      route: { listen: "127.0.0.1:8080" }

    """

  static let platforms: [PlatformName: PlatformDecoders] = [
    "local": PlatformDecoders(workloads: [ProcessWorkloadDecoder()], route: HAProxyRouteDecoder())
  ]

  var files: [ManifestFile] {
    let own = ["application.yaml": application, "env.yaml": environment, "target.yaml": target]
    return own.merging(others) { _, other in other }
      .map { ManifestFile(path: $0.key, bytes: Array($0.value.utf8)) }
  }

  /// Knows the time zone `Europe/Paris` and no other.
  static func context(serving environments: Set<EnvironmentName>? = nil) -> ManifestContext {
    ManifestContext(
      source: "main", commit: "0123456789abcdef0123456789abcdef01234567", platforms: platforms,
      environments: environments, isTimeZone: { $0 == "Europe/Paris" })
  }

  func parse(serving environments: Set<EnvironmentName>? = nil) -> DesiredState {
    Manifest.parse(files, Self.context(serving: environments))
  }

  /// The only target, when nothing at all is wrong.
  func onlyTarget() -> DesiredTarget? {
    let state = parse()
    return state.diagnostics.isEmpty && state.targets.count == 1 ? state.targets[0] : nil
  }

  /// The example with lines in the application's spec, in place of `instances: 2`.
  static func with(_ spec: String) -> Example {
    let instances = spec.hasPrefix("instances:") ? "" : "instances: 2\n"
    let lines = (instances + spec).split(separator: "\n").map { "  \($0)\n" }.joined()
    return Example(application: application.replacing("  instances: 2\n", with: lines))
  }

  /// The example with keys of the process changed: each `key: value` on a line of its own.
  static func process(_ lines: String) -> Example {
    let text = application.replacing(
      "      command: [./web, --port, \"${port}\"]\n      environment: { GREETING: hello }\n",
      with: lines.split(separator: "\n").map { "      \($0)\n" }.joined())
    return Example(application: text)
  }
}

let web = TargetID("web", "production")
