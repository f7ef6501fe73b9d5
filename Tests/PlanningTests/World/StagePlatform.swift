import Model
import Planning

/// Commands of the places where stacks run.
extension Stage {
  /// `platform unknown "…" | known | stale 20s | fresh | launches 5s | latency 3s | refuses CLASS
  /// "…" | throttles "…" | accepts`.
  mutating func platform(_ words: [String]) throws(ScriptError) {
    let argument = words.count > 1 ? words[1] : nil
    switch words.first {
    case "unknown": world.platform.unknown = argument ?? "no answer"
    case "known": world.platform.unknown = nil
    case "stale": world.platform.age = try duration(argument)
    case "fresh": world.platform.age = .zero
    case "launches": world.platform.launchTime = try duration(argument)
    case "latency": world.process.latency = try duration(argument)
    case "refuses":
      world.platform.refusal = .rejected(
        try fault(argument), words.count > 2 ? words[2] : "refused")
    case "throttles": world.platform.refusal = .transient(argument ?? "throttled")
    case "accepts": world.platform.refusal = nil
    default: throw ScriptError("unknown platform command")
    }
  }

  /// `version 2.0.0 unhealthy | crashes | good | starts 5s | launches 20s | fails CLASS "…"
  /// | sticks "…" | tests [serving] "…" | unresolved "…" | unresolvable CLASS "…"`: of stacks launched later.
  mutating func version(_ words: [String]) throws(ScriptError) {
    guard words.count >= 2 else { throw ScriptError("version VERSION BEHAVIOUR") }
    let (version, argument) = (words[0], words.count > 2 ? words[2] : nil)
    let reason = words.last ?? ""
    switch words[1] {
    case "unresolved": world.platform.resolutions[version] = .waiting(reason: reason)
    case "unresolvable":
      world.platform.resolutions[version] = .failed(try fault(argument), reason: reason)
    case "good":
      world.platform.resolutions[version] = nil
      world.platform.behaviours[version] = nil
    default:
      var behaviour = world.platform.behaviours[version] ?? .init()
      try change(&behaviour, Array(words.dropFirst()))
      world.platform.behaviours[version] = behaviour
    }
  }

  /// `stack web@production v002 unhealthy | healthy | crashes | lose 1 | lose | starts 5s | fails
  /// CLASS "…" | sticks "…" | drift release#/files/app=evil | drift off | unreadable FIELD`.
  mutating func stack(_ words: [String]) throws(ScriptError) {
    let target = try target(words.first)
    guard words.count >= 3 else { throw ScriptError("stack TARGET GENERATION WHAT") }
    let generation = try generation(words[1])
    guard var stack = world.platform[target, generation] else {
      throw ScriptError("no stack \(generation)")
    }
    let argument = words.count > 3 ? words[3] : nil
    switch words[2] {
    case "lose":
      guard let argument else {
        world.platform[target, generation] = nil
        return
      }
      stack.loseInstances(try number(argument))
    case "drift": try drift(&stack, argument)
    case "unreadable": stack.unreadable.insert(try field(argument))
    case "fails": stack.phase = .failed(try fault(argument), reason: words.last ?? "")
    case "forgets": stack.loseTasks()
    case "sticks": stack.phase = .stuck(reason: words.last ?? "")
    default: try change(&stack.behaviour, Array(words.dropFirst(2)))
    }
    world.platform[target, generation] = stack
  }

  private func change(
    _ behaviour: inout WorldStack.Behaviour, _ words: [String]
  ) throws(ScriptError) {
    let argument = words.count > 1 ? words[1] : nil
    switch words[0] {
    case "unhealthy": behaviour.isUnhealthy = true
    case "healthy": behaviour = .init()
    case "crashes": behaviour.crashes = true
    case "starts": behaviour.startTime = try duration(argument)
    case "launches":
      behaviour.launchTime = try duration(argument)
      behaviour.hasKeeper = words.last == "alone"
    case "fails": behaviour.failure = .failed(try fault(argument), reason: words.last ?? "")
    case "tests":
      (behaviour.testFailure, behaviour.failsTestsServing) = (words.last, argument == "serving")
    case "jobs": behaviour.jobFailure = argument
    case "works": behaviour.jobTime = try duration(argument)
    case "sticks": behaviour.failure = .stuck(reason: words.last ?? "")
    default: throw ScriptError("unknown behaviour \(words[0])")
    }
  }

  private func drift(_ stack: inout WorldStack, _ word: String?) throws(ScriptError) {
    guard let word, word != "off" else {
      stack.drift = [:]
      stack.unreadable = []
      return
    }
    let pair = word.split(separator: "=", maxSplits: 1).map(String.init)
    stack.drift.updateValue(pair.count > 1 ? pair[1] : nil, forKey: try field(pair.first))
  }

  private func field(_ word: String?) throws(ScriptError) -> FieldPath {
    let parts = (word ?? "").split(separator: "#").map(String.init)
    guard parts.count == 2 else { throw ScriptError("not a field: \(word ?? "")") }
    return FieldPath(parts[0], parts[1])
  }

  /// `foreign web@production v002 | none`: an object with the stack's name, not of ours.
  mutating func foreign(_ words: [String]) throws(ScriptError) {
    let target = try target(words.first)
    guard words.count > 1, words[1] != "none" else {
      world.platform.foreign[target] = nil
      return
    }
    let name = StackID(target, try generation(words[1])).name()
    world.platform.foreign[target, default: []].append(
      ForeignObject(
        identity: "cgroup:\(name)", name: name, reason: "its certificate has no valid MAC"))
  }

  /// `unclaimed web@production v007`: a stack with our certificate that the ledger knows nothing
  /// of.
  mutating func unclaimed(_ words: [String]) throws(ScriptError) {
    let target = try target(words.first)
    let generation = try generation(words.count > 1 ? words[1] : nil)
    let version = words.count > 2 ? words[2] : "0.9.0"
    var settings = TargetSettings()
    settings.version = version
    let desired = settings.desired(target, source: "main", commit: "c0")
    let order = LaunchOrder(
      stack: StackID(target, generation), source: "main", commit: "c0", version: version,
      platform: "local", spec: desired.spec, declaredDigest: desired.declaredDigest,
      stackDigest: desired.spec.stackDigest([]), resolved: [], traffic: desired.traffic)
    var stack = WorldStack(
      WorldPlatform.certificate(order, world.clock.wall, 0), .init(), launchTime: .zero)
    stack.phase = .complete
    stack.run(stack.declared)
    world.platform[target, generation] = stack
  }

  /// `router unknown "…" | known | stale 20s | fresh | propagation 5s | refuses CLASS "…" |
  /// throttles | conflicts | accepts | hand TARGET v001=50 v002=50 | sessions TARGET v001=3 | lose
  /// TARGET | deaf | listening`.
  mutating func router(_ words: [String]) throws(ScriptError) {
    let argument = words.count > 1 ? words[1] : nil
    switch words.first {
    case "unknown": world.router.unknown = argument ?? "no answer"
    case "known": world.router.unknown = nil
    case "stale": world.router.age = try duration(argument)
    case "fresh": world.router.age = .zero
    case "propagation": world.router.propagation = try duration(argument)
    case "documents": world.router.documented = try duration(argument)
    case "refuses": world.router.refusal = .rejected(try fault(argument), words.last ?? "")
    case "throttles": world.router.refusal = .transient("the socket is busy")
    case "conflicts": world.router.refusal = .conflict("somebody wrote first")
    case "accepts": world.router.refusal = nil
    case "hand":
      world.router.changeByHand(try target(argument), split: try split(words.dropFirst(2)))
    case "sessions": world.router.sessions[try target(argument)] = try split(words.dropFirst(2))
    case "lose": world.router.lose(try target(argument))
    case "blind": world.router.isBlind = true
    case "deaf": world.router.isDeaf = true
    case "listening": world.router.isDeaf = false
    default: throw ScriptError("unknown router command")
    }
  }
}
