import Manifest
package import Model
import Planning
package import PlatformKit

/// What a running agent answers to people, beyond what the ledger knows. Changes nothing.
package struct AgentAnswers: Sendable {
  private let parts: AgentParts
  private let shelf: StateShelf
  private let pass: Pass

  package init(parts: AgentParts, shelf: StateShelf, pass: Pass) {
    self.parts = parts
    self.shelf = shelf
    self.pass = pass
  }

  /// `version` and `owner` are the product's and the configuration's.
  package func status(version: String, owner: OwnerID, pid: Int) async -> AgentStatus {
    let state = await shelf.current
    let views = await parts.board.current
    let contested = Lint.contested(views.values.compactMap(\.desired))
    return AgentStatus(
      version: version, owner: owner, mode: parts.mode.rawValue, pid: pid,
      isPaused: state?.agentRecord.memory.isPaused ?? false, passes: state?.number ?? 0,
      sequence: state?.lastSequence ?? 0,
      sources: views.sorted { $0.key < $1.key }.map { name, view in
        SourceSummary(
          name: name, health: view.state.health.sentence, commit: view.state.commit,
          targets: view.state.targetCount,
          diagnostics: (view.desired?.diagnostics ?? [])
            + contested.filter { $0.source == name }.map(\.problem))
      })
  }

  /// The statuses that the planner would give if `desired` were its source's accepted state: the
  /// same functions as a real pass, with nothing recorded and nothing begun.
  package func preview(_ desired: DesiredState) async -> [TargetStatus] {
    guard var state = await shelf.current else { return [] }
    let now = HostClock.now()
    let sources = await pass.sources(instead: desired)
    let input = await pass.observe(&state, sources, at: now, isPreview: true)
    return Planner.plan(input).plan.map(\.status)
  }

  /// The newest lines of one stack; without a generation, of the newest. nil: there is no such stack.
  package func logs(
    _ target: TargetID, _ generation: Generation?, lines: Int
  ) async throws(PlatformError) -> [String]? {
    let heirs = await shelf.current?.agentRecord.memory.heirs ?? [:]
    for place in parts.places.values {
      let stacks = try await place.platform.observe().stacks.filter { stack in
        (heirs[stack.id.target] ?? stack.id.target) == target
      }
      let wanted =
        generation.map { wanted in stacks.first { $0.id.generation == wanted } }
        ?? stacks.max { $0.id.generation < $1.id.generation }
      guard let stack = wanted else { continue }
      return try await place.platform.logs(stack.certificate, lines: lines)
        .map { "[\(stack.id.generation)/\($0.instance)] \($0.text)" }
    }
    return nil
  }
}

extension SourceState.Health {
  /// `current`, `unreachable: …`, `held: …`.
  var sentence: String {
    switch self {
    case .current: "current"
    case .unreachable(let reason): "unreachable: \(reason)"
    case .held(let reason): "held: \(reason)"
    }
  }
}
