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
  func rolloutPolicy(instances: Int, _ problems: inout [Diagnostic]) -> RolloutPolicy {
    let standard = RolloutPolicy()
    let retain = mapping("retain")
    let bake = duration("bake") ?? standard.bake
    let strategy = choice("strategy") ?? standard.strategy
    if let steps = self["steps"], strategy != .canary {
      problems.append(steps.error("\"steps\" belong to strategy: canary"))
    }
    if let analysis = self["analysis"], strategy != .canary {
      problems.append(analysis.error("\"analysis\" belongs to strategy: canary"))
    }
    if let pick = self["match"] ?? self["sticky"], strategy != .canary {
      problems.append(pick.error("\"match\" and \"sticky\" belong to strategy: canary"))
    }
    let bounds = ["maxSurge", "maxUnavailable"].compactMap { self[$0] }
    if let bound = bounds.first, strategy != .rolling {
      problems.append(
        bound.error("\"maxSurge\" and \"maxUnavailable\" belong to strategy: rolling"))
    }
    let surge = share("maxSurge", of: instances, roundingUp: true, &problems)
    let unavailable = share("maxUnavailable", of: instances, roundingUp: false, &problems)
    if surge == 0, unavailable ?? 0 == 0, let bound = bounds.first {
      problems.append(
        bound.error("with maxSurge 0 and maxUnavailable 0 of \(instances) nothing could ever move"))
    } else if let unavailable, unavailable >= instances, unavailable > 0, let bound = bounds.last {
      problems.append(
        bound.error(
          "all \(instances) instances may be missing",
          suggestion: "strategy: recreate asks for a downtime"))
    }
    var policy = RolloutPolicy(
      strategy: strategy, bake: bake,
      onNewCommit: choice("onNewCommit") ?? standard.onNewCommit,
      retain: Retention(
        stacks: retain?.integer("stacks") ?? standard.retain.stacks,
        warm: retain?.duration("for") ?? standard.retain.warm,
        quarantined: retain?.duration("quarantined") ?? standard.retain.quarantined),
      steps: self["steps"] == nil ? nil : steps(bake: bake, &problems),
      analysis: mapping("analysis")?.analysis(&problems), maxSurge: surge,
      maxUnavailable: unavailable, isIrreversible: bool("irreversible") == true ? true : nil)
    policy.tests = self["tests"] == nil ? nil : tests(&problems)
    policy.match = self["match"] == nil ? nil : rules(&problems)
    policy.sticky = mapping("sticky").map { $0.stickiness(&problems) }
    return policy
  }

  /// `rollout.match`.
  private func rules(_ problems: inout [Diagnostic]) -> [RequestRule] {
    var rules: [RequestRule] = []
    for node in list("match") {
      let reader = MappingReader(node)
      let names = [
        (RequestRule.Part.header, reader.text("header")), (.cookie, reader.text("cookie")),
      ]
      let given = names.compactMap { part, name in name.map { (part, $0) } }
      guard given.count == 1, let (part, name) = given.first else {
        problems.append(node.error("a match has either a header or a cookie"))
        continue
      }
      let rule = RequestRule(part, name, is: reader.text("value") ?? "")
      if let problem = rule.problem { problems.append(node.error(problem)) }
      rules.append(rule)
    }
    if !(1...20).contains(list("match").count), let node = self["match"] {
      problems.append(node.error("\"match\" has 1 to 20 entries"))
    }
    return rules
  }

  /// `rollout.sticky`.
  private func stickiness(_ problems: inout [Diagnostic]) -> Stickiness {
    let sticky = Stickiness(
      cookie: text("cookie") ?? "viridian-stack", maxAge: duration("for") ?? .seconds(3600))
    if let problem = sticky.problem { problems.append(node.error(problem)) }
    return sticky
  }

  /// `3` or `25%` of so many.
  private func share(
    _ key: String, of count: Int, roundingUp: Bool,
    _ problems: inout [Diagnostic]
  ) -> Int? {
    guard let node = self[key], let text = text(key) else { return nil }
    let isPercent = text.hasSuffix("%")
    guard let number = Int(isPercent ? String(text.dropLast()) : text),
      (0...(isPercent ? 100 : 1000)).contains(number)
    else {
      problems.append(
        node.error("\"\(key)\" must be a number of instances or a share of them, such as 25%"))
      return nil
    }
    return isPercent ? (number * count + (roundingUp ? 99 : 0)) / 100 : number
  }

  /// `drift`.
  func driftPolicy(_ problems: inout [Diagnostic]) -> DriftPolicy {
    let standard = DriftPolicy()
    for pointer in list("ignore") where pointer.text?.hasPrefix("/") != true {
      problems.append(pointer.error("an entry of \"ignore\" begins with /"))
    }
    return DriftPolicy(
      action: choice("action") ?? standard.action, ignore: list("ignore").compactMap(\.text),
      debounce: duration("debounce") ?? standard.debounce)
  }

  /// `health`; the check follows the traffic when none is named.
  func healthGate(_ mode: TrafficPolicy.Mode, _ problems: inout [Diagnostic]) -> HealthGate {
    let standard = HealthGate()
    var checks: [HealthGate.Check] = []
    if let http = mapping("http") {
      let (path, expect) = http.request(&problems)
      checks.append(.http(path: path, expect: expect))
    }
    if self["tcp"] != nil { checks.append(.tcp) }
    if self["command"] != nil { checks.append(.command(checkCommand(&problems))) }
    if self["running"] != nil { checks.append(.running) }
    if checks.count > 1 {
      problems.append(
        node.error("name one of http, tcp, command and running, not \(checks.count)"))
    }
    if mode == .none, checks.contains(where: \.needsEndpoint) {
      problems.append(
        node.error(
          "a worker (traffic.mode none) has no endpoint: use running: {} or a command"))
    }
    let gate = HealthGate(
      check: checks.first ?? Self.standardCheck(mode),
      interval: bounded("interval", &problems) ?? standard.interval,
      timeout: bounded("timeout", &problems) ?? standard.timeout,
      healthyAfter: integer("healthyAfter") ?? standard.healthyAfter,
      deadline: bounded("deadline", &problems) ?? standard.deadline)
    if gate.interval * gate.healthyAfter > gate.deadline {
      problems.append(
        node.error(
          "the gate could never pass: healthyAfter × interval is longer than the deadline"))
    }
    return gate
  }

  /// What is asked for, and the codes that are right.
  func request(_ problems: inout [Diagnostic]) -> (path: String, expect: [Int]) {
    let codes = Set(list("expect").compactMap { $0.text.flatMap { Int($0) } })
    if let expect = self["expect"], codes.isEmpty {
      problems.append(expect.error("\"expect\" must name a status code"))
    }
    let path = text("path") ?? "/"
    if !path.hasPrefix("/") || path.contains(where: \.isWhitespace) {
      problems.append(node.error("\"path\" must begin with / and hold no white space"))
    }
    return (path, codes.isEmpty ? [200] : codes.sorted())
  }

  /// `health.command`. What it needs to know it finds in its environment.
  private func checkCommand(_ problems: inout [Diagnostic]) -> [String] {
    let nodes = list("command")
    problems += commandProblems
    for node in nodes {
      let text = (node.text ?? "").replacing("${port}", with: "").replacing(
        "${generation}", with: "")
      if text.contains("${") {
        problems.append(
          node.error(
            "only ${port} and ${generation} can be used here",
            suggestion: "VIRIDIAN_VERSION, VIRIDIAN_INSTANCE and the workload's own variables are "
              + "in its environment"))
      }
    }
    return nodes.map { $0.text ?? "" }
  }

  /// The check where none is named.
  static func standardCheck(_ mode: TrafficPolicy.Mode) -> HealthGate.Check {
    mode == .none ? .running : .tcp
  }

  private func bounded(_ key: String, _ problems: inout [Diagnostic]) -> Duration? {
    guard let value = duration(key) else { return nil }
    if value < .milliseconds(50) || value > .seconds(24 * 3600) {
      problems.append((self[key] ?? node).error("\"\(key)\" must be from 50ms to 24h"))
    }
    return value
  }

  /// One entry of `freeze`.
  func freezeWindow(
    _ problems: inout [Diagnostic], isTimeZone: (String) -> Bool
  ) -> FreezeWindow {
    var window = FreezeWindow(days: list("days").compactMap(\.text))
    if window.days.isEmpty, self["hours"] == nil, self["dates"] == nil {
      problems.append(
        node.error("a window needs days, hours or dates; for always write all seven days"))
    }
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
      // The name becomes part of a path below the host's time zone files.
      let isName = name.wholeMatch(of: /[A-Za-z][A-Za-z0-9_+\/-]*/) != nil
      if !isName || !isTimeZone(name) {
        problems.append(
          zone.error("no time zone \"\(name)\"", suggestion: "for example Europe/Paris"))
      }
      window.timeZone = name
    }
    return window
  }

  private static func minutes(_ text: Substring) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.count == 2 && $0.allSatisfy(isDigit) }),
      let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
    else { return nil }
    return hour * 60 + minute
  }

  private static func isDate(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.count) == [4, 2, 2], parts.joined().allSatisfy(isDigit),
      let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
      (1...12).contains(month)
    else { return false }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (1...days[month - 1]).contains(day)
  }

  private static func isDigit(_ character: Character) -> Bool {
    character.isASCII && character.isNumber
  }
}

extension HealthGate.Check {
  /// It asks the instance over the network.
  fileprivate var needsEndpoint: Bool {
    switch self {
    case .http, .tcp: true
    case .command, .running: false
    }
  }
}
