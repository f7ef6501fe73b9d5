package import Logging
import Model
import Planning
import ServiceLifecycle

/// Watches one source: polls by listing, loads what is new, keeps the last good state.
package struct SourceService: Service {
  private let source: any SnapshotSource
  private let board: SourceBoard
  private let store: any LastGood
  private let poll: Duration
  private let wake: Nudge
  private let log: Logger
  private let clock: AgentClock
  /// A page of log; `viridian lint` tells them all.
  private static let toldProblems = 50

  package init(
    source: any SnapshotSource, board: SourceBoard, store: any LastGood, poll: Duration,
    wake: Nudge, log: Logger, clock: AgentClock = .host
  ) {
    self.source = source
    self.board = board
    self.store = store
    self.poll = poll
    self.wake = wake
    self.log = log
    self.clock = clock
  }

  package func run() async throws {
    await start()
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        // The timer is one more nudge: `viridian sync` and a webhook are the others.
        while !Task.isCancelled {
          do { try await clock.sleep(poll) } catch { return }
          wake()
        }
      }
      var attempted: CommitID?
      await look(&attempted)
      for await _ in wake.wakeUps.cancelOnGracefulShutdown() { await look(&attempted) }
      group.cancelAll()
    }
  }

  /// The last good state serves until the repository answers, also when it never does.
  private func start() async {
    guard let desired = store.load(source.name) else { return }
    await board.update(
      source.name,
      view(desired, .unreachable(reason: "not asked yet since the agent's start")))
  }

  /// One poll: `attempted` is the last commit that was held or rejected, not to load it again.
  private func look(_ attempted: inout CommitID?) async {
    let desired = await board.view(of: source.name)?.desired
    do throws(SourceFailure) {
      let tip = try await source.tip()
      if tip == desired?.commit {
        attempted = nil
        return await board.update(source.name, view(desired, .current))
      }
      if tip == attempted { return }
      let verdict = try await source.load(accepted: desired?.commit)
      if try await settle(verdict, desired) {
        attempted = nil
      } else {
        attempted = tip
      }
    } catch .notFound(let reason), .untrusted(let reason) {
      await fail("source held", desired, .held(reason: reason), reason)
    } catch {
      await fail("source unreachable", desired, .unreachable(reason: "\(error)"), "\(error)")
    }
  }

  /// Logged when it is news, not at each poll.
  private func fail(
    _ message: Logger.Message, _ desired: DesiredState?, _ health: SourceState.Health,
    _ reason: String
  ) async {
    if await board.view(of: source.name)?.state.health != health {
      log.warning(message, metadata: ["source": "\(source.name)", "reason": "\(reason)"])
    }
    await board.update(source.name, view(desired, health))
  }

  /// Problems that the commit before did not have. Of thousands the first are enough to begin with.
  private func tellProblems(_ new: DesiredState, since old: DesiredState?) {
    let known = Set(old?.diagnostics ?? [])
    let problems = new.diagnostics.filter { !known.contains($0) }
    for problem in problems.prefix(Self.toldProblems) {
      log.warning(
        "a declaration is wrong",
        metadata: [
          "source": "\(source.name)", "commit": "\(new.commit)", "place": "\(problem.place)",
          "problem": "\(problem.sentence)",
        ])
    }
    guard problems.count > Self.toldProblems else { return }
    log.warning(
      "more declarations are wrong",
      metadata: [
        "source": "\(source.name)", "more": "\(problems.count - Self.toldProblems)",
      ])
  }

  private func settle(
    _ verdict: SnapshotVerdict, _ desired: DesiredState?
  ) async throws(SourceFailure) -> Bool {
    switch verdict {
    case .accepted(var new, let isRewound):
      // What is launched is fetched from the commit of its target: that must still be there.
      if let desired, !isRewound { new = new.keeping(desired) }
      do throws(AgentError) {
        try store.save(new)
      } catch {
        // Accepting what cannot be kept would rewind at the next start.
        throw .unreachable("\(error)")
      }
      try await source.accept(new)
      log.info(
        "commit accepted", metadata: ["source": "\(source.name)", "commit": "\(new.commit)"])
      tellProblems(new, since: desired)
      await board.update(source.name, view(new, .current))
      return true
    case .held(let commit, let reason), .rejected(let commit, let reason):
      let text = (commit.map { "commit \($0.short): " } ?? "") + reason
      log.warning("source held", metadata: ["source": "\(source.name)", "reason": "\(text)"])
      await board.update(source.name, view(desired, .held(reason: text)))
      return false
    }
  }

  private func view(_ desired: DesiredState?, _ health: SourceState.Health) -> SourceView {
    SourceView(
      state: SourceState(
        health: health, commit: desired?.commit, isComplete: desired?.isComplete ?? false,
        targetCount: desired?.targets.count ?? 0),
      desired: desired)
  }
}
