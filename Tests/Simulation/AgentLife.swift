import Agent
import LedgerKit
import Logging
import Model
import Planning
import PlatformKit
import ServiceLifecycle

extension Simulation {
  /// One process from its start to its end: the parts that the product puts together, over this world.
  func live(_ life: Life, _ leaseFile: Int) async {
    let clock = AgentClock(now: { self.hostNow }, sleep: { try await life.sleep($0) })
    let log = Logger(label: "simulated", factory: { _ in CriticalLog(simulation: self) })
    let (passNudge, wake) = (Nudge(), Nudge())
    let ledger = SimulatedLedger(simulation: self, life: life)
    let router = SimulatedRouter(simulation: self, life: life)
    let place = Executor.Place(
      platform: SimulatedPlatform(simulation: self, life: life), router: router, counter: router)
    let places: [PlatformName: Executor.Place] = ["simulated": place]
    let inputs = SimulatedInputs(simulation: self, life: life)
    let source = SimulatedSource(simulation: self, life: life)
    let board = SourceBoard(nudge: passNudge, sources: [source.name])
    let resolver = Resolver(artifacts: inputs, secrets: inputs, nudge: passNudge, clock: clock)
    let lease = SimulatedLease(disk: disk, life: life, file: leaseFile)
    let executor = Executor(
      places: places,
      assembly: LaunchAssembly(owner: "acme", key: Self.key, supply: resolver),
      ledger: ledger, lease: lease, nudge: passNudge, log: log, clock: clock)
    let interval = Duration.milliseconds(schedule.setup.intervalMilliseconds)
    let parts = AgentParts(
      ledger: ledger, places: places, board: board, executor: executor,
      prober: Prober(
        probe: SimulatedProbe(simulation: self, life: life), nudge: passNudge, clock: clock),
      inspector: Inspector(interval: .seconds(2), nudge: passNudge, clock: clock),
      resolver: resolver, tests: TestRunner(caller: router, clock: clock), lease: lease,
      leasePath: "lease", mode: .act, environments: [],
      interval: interval, limits: limits, alertsQueued: {})
    let services: [any Service] = [
      PassService(parts: parts, nudge: passNudge, shelf: StateShelf(), log: log, clock: clock),
      SourceService(
        source: source, board: board, store: SimulatedLastGood(simulation: self, life: life),
        lease: lease,
        poll: .milliseconds(schedule.setup.pollMilliseconds), wake: wake, log: log, clock: clock),
    ]
    await withTaskGroup(of: Void.self) { group in
      for service in services {
        group.addTask {
          do {
            try await service.run()
          } catch LedgerError.damaged(let reason) {
            self.oracle.report("S15", "the agent finds its ledger damaged: \(reason)")
          } catch {
            self.note("agent \(life.number)", "ends: \(error)")
          }
        }
      }
      // As its supervisor does: one that ends ends all.
      await group.next()
      group.cancelAll()
      life.kill()
    }
    await parts.prober.stop()
  }

  private var limits: PlanningLimits {
    // Everything here is about ten times as short as in life.
    PlanningLimits(
      concurrentRollouts: 2, removals: schedule.setup.removalsAtOnce, phaseDeadline: .seconds(60))
  }

  static let key: IdentityKey = {
    guard let key = IdentityKey(bytes: Array(repeating: 7, count: 32)) else {
      preconditionFailure("32 bytes are a key")
    }
    return key
  }()
}
