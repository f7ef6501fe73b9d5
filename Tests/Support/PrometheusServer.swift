import Foundation

/// A real Prometheus that scrapes what a test writes, twice a second.
package final class PrometheusServer {
  package let url: String
  private let directory: URL
  private let pids: [Int32]

  /// `samples`: lines of the exposition format.
  package init(_ samples: [String]) throws {
    directory = URL(filePath: TemporaryDirectory.root).appending(
      path: "viridian-prometheus-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let (port, exporter) = (try Ports.one(), try Ports.one())
    url = "http://127.0.0.1:\(port)"
    try (samples.joined(separator: "\n") + "\n").write(
      to: directory.appending(path: "metrics"), atomically: true, encoding: .utf8)
    let configuration = """
      global: { scrape_interval: 500ms }
      scrape_configs:
        - job_name: shop
          static_configs: [ { targets: [ "127.0.0.1:\(exporter)" ] } ]
      """
    let file = directory.appending(path: "prometheus.yml")
    try configuration.write(to: file, atomically: true, encoding: .utf8)
    let directory = self.directory
    func spawn(_ arguments: [String], _ name: String) throws -> Int32 {
      let log = directory.appending(path: "\(name).log").path
      return try Tool.spawn(
        arguments, directory: directory.path, environment: [:], input: "/dev/null", output: log,
        error: log)
    }
    pids = [
      try spawn(
        ["/usr/bin/python3", "-m", "http.server", "\(exporter)", "--bind", "127.0.0.1"], "exporter"),
      try spawn(
        [
          "/usr/bin/prometheus", "--config.file=\(file.path)",
          "--storage.tsdb.path=\(directory.appending(path: "data").path)",
          "--web.listen-address=127.0.0.1:\(port)",
        ], "prometheus"),
    ]
  }

  deinit {
    for pid in pids {
      kill(pid, SIGKILL)
      Tool.wait(pid)
    }
    do { try FileManager.default.removeItem(at: directory) } catch { print("\(error)") }
  }
}
