import Agent
import LedgerKit
import Model
import Planning
import Support
import Synchronization

/// What happens to both twins: events as text, so that both are told the same.
struct TwinStory {
  private var random: SplitMix
  private var versions: [String: Int] = [:]
  private var commit = 0
  private let names = ["api", "job", "shop", "web", "zoo"]

  init(seed: UInt64) {
    random = SplitMix(seed: seed &* 0x9E37_79B9 &+ 77)
    versions = Dictionary(names.map { ($0, 1) }) { first, _ in first }
  }

  mutating func time() -> Duration {
    random.pick([
      .seconds(1), .seconds(1), .seconds(1), .milliseconds(100), .milliseconds(1), .seconds(5),
    ])
  }

  mutating func event() -> String? {
    if commit == 0 { return bump(names[0]) }
    guard random.below(100) < 40 else { return nil }
    let name = random.pick(names)
    switch random.below(16) {
    case 0, 1: return bump(name)
    case 2:
      versions[name] = nil
      return bump(random.pick(names))
    case 3: return "crash \(name)"
    case 4, 5: return "recover \(name)"
    case 6: return "lose \(name)"
    case 7: return "hand \(name)"
    case 8: return "sessions \(name) \(random.below(9))"
    case 9: return "drift \(name)"
    case 10: return "clean \(name)"
    case 11: return random.pick(["pause \(name)", "resume \(name)", "resume \(name)"])
    case 12: return random.pick(["unreachable", "current", "current", "held"])
    case 13: return random.pick(["unknown", "known", "known"])
    case 14: return random.pick(["full", "free", "free"])
    default: return "restart \(name)"
    }
  }

  /// What would keep everybody awake ends.
  func end(of trouble: Int) -> String { ["free", "known", "current"][trouble] }

  private mutating func bump(_ name: String) -> String {
    versions[name, default: 0] += 1
    commit += 1
    let all = versions.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return "commit \(commit) \(all.joined(separator: ","))"
  }

  func tell(_ event: String?, to twin: TwinAgent) async throws {
    let words = (event ?? "").split(separator: " ").map(String.init)
    guard let verb = words.first else { return }
    switch verb {
    case "commit": await twin.board.update("main", view(words[1], words[2]))
    case "unreachable": await health(.unreachable(reason: "no answer"), of: twin)
    case "held": await health(.held(reason: "a force-push"), of: twin)
    case "current": await health(.current, of: twin)
    case "unknown": twin.place.world.withLock { $0.unknown = "no answer" }
    case "known": twin.place.world.withLock { $0.unknown = nil }
    case "full", "free": await twin.ledger.fill(verb == "full")
    case "pause": try await request(.pause(id(words[1])), twin)
    case "resume": try await request(.resume(id(words[1])), twin)
    default: twin.place.world.withLock { change(&$0, verb, id(words[1]), words.last ?? "") }
    }
  }

  private func request(_ verb: OperatorRequest.Verb, _ twin: TwinAgent) async throws {
    _ = try await twin.ledger.append(
      OperatorRequest(verb: verb, by: "someone", at: WallTime(milliseconds: 0)))
  }

  /// By hand: to the newest stack of the target, and to its route.
  private func change(
    _ world: inout TwinPlace.World, _ verb: String, _ target: TargetID, _ argument: String
  ) {
    let newest = world.stacks.keys.filter { $0.target == target }.max()
    if verb == "hand" || verb == "sessions", case .known(var route)? = world.routes[target] {
      if verb == "hand" { world.writes += 1 }
      route.revision = "\(verb == "hand" ? "hand-\(world.writes)" : route.revision)"
      for index in route.route.backends.indices where verb == "hand" {
        route.route.backends[index].weightPercent = index == 0 ? 100 : 0
      }
      for backend in route.route.backends where verb == "sessions" {
        route.sessions[backend.generation] = backend.weightPercent > 0 ? Int(argument) : 0
      }
      world.routes[target] = .known(route)
    }
    guard let newest, var stack = world.stacks[newest] else { return }
    switch verb {
    case "crash": stack.capacity.running = 0
    case "recover": stack.capacity.running = stack.capacity.intended
    case "restart": stack.restarts += 1
    case "drift": world.drifted.insert(newest)
    case "clean": world.drifted.remove(newest)
    default: break
    }
    world.stacks[newest] = verb == "lose" ? nil : stack
  }

  private func id(_ name: String) -> TargetID {
    TargetID(ApplicationName(rawValue: name), "production")
  }

  private func health(_ health: SourceState.Health, of twin: TwinAgent) async {
    guard var view = await twin.board.view(of: "main") else { return }
    view.state.health = health
    await twin.board.update("main", view)
  }

  private func view(_ commit: String, _ versions: String) -> SourceView {
    let targets = versions.split(separator: ",").map { pair -> DesiredTarget in
      let (name, version) = (
        String(pair.prefix { $0 != "=" }), String(pair.drop { $0 != "=" }.dropFirst())
      )
      let isWorker = name == "job"
      let spec = StackSpec(
        workloadKind: "process", workload: ["command": ["web", .string(version)]], inputs: [],
        health: HealthGate(
          check: .running, interval: .seconds(2), healthyAfter: 2, deadline: .seconds(20)))
      return DesiredTarget(
        id: id(name), source: "main", commit: CommitID(rawValue: "c\(commit)"),
        version: version, platform: "memory", spec: spec,
        rollout: RolloutPolicy(
          bake: .seconds(3),
          retain: Retention(warm: .seconds(60), quarantined: .seconds(45))),
        traffic: TrafficPolicy(mode: isWorker ? .none : .http),
        drift: DriftPolicy(debounce: .seconds(6)),
        route: isWorker ? nil : ["listen": .string("127.0.0.1:80")],
        dependsOn: name == "web" ? [id("api")] : [], declaredDigest: spec.declaredDigest)
    }
    let desired = DesiredState(
      source: "main", commit: CommitID(rawValue: "c\(commit)"), targets: targets)
    return SourceView(
      state: SourceState(
        health: .current, commit: desired.commit, isComplete: true, targetCount: targets.count),
      desired: desired)
  }
}
