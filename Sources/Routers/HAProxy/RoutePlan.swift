import Model

/// What `apply` does next: a pure function of what is and what is wanted, asked again after every
/// step. Three stages, each of which is safe to stop at: servers are added without a share, the
/// split changes once they are up, and what is left over goes when its sessions are gone.
enum RoutePlan {
  enum Step: Hashable, Sendable {
    case done
    case perform([Action])
    /// Only a new configuration brings this about.
    case reload(StoredRoute)
    /// Nothing to do but wait; `isLong`: not worth waiting for inside one call.
    case wait(String, isLong: Bool)
  }

  /// What a step depends on besides the world.
  struct Circumstances: Hashable, Sendable {
    var now: BootTime
    /// Servers that are not up yet are still waited for.
    var patience: Bool
  }

  static func next(
    _ live: LiveTarget, _ wanted: Route, _ rendering: Rendering, _ at: Circumstances
  ) -> Step {
    guard let base = live.stored ?? live.running else { return .reload(StoredRoute(empty: wanted)) }
    let convergence = Convergence(of: live, to: base, rendering)
    if convergence.needsReload { return .reload(base.declared(by: wanted)) }
    if !convergence.actions.isEmpty { return .perform(convergence.actions) }
    let slots = rendering.settings.slots
    if let step = addStage(base, wanted, slots, live) {
      return makeRoom(for: step, base, wanted, live, at.now) ?? step
    }
    if let step = readStage(base, wanted) { return step }
    if let step = splitStage(base, wanted, live, at) { return step }
    if at.patience, let step = checkStage(base, wanted, live) { return step }
    if let step = removeStage(base, wanted, live, at.now) { return step }
    if let step = strangerStage(base, live, at.now) { return step }
    // Last, because it may have to wait its turn, and an abort must not.
    guard base.declaration == wanted.declaration, base.mode == wanted.mode,
      wanted.drainDeadline <= live.hardStop
    else { return .reload(base.declared(by: wanted)) }
    return .done
  }

  /// New stacks take a slot without a share; new instances join their stack.
  private static func addStage(
    _ base: StoredRoute, _ wanted: Route, _ slots: Int, _ live: LiveTarget
  ) -> Step? {
    var next = base.draining(as: wanted)
    for backend in wanted.backends {
      if let at = next.entries.firstIndex(where: { $0.isSameStack(as: backend) }) {
        let old = next.entries[at].backend.endpoints
        let names = Set(backend.endpoints.map { ServerName(backend, $0) })
        let kept = old.filter { !names.contains(ServerName(backend, $0)) }
        next.entries[at].backend.endpoints = (kept + backend.endpoints).sorted()
        next.entries[at].backend.checkPath = backend.checkPath
        continue
      }
      let kind: Slot.Check = backend.checkPath == nil ? .tcp : .http
      let taken = Set(next.entries.map(\.slot))
      let free = (0..<slots).map { Slot(kind, $0) }.first {
        !taken.contains($0) && live.sessions($0) == 0
      }
      guard let free else {
        return .wait("all \(slots) slots hold stacks that still have sessions", isLong: true)
      }
      var added = backend
      added.weightPercent = 0
      next.entries.append(StoredRoute.Entry(slot: free, backend: added))
      next.entries.sort { $0.slot < $1.slot }
    }
    return next == base ? nil : .perform([.writeFiles(next)])
  }

  /// What nobody wants any more may hold the slot that is waited for.
  private static func makeRoom(
    for step: Step, _ base: StoredRoute, _ wanted: Route, _ live: LiveTarget, _ now: BootTime
  ) -> Step? {
    guard case .wait = step, let room = removeStage(base, wanted, live, now),
      case .perform = room
    else { return nil }
    return room
  }

  /// What the new split looks at has to be read of requests before. What it no longer looks at waits for
  /// the next reload.
  private static func readStage(_ base: StoredRoute, _ wanted: Route) -> Step? {
    let isRead = RequestPart.all(of: wanted).allSatisfy { base.reads?.contains($0) == true }
    return base.mode != wanted.mode || isRead ? nil : .reload(base.reading(for: wanted))
  }

  /// The new split, once every stack that rises has a server that HAProxy itself has seen up.
  private static func splitStage(
    _ base: StoredRoute, _ wanted: Route, _ live: LiveTarget, _ at: Circumstances
  ) -> Step? {
    var next = base
    for index in next.entries.indices {
      let entry = next.entries[index]
      let match = wanted.backends.first { entry.isSameStack(as: $0) }
      let weight = match?.weightPercent ?? 0
      if weight > entry.backend.weightPercent {
        let up = live.serversUp(entry.slot)
        let all = entry.backend.endpoints.count
        // From nothing, a stack gets its share with all its servers as long as patience lasts.
        if up == 0 || (at.patience && up < all && entry.backend.weightPercent == 0) {
          return .wait(
            "\(up) of \(all) servers of \(entry.backend.generation) are up", isLong: false)
        }
      }
      next.entries[index].backend.weightPercent = weight
    }
    next.pick(as: wanted)
    for (index, slot) in next.entries.map(\.slot).enumerated() {
      if next.isUsed(slot) {
        next.entries[index].drainingSince = nil
      } else if base.isUsed(slot) {
        next.entries[index].drainingSince = at.now
      }
    }
    return next == base ? nil : .perform([.writeFiles(next)])
  }

  /// A share is given to what is read to be up: whoever added a stack can do that with the next reading.
  private static func checkStage(
    _ base: StoredRoute, _ wanted: Route, _ live: LiveTarget
  ) -> Step? {
    for entry in base.entries where entry.backend.weightPercent == 0 {
      guard wanted.backends.contains(where: { entry.isSameStack(as: $0) }) else { continue }
      let rows = live.current?.servers[entry.slot] ?? []
      guard let row = rows.first(where: \.awaitsCheck) else { continue }
      return .wait("the first check of \(row.name) has not ended", isLong: false)
    }
    return nil
  }

  /// What is no longer wanted goes when it carries nothing, or when its sessions have had their time;
  /// its share, its picks and its place as fallback have to be gone before.
  private static func removeStage(
    _ base: StoredRoute, _ wanted: Route, _ live: LiveTarget, _ now: BootTime
  ) -> Step? {
    var next = base
    next.entries = []
    var waits: [String] = []
    var cuts: [Action] = []
    for var entry in base.entries {
      if let match = wanted.backends.first(where: { entry.isSameStack(as: $0) }) {
        let (kept, wait) = instances(entry, match, live, base)
        entry.leaving = leaving(entry, kept, live, base.key, now)
        entry.backend.endpoints = kept
        next.entries.append(entry)
        waits += wait.map { [$0] } ?? []
        continue
      }
      guard !base.isUsed(entry.slot), base.fallback != entry.slot else {
        next.entries.append(entry)
        continue
      }
      let rows = remaining(entry.slot, live)
      guard !rows.isEmpty else { continue }
      let since = entry.drainingSince ?? now
      entry.drainingSince = since
      next.entries.append(entry)
      if base.afterDrain == .close, since.hasPassed(base.drainDeadline, at: now) {
        cuts += rows.map { cut($0.0, entry, $0.1) }
      } else {
        waits.append("\(live.sessions(entry.slot)) sessions of \(entry.backend.generation) to end")
      }
    }
    if next != base { return .perform([.writeFiles(next)] + cuts) }
    if !cuts.isEmpty { return .perform(cuts) }
    guard !waits.isEmpty else { return nil }
    return .wait("waiting for " + waits.joined(separator: ", "), isLong: true)
  }

  private static func cut(
    _ pid: Int, _ entry: StoredRoute.Entry, _ row: ServerRow
  ) -> Action {
    .cut(
      pid: pid, entry.slot, server: row.name, entry.backend.generation, sessions: row.sessions)
  }

  private static func remaining(_ slot: Slot, _ live: LiveTarget) -> [(Int, ServerRow)] {
    live.workers.flatMap { worker in
      (worker.servers[slot] ?? []).filter { $0.sessions > 0 }.map { (worker.pid, $0) }
    }
  }

  /// Instances that are gone leave their stack, but never its last server that is up.
  private static func instances(
    _ entry: StoredRoute.Entry, _ wanted: Backend, _ live: LiveTarget, _ base: StoredRoute
  ) -> (kept: [Endpoint], wait: String?) {
    let rows = live.current?.servers[entry.slot] ?? []
    let names = Set(wanted.endpoints.map { ServerName(wanted, $0).text(base.key) })
    let isCovered = rows.contains { names.contains($0.name) && $0.isUp }
    var wait: String?
    let kept = entry.backend.endpoints.filter { endpoint in
      let name = ServerName(entry.backend, endpoint).text(base.key)
      if names.contains(name) { return true }
      let isUp = rows.contains { $0.name == name && $0.isUp }
      guard isUp, base.isUsed(entry.slot), !isCovered else { return false }
      wait = "another server of \(wanted.generation) than \(name) to be up"
      return true
    }
    return (kept, wait)
  }

  /// Servers that have left and are there still, or have sessions in a worker that ends itself.
  private static func leaving(
    _ entry: StoredRoute.Entry, _ kept: [Endpoint], _ live: LiveTarget, _ key: TargetKey,
    _ now: BootTime
  ) -> [String: BootTime]? {
    let stay = Set(kept.map { ServerName(entry.backend, $0).text(key) })
    let names = entry.backend.endpoints.map { ServerName(entry.backend, $0).text(key) }
    let all = (entry.leaving ?? [:]).merging(names.map { ($0, now) }) { old, _ in old }
    let left = all.filter { name, _ in
      guard !stay.contains(name) else { return false }
      return live.workers.contains { worker in
        (worker.servers[entry.slot] ?? []).contains {
          $0.name == name && (worker.isCurrent || $0.sessions > 0)
        }
      }
    }
    return left.isEmpty ? nil : left
  }

  /// What left its stack, or was never of it, goes when its requests have ended or had their time.
  private static func strangerStage(
    _ base: StoredRoute, _ live: LiveTarget, _ now: BootTime
  ) -> Step? {
    var cuts: [Action] = []
    for entry in base.entries {
      for (pid, row) in remaining(entry.slot, live) {
        guard let since = entry.leaving?[row.name], base.afterDrain == .close,
          since.hasPassed(base.drainDeadline, at: now)
        else { continue }
        cuts.append(cut(pid, entry, row))
      }
    }
    if !cuts.isEmpty { return .perform(cuts) }
    let leaving = base.entries.compactMap { $0.leaving?.keys.min() }.first
    if let leaving { return .wait("requests of \(leaving) have to end", isLong: true) }
    let ours = Set(
      base.entries.flatMap { entry in
        entry.backend.endpoints.map { ServerName(entry.backend, $0).text(base.key) }
      })
    let stranger = live.current?.servers.values.joined().first { !ours.contains($0.name) }
    return stranger.map { .wait("requests of \($0.name) have to end", isLong: false) }
  }
}
