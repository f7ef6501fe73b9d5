import LedgerKit
import Model
import Planning
import Support

/// One random history. Everything that happens is a command of the scenarios, so that a walk that
/// finds something is a script.
struct Walk {
  var stage: Stage
  /// The story says what each pass did as well.
  var isTold = false
  private var random: SplitMix
  private var oracle = WorldOracle()
  private var lines: [String] = []
  private(set) var wrong: [String] = []
  private var commit = 0
  private let targets = ["web@production", "api@production", "job@production"]

  init(seed: UInt64, plan: @escaping World.Plan) {
    stage = Stage(plan: plan)
    random = SplitMix(seed: seed &* 0x9E37_79B9 &+ 1)
    let strategy = random.pick([
      "blueGreen", "blueGreen", "canary", "canary steps=20,60:2s", "recreate", "rolling",
      "rolling instances=3 surge=1 unavailable=1",
    ])
    let exclusive = random.pick(["true", "false"])
    let irreversible = random.pick(["true", "false", "false"])
    happen("version crashing crashes")
    happen("version silent unhealthy")
    happen("version failing fails stack \"exit status 1\"")
    happen("version unlucky fails platform \"disk full\"")
    let common =
      "bake=6s drain=3s warm=40s quarantined=40s deadline=15s irreversible=\(irreversible)"
    happen("commit web@production version=v0 \(common) retain=\(random.below(3))")
    happen("commit api@production version=v0 listen=127.0.0.1:81 \(common) strategy=\(strategy)")
    happen("commit job@production version=v0 mode=none exclusive=\(exclusive) \(common)")
  }

  /// The script so far, with what is wrong at its end.
  var story: String { (lines + wrong).joined(separator: "\n") }

  mutating func wander(passes: Int, isChecked: Bool = true) {
    for pass in 0..<passes where wrong.isEmpty {
      if pass > 20, random.below(100) < 25 { happen(event()) }
      let crashAfter = random.below(60) == 0 ? random.below(3) : .max
      step(crashAfter: crashAfter, isChecked: isChecked)
    }
  }

  /// Every fault ends, every person says go on, and each target gets a digest that is good.
  mutating func heal() {
    let quiet = [
      "platform known", "platform fresh", "platform accepts", "platform latency 0s",
      "prober fresh", "router known", "router fresh", "router accepts", "router propagation 0s",
      "router listening", "mode act", "lease held", "source main reachable", "request resume",
      "request adopt",
    ]
    for line in quiet { happen(line) }
    commit += 1
    for target in targets {
      happen("freeze \(target) off")
      happen("foreign \(target) none")
      happen("router sessions \(target)")
      happen("request resume \(target)")
      happen("request release \(target)")
      happen("request adopt \(target)")
      happen("commit \(target) version=final\(commit)")
      for generation in generations(of: target) {
        happen("stack \(target) \(generation) drift off")
        happen("stack \(target) \(generation) healthy")
      }
    }
  }

  mutating func settle(within passes: Int) {
    for _ in 0..<passes where wrong.isEmpty {
      step()
      if isMatched { break }
    }
    if wrong.isEmpty, !isMatched {
      for target in unmatched {
        lines += ["stacks", "route", "status"].flatMap { stage.perform(["show \($0) \(target)"]) }
      }
      wrong.append("L1: not as declared after \(passes) passes: \(unmatched)")
    }
    // What is kept for a while is retired meanwhile.
    for _ in 0..<200 where wrong.isEmpty { step(isChecked: false) }
  }

  mutating func expectSilence(passes: Int) {
    for pass in 0..<passes where wrong.isEmpty {
      let decided = step(isChecked: false)
      for plan in decided.output.plan
      where !(plan.actions.isEmpty && plan.entries.isEmpty && plan.alerts.isEmpty) {
        let actions = plan.actions.map(Trace.text) + plan.entries.map(\.message)
        wrong.append("L1: pass \(pass) of a quiet day: \(plan.target) \(actions)")
      }
    }
  }

  @discardableResult
  private mutating func step(crashAfter: Int = .max, isChecked: Bool = true) -> WorldPass {
    lines.append(crashAfter == .max ? "run 1s" : "kill after \(crashAfter)")
    oracle.watch(stage.world)
    let before = stage.world
    let pass = stage.world.decide(stage.plan, isChecked: isChecked)
    stage.world.act(on: pass.output, crashAfter: crashAfter)
    wrong += pass.problems + oracle.wrong(from: before, to: stage.world)
    if isTold {
      stage.trace.begin()
      stage.trace.record(pass, at: before.clock.text)
      lines += stage.trace.lines.map { "  # \($0)" }
    }
    stage.world.advance(stage.world.interval)
    return pass
  }

  private mutating func happen(_ line: String) {
    let words = PlanningTests.words(of: line)
    if words.first == "new" || words.first == "run" { return }
    lines.append(line)
    lines += stage.perform([line]).filter { $0.hasPrefix("error: unknown") }
  }

  // MARK: - What may happen

  private mutating func event() -> String {
    let target = random.pick(targets)
    switch random.below(10) {
    case 0...2: return declaration(target)
    case 3...5: return accident(target)
    case 6, 7: return outage(target)
    case 8: return request(target)
    default: return random.pick(["restart", "restart losing actions", "reboot", "down 5m"])
    }
  }

  private mutating func declaration(_ target: String) -> String {
    commit += 1
    let version = random.pick([
      "crashing", "silent", "failing", "unlucky", "good\(commit)", "good\(commit)",
      "good\(random.below(commit) + 1)", "v0",
    ])
    return random.pick([
      "commit \(target) version=\(version)", "commit \(target) version=\(version)",
      "commit \(target) instances=\(1 + random.below(3))",
      "commit \(target) onNewCommit=\(random.pick(["supersede", "coalesce"]))",
      "commit \(target) irreversible=\(random.pick(["true", "false"]))",
      "commit \(target) drift=\(random.pick(["replace", "alert"]))",
      "commit remove \(target)", "commit broken \(target)", "commit empty",
      "source main unreachable \"timed out\"", "source main held \"force-push\"",
      "source main reachable", "source main reachable",
    ])
  }

  private mutating func accident(_ target: String) -> String {
    let generation = random.pick(generations(of: target) + ["v001"])
    return random.pick([
      "stack \(target) \(generation) lose 1", "stack \(target) \(generation) lose 9",
      "stack \(target) \(generation) lose", "stack \(target) \(generation) unhealthy",
      "stack \(target) \(generation) healthy", "stack \(target) \(generation) crashes",
      "stack \(target) \(generation) drift release#/files/app=evil",
      "stack \(target) \(generation) drift off",
      "stack \(target) \(generation) unreadable release#/files/app",
      "stack \(target) \(generation) fails platform \"disk full\"",
      "router hand \(target) \(generation)=100", "router lose \(target)",
      "router sessions \(target) \(generation)=2", "router sessions \(target)",
      "foreign \(target) v00\(2 + random.below(7))", "foreign \(target) none",
    ])
  }

  private mutating func outage(_ target: String) -> String {
    random.pick([
      "platform unknown \"timed out\"", "platform known", "platform known", "platform stale 30s",
      "platform fresh", "platform throttles \"rate exceeded\"", "platform accepts",
      "platform latency 3s", "platform latency 0s", "platform refuses platform \"no memory\"",
      "platform accepts", "prober stale", "prober fresh", "router unknown \"no socket\"",
      "router known", "router known", "router stale 30s", "router fresh", "router throttles",
      "router conflicts", "router accepts", "router accepts", "router propagation 4s",
      "router propagation 0s", "freeze \(target) weekend", "freeze \(target) off", "lease lost",
      "lease held", "mode observe", "mode act", "mode act",
      random.below(4) == 0 ? "ledger lost" : "mode act",
    ])
  }

  private mutating func request(_ target: String) -> String {
    random.pick([
      "request pause \(target)", "request resume \(target)", "request pause", "request resume",
      "request abort \(target)", "request retry \(target)", "request release \(target)",
      "request adopt \(target)", "request approve c\(stage.commits)",
      "request approve \(target)", "request advance \(target)",
    ])
  }

  // MARK: - Looking

  private func generations(of target: String) -> [String] {
    guard let id = TargetID(parsing: target) else { return [] }
    return (stage.world.platform.stacks[id] ?? [:]).keys.sorted().map(\.description)
  }

  private var isMatched: Bool { unmatched.isEmpty }

  /// Targets that do not serve exactly what is declared.
  private var unmatched: [String] {
    targets.filter { text in
      guard let target = TargetID(parsing: text),
        let desired = stage.world.desired(target).target
      else { return true }
      let stacks = stage.world.platform.stacks[target] ?? [:]
      let good = stacks.values.filter {
        $0.certificate.declaredDigest == desired.declaredDigest && $0.healthy == $0.declared
      }.map(\.certificate.stack.generation)
      guard desired.traffic.mode != .none else { return good.isEmpty }
      let route = stage.world.router.routes[target]?.route
      return !good.contains { route?.weightPercent(of: $0) == 100 }
    }
  }
}
