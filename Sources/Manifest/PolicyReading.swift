import Foundation
import Model
import PlatformKit

extension MappingReader {
  /// `traffic`.
  func trafficPolicy() -> TrafficPolicy {
    let standard = TrafficPolicy()
    let drain = mapping("drain")
    return TrafficPolicy(
      mode: choice("mode") ?? standard.mode,
      drainDeadline: drain?.duration("deadline") ?? standard.drainDeadline,
      afterDrain: drain?.choice("then") ?? standard.afterDrain,
      exclusive: bool("exclusive") ?? standard.exclusive)
  }

  /// `rollout`.
  func rolloutPolicy() -> RolloutPolicy {
    let standard = RolloutPolicy()
    let retain = mapping("retain")
    return RolloutPolicy(
      strategy: choice("strategy") ?? standard.strategy, bake: duration("bake") ?? standard.bake,
      onNewCommit: choice("onNewCommit") ?? standard.onNewCommit,
      retain: Retention(
        stacks: retain?.integer("stacks") ?? standard.retain.stacks,
        warm: retain?.duration("for") ?? standard.retain.warm,
        quarantined: retain?.duration("quarantined") ?? standard.retain.quarantined))
  }

  /// `drift`.
  func driftPolicy() -> DriftPolicy {
    let standard = DriftPolicy()
    return DriftPolicy(
      action: choice("action") ?? standard.action, ignore: list("ignore").compactMap(\.text),
      debounce: duration("debounce") ?? standard.debounce)
  }

  /// `health`; the check follows the traffic when none is named.
  func healthGate(_ mode: TrafficPolicy.Mode, _ problems: inout [Diagnostic]) -> HealthGate {
    let standard = HealthGate()
    var checks: [HealthGate.Check] = []
    if let http = mapping("http") {
      let codes = http.list("expect").compactMap { $0.text.flatMap { Int($0) } }
      let path = http.text("path") ?? "/"
      if !path.hasPrefix("/") || path.contains(where: \.isWhitespace) {
        problems.append(http.node.error("\"path\" must begin with / and hold no white space"))
      }
      checks.append(.http(path: path, expect: codes.isEmpty ? [200] : codes))
    }
    if self["tcp"] != nil { checks.append(.tcp) }
    if self["running"] != nil { checks.append(.running) }
    if checks.count > 1 {
      problems.append(node.error("name one of http, tcp and running, not \(checks.count)"))
    }
    if mode == .none, let check = checks.first, check != .running {
      problems.append(node.error("a worker (traffic.mode none) has no endpoint: use running: {}"))
    }
    return HealthGate(
      check: checks.first ?? Self.standardCheck(mode),
      interval: positive("interval", &problems) ?? standard.interval,
      timeout: positive("timeout", &problems) ?? standard.timeout,
      healthyAfter: integer("healthyAfter") ?? standard.healthyAfter,
      deadline: positive("deadline", &problems) ?? standard.deadline)
  }

  /// The check where none is named.
  static func standardCheck(_ mode: TrafficPolicy.Mode) -> HealthGate.Check {
    mode == .none ? .running : .tcp
  }

  private func positive(_ key: String, _ problems: inout [Diagnostic]) -> Duration? {
    guard let value = duration(key) else { return nil }
    if value < .milliseconds(50) {
      problems.append((self[key] ?? node).error("\"\(key)\" must be at least 50ms"))
    }
    return value
  }

  /// One entry of `freeze`.
  func freezeWindow(_ problems: inout [Diagnostic]) -> FreezeWindow {
    var window = FreezeWindow(days: list("days").compactMap(\.text))
    if let hours = self["hours"], let text = hours.text {
      let minutes = text.split(separator: "-", omittingEmptySubsequences: false).map(Self.minutes)
      if minutes.count == 2, let from = minutes[0], let until = minutes[1], from != until {
        (window.fromMinute, window.untilMinute) = (from, until)
      } else {
        problems.append(hours.error("\"hours\" must be like 22:00-06:00"))
      }
    }
    if let dates = self["dates"], let text = dates.text {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      if parts.count == 2, parts.allSatisfy(Self.isDate), parts[0] <= parts[1] {
        (window.fromDate, window.untilDate) = (parts[0], parts[1])
      } else {
        problems.append(dates.error("\"dates\" must be like 2026-12-24/2026-12-31"))
      }
    }
    if let zone = self["timeZone"], let name = zone.text {
      if TimeZone(identifier: name) == nil {
        problems.append(
          zone.error("no time zone \"\(name)\"", suggestion: "for example Europe/Paris"))
      }
      window.timeZone = name
    }
    return window
  }

  private static func minutes(_ text: Substring) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.count == 2 && $0.allSatisfy(\.isNumber) }),
      let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
    else { return nil }
    return hour * 60 + minute
  }

  private static func isDate(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.count) == [4, 2, 2], let month = Int(parts[1]), let day = Int(parts[2]),
      Int(parts[0]) != nil
    else { return false }
    return (1...12).contains(month) && (1...31).contains(day)
  }
}
