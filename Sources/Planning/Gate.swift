import Model

/// What the gate of a candidate says now.
enum GateVerdict: Hashable {
  case passed
  case waiting(String)
  case failed(RolloutMachine.Failure)
}

extension TargetPass {
  /// `elapsed`: watched time since the platform completed it.
  func gate(of generation: Generation, elapsed: Duration, isReuse: Bool) -> GateVerdict {
    guard let stack = stacks[generation] else { return .waiting("\(generation) is not there") }
    let gate = stack.certificate.spec.health
    let isLate = elapsed >= gate.deadline
    let clock = "\(elapsed.rounded.text) of \(gate.deadline.text)"
    switch stack.phase {
    case .failed(let fault, let reason): return .failed(.init(fault: fault, reason))
    case .stuck(let reason):
      return lateOr(isLate, .platformFault, "\(generation) is stuck: \(reason)")
    case .launching, .retiring:
      return lateOr(isLate, .platformFault, "\(generation) is not complete")
    case .complete: break
    }
    // Not one program that is all right crashes this often before it has ever answered.
    if !isReuse, stack.restarts >= 5, !isProven(generation) {
      let exit = stack.lastExit.map { ", the last: \($0)" } ?? ""
      return .failed(.init(.stackFault, "crash loop: \(stack.restarts) restarts\(exit)"))
    }
    guard let probe = probe(generation) else {
      // What ends before anybody can ask it is no missing evidence.
      if isLate, !isReuse, stack.restarts >= 2, !isBooting(generation) {
        let exit = stack.lastExit.map { ", the last: \($0)" } ?? ""
        return .failed(
          .init(.stackFault, "the gate failed: it ended \(stack.restarts) times\(exit)"))
      }
      return lateOr(isLate, .noEvidence, "no fresh probe of \(generation), \(clock)")
    }
    let declared = wanted(generation)
    guard isProven(generation) else {
      let failure = probe.lastFailure.map { ": \($0)" } ?? ""
      let count = "\(probe.proven) of \(declared) instances healthy"
      return isLate
        ? .failed(
          .init(.stackFault, "the gate failed: \(count) after \(gate.deadline.text)\(failure)"))
        : .waiting("waits for the gate: \(count), \(clock)\(failure)")
    }
    // What runs may settle while it starts: a wrapper executes another program.
    if !isReuse, let report = input.whole.inspections[generation], report.age > probe.provenFor {
      return lateOr(isLate, .noEvidence, "\(generation) is inspected again, now that it answers")
    }
    return fingerprintGate(generation, isLate: isLate, elapsed: elapsed, isReuse: isReuse)
  }

  private func lateOr(
    _ isLate: Bool, _ kind: RolloutMachine.Failure.Kind, _ text: String
  ) -> GateVerdict {
    isLate ? .failed(.init(kind, text)) : .waiting(text)
  }

  /// Declared fields must read as the spec demands; what cannot be read is waited for.
  private func fingerprintGate(
    _ generation: Generation, isLate: Bool, elapsed: Duration, isReuse: Bool
  ) -> GateVerdict {
    if isReuse { return .passed }
    guard let report = input.whole.inspections[generation],
      case .known(let inspection) = report.result
    else { return lateOr(isLate, .noEvidence, "\(generation) was not inspected yet") }
    let findings = DriftComparison.findings(
      inspection, against: Fingerprint(of: inspection), ignoring: spec?.drift.ignore ?? [],
      stack: name(of: generation))
    if let wrong = findings.first(where: { $0.word == .modified || $0.word == .deleted }) {
      return refuse(generation, wrong, isRead: report.age <= elapsed, isLate: isLate)
    }
    // What only this host cannot say, of a settled field, stays NOT_CHECKED.
    let unread = findings.first {
      $0.word == .notChecked
        && ($0.expected != nil || DriftComparison.isExhaustive($0.field, inspection))
    }
    if let unread { return lateOr(isLate, .noEvidence, "cannot be read: \(unread)") }
    if let added = findings.first(where: { $0.word == .added }) {
      return refuse(generation, added, isRead: report.age <= elapsed, isLate: isLate)
    }
    return .passed
  }

  /// `isRead`: a reading from before the launch was complete proves nothing.
  private func refuse(
    _ generation: Generation, _ finding: Finding, isRead: Bool, isLate: Bool
  ) -> GateVerdict {
    isRead
      ? .failed(.init(.stackFault, "\(generation) is not what the spec demands: \(finding)"))
      : lateOr(isLate, .stackFault, "read again: \(finding)")
  }

  /// Taken once, when the gate has passed: what drift is compared with from then on.
  mutating func takeFingerprint(_ generation: Generation) {
    guard input.whole.fingerprints[generation] == nil,
      case .known(let inspection) = input.whole.inspections[generation]?.result
    else { return }
    fingerprints[generation] = .some(Fingerprint(of: inspection))
  }
}

extension Fingerprint {
  /// What is not declared is settled as it reads now, but for what nobody unpacked.
  fileprivate init(of inspection: Inspection) {
    var settled: [FieldPath: String] = [:]
    for (field, reading) in inspection.readings where inspection.declared[field] == nil {
      guard case .value(let value) = reading, !DriftComparison.isExhaustive(field, inspection)
      else { continue }
      settled[field] = value
    }
    self.init(schema: inspection.schema, declared: inspection.declared, settled: settled)
  }
}

extension Finding {
  /// The field of its stack.
  fileprivate var field: FieldPath {
    FieldPath(String(resource.drop { $0 != " " }.dropFirst()), path)
  }
}

extension RolloutMachine.Failure {
  init(fault: FaultClass, _ reason: String) {
    switch fault {
    case .stack: self.init(.stackFault, reason)
    case .platform: self.init(.platformFault, reason)
    case .noEvidence: self.init(.noEvidence, reason)
    }
  }
}
