/// How the router's one HAProxy runs. Values, no effects.
package struct HAProxySettings: Hashable, Sendable {
  /// Everything the router owns lies here; created with mode 0700. Letters, digits and `/._-`.
  package var directory: String
  package var executable: String = "/usr/sbin/haproxy"
  /// Stacks of one target that fit behind its route at the same time, of each kind of check.
  package var slots: Int = 5
  /// Reloads are at least this far apart: each leaves an old worker with its connections behind.
  package var reloadInterval: Duration = .seconds(10)
  /// How long a change waits for others, to share one reload.
  package var coalescing: Duration = .milliseconds(150)
  /// How long `apply` itself waits for servers to come up before it says `.waiting`.
  package var upWait: Duration = .seconds(2)
  /// Between two checks of one healthy server; a failing one is looked at three times as often, one
  /// that is down twenty times as often.
  package var checkInterval: Duration = .seconds(1)
  /// How long an old worker may keep connections after a reload; raised to the longest drain.
  package var hardStopAfter: Duration = .seconds(3600)
  /// Connections of all targets together; bounds file descriptors (two each).
  package var maximumConnections: Int = 4000
  /// The user that workers run as when the agent is root; nil: as the agent.
  package var user: String?

  package init(directory: String) { self.directory = directory }

  /// Loaded by HAProxy in the order of the names.
  var configurationDirectory: String { directory + "/conf.d" }
  var globalFile: String { configurationDirectory + "/00-global.cfg" }
  var mapDirectory: String { directory + "/maps" }
  /// Configurations that cannot be loaded now, kept so that nothing is lost.
  var rejectedDirectory: String { directory + "/rejected" }
  var candidateDirectory: String { directory + "/candidate" }
  var counterDirectory: String { directory + "/counters" }
  var masterSocket: String { directory + "/master.sock" }
  /// The worker's own socket, for observers such as a statistics exporter.
  package var statisticsSocket: String { directory + "/stats.sock" }
  var stateFile: String { directory + "/server-state" }
  var pidFile: String { directory + "/haproxy.pid" }
  var lockFile: String { directory + "/start.lock" }
  var logFile: String { directory + "/start.log" }

  func configurationFile(_ key: TargetKey) -> String {
    configurationDirectory + "/10-\(key).cfg"
  }
  func rejectedFile(_ key: TargetKey) -> String { rejectedDirectory + "/10-\(key).cfg" }
  func mapFile(_ key: TargetKey) -> String { mapDirectory + "/\(key).map" }
  func counterFile(_ key: TargetKey) -> String { counterDirectory + "/\(key).json" }
}
