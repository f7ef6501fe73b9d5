import ArgumentParser
import Foundation

struct Init: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a first set of declarations to start from.")
  @Argument(help: "An empty or new directory.", completion: .directory) var directory = "."

  func run() throws {
    for (path, _) in Self.files {
      let url = URL(fileURLWithPath: directory).appending(path: path)
      guard !FileManager.default.fileExists(atPath: url.path) else {
        throw Complaint("\(url.path) is there already; nothing was written over")
      }
    }
    for (path, text) in Self.files {
      let url = URL(fileURLWithPath: directory).appending(path: path)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
      print("wrote \(url.path)")
    }
    print("commit this, put a release into artifacts/web-1.0.0, and start `viridian run`")
  }

  private static let files: [(String, String)] = [
    (
      "applications/web/application.yaml",
      """
      apiVersion: viridian.dev/v1alpha1
      kind: Application
      metadata: { name: web }
      spec:
        workload:
          process:
            artifact: artifacts/web-${version}
            command: [./web, --port, "${port}"]
        instances: 2
        health: { http: { path: /healthz } }

      """
    ),
    (
      "environments/production/environment.yaml",
      """
      apiVersion: viridian.dev/v1alpha1
      kind: Environment
      metadata: { name: production }
      spec: { platform: local }

      """
    ),
    (
      "environments/production/web.yaml",
      """
      apiVersion: viridian.dev/v1alpha1
      kind: Target
      metadata: { name: web }
      spec:
        application: web
        environment: production
        version: 1.0.0
        route: { listen: "127.0.0.1:8080" }

      """
    ),
    (".gitignore", ".viridian/\n"),
  ]
}
