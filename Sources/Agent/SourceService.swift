package import Logging
import Model
import Planning
import ServiceLifecycle

/// Watches one source: polls by listing, loads what is new, keeps the last good state.
package struct SourceService: Service {
  private let source: any SnapshotSource
  private let board: SourceBoard
  private let store: any LastGood
  private let lease: (any WriterLease)?
  private let poll: Duration
  private let wake: Nudge
  private let log: Logger
  private let clock: AgentClock
  /// A page of log; `viridian lint` tells them all.
  private static let toldProblems = 50

  package init(
    source: any SnapshotSource, board: SourceBoard, store: any LastGood,
    lease: (any WriterLease)?, poll: Duration, wake: Nudge, log: Logger, clock: AgentClock = .host
  ) {
    self.source = source
    self.board = board
    self.store = store
    self.lease = lease
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
      var looked = Looked()
      await look(&looked)
      for await _ in wake.wakeUps.cancelOnGracefulShutdown() { await look(&looked) }
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

  /// What one poll leaves to the next.
  private struct Looked {
    /// The last commit that was held or rejected, not to load it again.
    var attempted: CommitID?
    /// Accepted, but the source has not taken note of it.
    var unrecorded: CommitID?
  }

  private func look(_ looked: inout Looked) async {
    let desired = await board.view(of: source.name)?.desired
    do throws(SourceFailure) {
      let tip = try await source.tip()
      if let desired, tip == desired.commit {
        looked.attempted = nil
        if looked.unrecorded == tip { try await record(desired, &looked) }
        return await board.update(source.name, view(desired, .current))
      }
      if tip == looked.attempted { return }
      switch try await source.load(accepted: desired?.commit) {
      case .accepted(let new, let isRewound):
        looked.attempted = nil
        try await record(accept(new, isRewound: isRewound, since: desired), &looked)
      case .held(let commit, let reason), .rejected(let commit, let reason):
        looked.attempted = tip
        let text = (commit.map { "commit \($0.short): " } ?? "") + reason
        log.warning("source held", metadata: ["source": "\(source.name)", "reason": "\(text)"])
        await board.update(source.name, view(desired, .held(reason: text)))
      }
    } catch .notFound(let reason), .untrusted(let reason) {
      await fail("source held", .held(reason: reason), reason)
    } catch {
      await fail("source unreachable", .unreachable(reason: "\(error)"), "\(error)")
    }
  }

  /// Logged when it is news, not at each poll.
  private func fail(
    _ message: Logger.Message, _ health: SourceState.Health, _ reason: String
  ) async {
    let known = await board.view(of: source.name)
    if known?.state.health != health {
      log.warning(message, metadata: ["source": "\(source.name)", "reason": "\(reason)"])
    }
    await board.update(source.name, view(known?.desired, health))
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

  /// Kept, it is what the next process begins with: from then on every commit must descend from it.
  private func accept(
    _ given: DesiredState, isRewound: Bool, since old: DesiredState?
  ) async throws(SourceFailure) -> DesiredState {
    var new = given
    // What is launched is fetched from the commit of its target: that must still be there.
    if let old, !isRewound { new = new.keeping(old) }
    // S14: whoever has it now may have accepted a newer one, which this would take back.
    guard lease?.isHeld ?? true else { throw .unreachable("the lease was lost") }
    do throws(AgentError) {
      try store.save(new)
    } catch {
      // Accepting what cannot be kept would rewind at the next start.
      throw .unreachable("\(error)")
    }
    log.info("commit accepted", metadata: ["source": "\(source.name)", "commit": "\(new.commit)"])
    tellProblems(new, since: old)
    await board.update(source.name, view(new, .current))
    return new
  }

  /// The source takes note by itself, in case that the last good state is lost.
  private func record(
    _ desired: DesiredState, _ looked: inout Looked
  ) async throws(SourceFailure) {
    looked.unrecorded = desired.commit
    try await source.accept(desired)
    looked.unrecorded = nil
  }

  private func view(_ desired: DesiredState?, _ health: SourceState.Health) -> SourceView {
    SourceView(
      state: SourceState(
        health: health, commit: desired?.commit, isComplete: desired?.isComplete ?? false,
        targetCount: desired?.targets.count ?? 0),
      desired: desired)
  }
}
