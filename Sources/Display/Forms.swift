import LedgerKit
import Model

// The JSON and YAML shapes. They are an interface: members may be added, never renamed. What is
// absent is not written; times are RFC 3339 in UTC, durations are whole milliseconds.

extension TargetStatus {
  var form: CanonicalValue {
    .present([
      "target": .string("\(target)"), "source": .text(source?.rawValue),
      "platform": .text(platform?.rawValue), "desiredVersion": .text(desiredVersion),
      "desiredCommit": .text(desiredCommit?.rawValue),
      "declaredDigest": .text(declaredDigest?.description), "liveVersion": .text(liveVersion),
      "sync": .string(sync.rawValue), "conditions": .array(conditions.map(\.form)),
      "stacks": .array(stacks.map(\.form)), "listen": .text(listen), "rollout": rollout?.form,
      "hold": .text(hold), "isPaused": .bool(isPaused), "findings": .array(findings.map(\.form)),
      "rollback": .string(rollback), "explanation": .array(explanation.map { .string($0) }),
    ])
  }
}

extension Condition {
  fileprivate var form: CanonicalValue {
    [
      "type": .string(type.rawValue), "status": .bool(status), "reason": .string(reason),
      "message": .string(message),
    ]
  }
}

extension StackSummary {
  fileprivate var form: CanonicalValue {
    [
      "name": .string(name), "generation": .integer(generation.number),
      "version": .string(version), "commit": .string(commit.rawValue),
      "stackDigest": .string("\(stackDigest)"), "role": .string(role),
      "weightPercent": .integer(weightPercent), "declared": .integer(declared),
      "running": .integer(running), "healthy": .integer(healthy), "restarts": .integer(restarts),
      "endpoints": .array(endpoints.map { .string("\($0)") }),
    ]
  }
}

extension RolloutSummary {
  fileprivate var form: CanonicalValue {
    .present([
      "strategy": .string(strategy.rawValue), "candidate": .integer(candidate.number),
      "from": from.map { .integer($0.number) }, "phase": .string(phase), "cause": .string(cause),
      "waitingFor": .text(waitingFor), "elapsedMilliseconds": .integer(elapsed.wholeMilliseconds),
      "ofMilliseconds": of.map { .integer($0.wholeMilliseconds) },
      "step": step.map { .integer($0) }, "steps": steps.map { .integer($0) },
      "stepPercent": stepPercent.map { .integer($0) },
      "gates": gates.map { .array($0.map(\.form)) },
    ])
  }
}

extension GateSummary {
  fileprivate var form: CanonicalValue {
    .present([
      "name": .string(name), "state": .string(state.rawValue), "reason": .text(reason),
      "elapsedMilliseconds": elapsed.map { .integer($0.wholeMilliseconds) },
      "ofMilliseconds": of.map { .integer($0.wholeMilliseconds) },
    ])
  }
}

extension Finding {
  var form: CanonicalValue {
    .present([
      "word": .string(word.rawValue), "resource": .string(resource), "path": .string(path),
      "expected": .text(expected), "actual": .text(actual), "actor": .text(actor),
    ])
  }
}

extension LedgerEntry {
  var form: CanonicalValue {
    .present([
      "sequence": .integer(sequence), "at": .string("\(at)"), "kind": .string(kind.rawValue),
      "target": .text(target.map { "\($0)" }),
      "generation": generation.map { .integer($0.number) }, "pass": .integer(pass),
      "message": .string(message), "details": details,
    ])
  }
}

extension ChainReport {
  var form: CanonicalValue {
    .present([
      "entries": .integer(entries), "checkpoints": .integer(checkpoints),
      "firstBroken": firstBroken.map { .integer($0) }, "reason": .text(reason),
    ])
  }
}

extension CanonicalValue {
  fileprivate static func text(_ text: String?) -> CanonicalValue? { text.map { .string($0) } }
}
