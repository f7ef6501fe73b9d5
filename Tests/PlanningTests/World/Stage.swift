import LedgerKit
import Model
import Planning

/// What is wrong with a command: printed in place of its output.
struct ScriptError: Error {
  var message: String
  init(_ message: String) { self.message = message }
}

/// Performs the commands of a script on a world.
struct Stage {
  var world = World()
  var trace = Trace()
  private var savedLedger = WorldLedger()
  var commits = 0
  let plan: World.Plan

  init(plan: @escaping World.Plan) { self.plan = plan }

  /// The lines that the command prints.
  mutating func perform(_ lines: [String]) -> [String] {
    trace.begin()
    guard let first = lines.first else { return ["error: no command"] }
    var arguments = words(of: first)
    var verb = arguments.removeFirst()
    let isQuiet = verb == "quietly" && !arguments.isEmpty
    if isQuiet { verb = arguments.removeFirst() }
    do throws(ScriptError) {
      try perform(verb, arguments, Array(lines.dropFirst()))
    } catch {
      trace.say("error: \(error.message)")
    }
    guard isQuiet else { return trace.lines }
    return trace.lines.filter { line in
      ["VIOLATION", "NOT REACHED", "error:"].contains { line.contains($0) }
    }
  }

  private mutating func perform(
    _ verb: String, _ words: [String], _ more: [String]
  ) throws(ScriptError) {
    guard more.isEmpty || verb == "commit" else {
      throw ScriptError("only commit takes more than one line: \(more[0]) is a command of its own")
    }
    switch verb {
    case "new":
      world = World()
      trace = Trace()
    case "commit": try commit(words, more)
    case "source": try source(words)
    case "request": try request(words)
    case "platform": try platform(words)
    case "prober": world.platform.isProberStale = words == ["stale"]
    case "version": try version(words)
    case "stack": try stack(words)
    case "foreign": try foreign(words)
    case "unclaimed": try unclaimed(words)
    case "router": try router(words)
    case "freeze": try freeze(words)
    case "traffic":
      world.traffic.set(
        try target(words.first), perSecond: try number(words.dropFirst().first),
        errorPercent: try split(words.dropFirst(2)))
    case "mode": world.agent.mode = words == ["observe"] ? .observe : .act
    case "lease": world.agent.holdsLease = words != ["lost"]
    case "ledger": ledger(words)
    case "limit": try limit(words)
    case "restart": world.restart(losingActions: words == ["losing", "actions"])
    case "kill": try kill(words)
    case "reboot": world.reboot()
    case "down": world.advance(try duration(words.first))
    case "run": try run(words)
    case "show": try show(words)
    default: throw ScriptError("unknown command \(verb)")
    }
  }

  private mutating func ledger(_ words: [String]) {
    switch words.first {
    case "saved": savedLedger = world.ledger
    case "restored": world.restore(savedLedger)
    default: world.loseLedger()
    }
  }

  // MARK: - Reading words

  func target(_ word: String?) throws(ScriptError) -> TargetID {
    guard let word, let target = TargetID(parsing: word) else {
      throw ScriptError("not a target: \(word ?? "nothing")")
    }
    return target
  }

  func generation(_ word: String?) throws(ScriptError) -> Generation {
    guard let word, word.hasPrefix("v"), let number = Int(word.dropFirst()) else {
      throw ScriptError("not a generation: \(word ?? "nothing")")
    }
    return Generation(number)
  }

  func duration(_ word: String?) throws(ScriptError) -> Duration {
    guard let word, let duration = Duration(parsing: word) else {
      throw ScriptError("not a duration: \(word ?? "nothing")")
    }
    return duration
  }

  func number(_ word: String?) throws(ScriptError) -> Int {
    guard let word, let number = Int(word) else {
      throw ScriptError("not a number: \(word ?? "nothing")")
    }
    return number
  }

  func fault(_ word: String?) throws(ScriptError) -> FaultClass {
    guard let word, let fault = FaultClass(rawValue: word) else {
      throw ScriptError("not a fault class: \(word ?? "nothing")")
    }
    return fault
  }

  /// `v001=0 v002=100`.
  func split(_ words: ArraySlice<String>) throws(ScriptError) -> [Generation: Int] {
    var split: [Generation: Int] = [:]
    for word in words {
      let pair = word.split(separator: "=").map(String.init)
      split[try generation(pair.first)] = try number(pair.last)
    }
    return split
  }
}
