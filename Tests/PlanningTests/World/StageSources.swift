import Model
import Planning

/// Commands of the declaring side: commits, sources, requests.
extension Stage {
  /// `commit [source=name] [override="…"] [web@production version=2.0.0 …] [remove a@b …] [broken a@b …] [empty]`,
  /// on one line or with one change per following line.
  mutating func commit(_ words: [String], _ more: [String]) throws(ScriptError) {
    var name: SourceName = "main"
    var first = words
    if let word = first.first, word.hasPrefix("source=") {
      name = SourceName(rawValue: String(word.dropFirst(7)))
      first.removeFirst()
    }
    var override: String?
    if let word = first.first, word.hasPrefix("override=") {
      override = String(word.dropFirst(9))
      first.removeFirst()
    }
    var source = world.sources[name] ?? WorldSource()
    var change = Change(written: source.written)
    for line in [first] + more.map({ line in PlanningTests.words(of: line) }) where !line.isEmpty {
      try change.read(line, self)
    }
    commits += 1
    let commit = CommitID(rawValue: "c\(commits)")
    trace.say(
      source.push(
        commit, set: change.set, remove: change.remove, broken: change.broken, override: override,
        as: name))
    world.sources[name] = source
  }

  private struct Change {
    let written: [TargetID: TargetSettings]
    var set: [TargetID: TargetSettings] = [:]
    var remove: [TargetID] = []
    var broken: Set<TargetID> = []

    mutating func read(_ words: [String], _ stage: Stage) throws(ScriptError) {
      switch words[0] {
      case "empty": remove = Array(written.keys)
      case "remove": for word in words.dropFirst() { remove.append(try stage.target(word)) }
      case "broken": for word in words.dropFirst() { broken.insert(try stage.target(word)) }
      default:
        let target = try stage.target(words[0])
        var settings = set[target] ?? written[target] ?? TargetSettings()
        for word in words.dropFirst() {
          let pair = word.split(separator: "=", maxSplits: 1).map(String.init)
          guard pair.count == 2 else { throw ScriptError("not a setting: \(word)") }
          if let problem = settings.set(pair[0], pair[1]) { throw ScriptError(problem) }
        }
        set[target] = settings
      }
    }
  }

  /// `source main unreachable "timed out" | held "force-push" | reachable`.
  mutating func source(_ words: [String]) throws(ScriptError) {
    guard words.count >= 2 else { throw ScriptError("source NAME STATE") }
    let name = SourceName(rawValue: words[0])
    guard var source = world.sources[name] else { throw ScriptError("no source \(name)") }
    let reason = words.count > 2 ? words[2] : "no reason"
    switch words[1] {
    case "unreachable": source.health = .unreachable(reason: reason)
    case "held": source.health = .held(reason: reason)
    case "reachable":
      source.health = .current
      trace.say(source.accept(as: name))
    default: throw ScriptError("unknown state \(words[1])")
    }
    world.sources[name] = source
  }

  /// `request pause [target] | resume … | abort t | retry t | release t | adopt [t] | approve c2`,
  /// then `by NAME`.
  mutating func request(_ words: [String]) throws(ScriptError) {
    var words = words
    var person = "alice"
    if let index = words.firstIndex(of: "by"), index + 1 < words.count {
      person = words[index + 1]
      words.removeSubrange(index...(index + 1))
    }
    let verb = try verb(words)
    let sequence = (world.ledger.requests.last?.sequence ?? 0) + 1
    world.ledger.requests.append(
      OperatorRequest(sequence: sequence, verb: verb, by: person, at: world.clock.wall))
  }

  private func verb(_ words: [String]) throws(ScriptError) -> OperatorRequest.Verb {
    let argument = words.count > 1 ? words[1] : nil
    switch words.first {
    case "pause": return .pause(try argument.map { word throws(ScriptError) in try target(word) })
    case "resume": return .resume(try argument.map { word throws(ScriptError) in try target(word) })
    case "adopt": return .adopt(try argument.map { word throws(ScriptError) in try target(word) })
    case "abort": return .abort(try target(argument))
    case "retry": return .retry(try target(argument))
    case "release": return .release(try target(argument), nil)
    case "approve" where argument == "freeze":
      return .approveFreeze(try target(words.count > 2 ? words[2] : nil))
    case "approve" where argument?.contains("@") == true: return .approve(try target(argument))
    case "advance": return .advance(try target(argument), isFull: words.contains("--full"))
    case "approve": return .approveRemoval(CommitID(rawValue: argument ?? ""))
    default: throw ScriptError("unknown request \(words.first ?? "")")
    }
  }

  /// `freeze web@production "weekend until Monday 06:00"`, `freeze web@production off`.
  mutating func freeze(_ words: [String]) throws(ScriptError) {
    let target = try target(words.first)
    let text = words.count > 1 ? words[1] : "frozen"
    world.freezes[target] = text == "off" ? nil : text
  }

  /// `limit rollouts 2`.
  mutating func limit(_ words: [String]) throws(ScriptError) {
    let value = try number(words.last)
    switch words.first {
    case "rollouts": world.limits.concurrentRollouts = value
    case "removals": world.limits.removals = value
    case "agentRemovals": world.limits.agentRemovals = value
    default: throw ScriptError("unknown limit \(words.first ?? "")")
    }
  }
}
