import LedgerKit
import Model

extension View {
  static func statuses(_ statuses: [TargetStatus]) -> View {
    let columns = ["TARGET", "VERSION", "LIVE", "SYNC", "READY", "STACK", "ROLLBACK", "DETAIL"]
    let rows = statuses.map { status -> [Cell] in
      [
        Cell("\(status.target)"), Cell(status.desiredVersion), Cell(status.liveVersion),
        status.syncCell, status.readyCell, Cell(status.serving?.name), Cell(status.rollback),
        status.detailCell,
      ]
    }
    let table = Table(columns: columns, rows: rows, empty: "No targets.")
    return View(parts: [.table(table)], value: .array(statuses.map(\.form)))
  }

  /// Ten problems are enough to begin with; `viridian lint` tells them all.
  private static let shownProblems = 10

  static func troubles(of sources: [SourceSummary]) -> [Part] {
    sources.filter { !$0.isCurrent || !$0.diagnostics.isEmpty }.map { source in
      let count = source.diagnostics.count
      let problems = count == 0 ? "" : count == 1 ? ", 1 problem" : ", \(count) problems"
      var lines = ["source \(source.name): \(source.health)\(problems)"]
      lines += source.diagnostics.prefix(shownProblems).map(\.description)
      if count > shownProblems { lines.append("… and \(count - shownProblems) more") }
      return .list(lines)
    }
  }

  static func plan(_ statuses: [TargetStatus]) -> View {
    let parts = statuses.flatMap { status -> [Part] in
      let lines = status.explanation.isEmpty ? ["nothing to do"] : status.explanation
      return [
        .heading("\(status.target)"), .list(lines + ["rollback: \(status.rollback)"]),
      ]
    }
    let value = statuses.map { status -> CanonicalValue in
      [
        "target": .string("\(status.target)"),
        "explanation": .array(status.explanation.map { .string($0) }),
        "rollback": .string(status.rollback),
      ]
    }
    return View(parts: parts.isEmpty ? [.list(["no targets"])] : parts, value: .array(value))
  }

  static func description(of status: TargetStatus) -> View {
    var parts: [Part] = [.heading("\(status.target)"), .fields(status.fields)]
    let stackColumns = [
      "STACK", "ROLE", "VERSION", "COMMIT", "DIGEST", "WEIGHT", "HEALTHY", "RESTARTS", "ENDPOINTS",
    ]
    let stacks = status.stacks.map { stack -> [Cell] in
      [
        Cell(stack.name), Cell(stack.role, stack.role == "quarantined" ? .bad : .plain),
        Cell(stack.version), Cell(stack.commit.short), Cell(stack.stackDigest.short),
        Cell("\(stack.weightPercent) %"), stack.capacityCell, Cell("\(stack.restarts)"),
        Cell(stack.endpoints.map(\.description).joined(separator: " ")),
      ]
    }
    parts.append(.table(Table(columns: stackColumns, rows: stacks, empty: "No stacks.")))
    if let gates = status.rollout?.gates, !gates.isEmpty {
      let columns = ["GATE", "STATE", "TIME", "REASON"]
      parts.append(.table(Table(columns: columns, rows: gates.map(\.cells), empty: "")))
    }
    let conditions = status.conditions.map { condition -> [Cell] in
      [
        Cell(condition.type.rawValue), Cell(condition.status ? "True" : "False"),
        Cell(condition.reason), Cell(condition.message),
      ]
    }
    if !conditions.isEmpty {
      let columns = ["CONDITION", "STATUS", "REASON", "MESSAGE"]
      parts.append(.table(Table(columns: columns, rows: conditions, empty: "")))
    }
    if !status.findings.isEmpty { parts.append(.table(table(of: status.findings, nil))) }
    if !status.explanation.isEmpty { parts.append(.list(status.explanation)) }
    return View(parts: parts, value: status.form)
  }

  static func findings(_ all: [(target: TargetID, findings: [Finding])]) -> View {
    let columns = ["TARGET"] + findingColumns
    let rows = all.flatMap { target, findings in
      findings.map { [Cell("\(target)")] + $0.cells }
    }
    let value = all.map { target, findings -> CanonicalValue in
      ["target": .string("\(target)"), "findings": .array(findings.map(\.form))]
    }
    let table = Table(columns: columns, rows: rows, empty: "No drift: all is IN_SYNC.")
    return View(parts: [.table(table)], value: .array(value))
  }

  static func history(_ entries: [LedgerEntry]) -> View {
    let columns = ["SEQUENCE", "AT", "KIND", "TARGET", "STACK", "MESSAGE"]
    let rows = entries.map { entry -> [Cell] in
      [
        Cell("\(entry.sequence)"), Cell("\(entry.at)"), Cell(entry.kind.rawValue),
        Cell(entry.target.map { "\($0)" }), Cell(entry.generation.map { "\($0)" }),
        Cell(entry.message),
      ]
    }
    let table = Table(columns: columns, rows: rows, empty: "No entries.")
    return View(parts: [.table(table)], value: .array(entries.map(\.form)))
  }

  private static let findingColumns = ["DRIFT", "RESOURCE", "PATH", "EXPECTED", "ACTUAL", "BY"]

  static func verification(_ report: ChainReport) -> View {
    let chain: Cell =
      report.firstBroken.map { entry in
        Cell("broken at entry \(entry): \(report.reason ?? "it does not fit")", .bad)
      } ?? Cell("whole", .good)
    let counts = [("Entries", report.entries), ("Checkpoints", report.checkpoints)]
    return View(
      parts: [.fields([("Chain", chain)] + counts.map { ($0, Cell("\($1)")) })],
      value: report.form)
  }

  private static func table(of findings: [Finding], _ target: TargetID?) -> Table {
    Table(columns: findingColumns, rows: findings.map(\.cells), empty: "")
  }
}

extension Finding {
  fileprivate var cells: [Cell] {
    [
      Cell(word.rawValue, word == .notChecked ? .busy : .bad), Cell(resource), Cell(path),
      Cell(expected), Cell(actual), Cell(actor),
    ]
  }
}

extension StackSummary {
  fileprivate var capacityCell: Cell {
    Cell("\(healthy)/\(declared)", healthy >= declared ? .good : running == 0 ? .plain : .bad)
  }
}

extension TargetStatus {
  /// The stack with the most weight; the stable one when none has any.
  fileprivate var serving: StackSummary? {
    let most = stacks.max { $0.weightPercent < $1.weightPercent }
    if let most, most.weightPercent > 0 { return most }
    return stacks.first { $0.role == "stable" }
  }

  fileprivate var syncCell: Cell {
    switch sync {
    case .synced: Cell(sync.rawValue, .good)
    case .outOfSync: Cell(sync.rawValue, .busy)
    case .unknown: Cell(sync.rawValue, .bad)
    }
  }

  fileprivate var readyCell: Cell {
    if condition(.stalled)?.status == true { return Cell("Stalled", .bad) }
    if condition(.reconciling)?.status == true { return Cell("Reconciling", .busy) }
    guard let ready = condition(.ready) else { return Cell("Unknown", .bad) }
    return ready.status ? Cell("Ready", .good) : Cell(ready.reason, .bad)
  }

  fileprivate var detailCell: Cell {
    if let hold { return Cell(hold, .bad) }
    if isPaused { return Cell("paused", .busy) }
    if let rollout { return Cell(rollout.words, .busy) }
    let unread = findings.count { $0.word == .notChecked }
    if findings.count > unread { return Cell("drift: \(findings.count - unread) findings", .bad) }
    if let ready = condition(.ready), !ready.status { return Cell(ready.message, .busy) }
    return unread == 0 ? Cell(nil) : Cell("not checked: \(unread) findings", .busy)
  }

  fileprivate var fields: [(name: String, value: Cell)] {
    let wanted = [desiredVersion, desiredCommit.map { "(commit \($0.short))" }]
    var fields: [(name: String, value: Cell)] = [
      ("Source", Cell(source?.rawValue)), ("Platform", Cell(platform?.rawValue)),
      ("Declared", Cell(wanted.compactMap { $0 }.joined(separator: " "))),
      ("Digest", Cell(declaredDigest?.description)), ("Live", Cell(liveVersion)),
      ("Sync", syncCell), ("Ready", readyCell), ("Listen", Cell(listen)),
      ("Rollback", Cell(rollback)),
    ]
    if let rollout { fields.append(("Rollout", Cell(rollout.words, .busy))) }
    if let hold { fields.append(("Hold", Cell(hold, .bad))) }
    if isPaused { fields.append(("Paused", Cell("yes", .busy))) }
    return fields
  }
}

extension RolloutSummary {
  /// `blueGreen v042 from v041, baking 12s of 1m (commit), waits for approval`.
  var words: String {
    let base = from.map { " from \($0)" } ?? ""
    let limit = of.map { " of \($0.text)" } ?? ""
    let waiting = waitingFor.map { ", \($0)" } ?? ""
    var place = ""
    if let step, let steps, let stepPercent {
      place = "step \(step) of \(steps) (\(stepPercent) %), "
    }
    return "\(strategy.rawValue) \(candidate)\(base), \(place)\(phase) \(elapsed.text)\(limit) "
      + "(\(cause))\(waiting)"
  }
}

extension GateSummary {
  fileprivate var cells: [Cell] {
    let tone: Cell.Tone =
      switch state {
      case .pending: .plain
      case .waiting: .busy
      case .passed: .good
      case .failed: .bad
      }
    let limit = of.map { " of \($0.text)" } ?? ""
    let time = elapsed.map { $0.text + limit } ?? of?.text
    return [Cell(name), Cell(state.rawValue, tone), Cell(time), Cell(reason)]
  }
}
