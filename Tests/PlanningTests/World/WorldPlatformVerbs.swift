import Model
import Planning

/// The platform's verbs: idempotent, and true to the immutable identity they are given.
extension WorldPlatform {
  mutating func ensure(
    _ order: LaunchOrder, _ wall: WallTime, _ sequence: Int, _ time: Duration
  ) -> ActionOutcome.Result {
    if let unknown { return .transient(unknown) }
    if let refusal, order.platform == "local" { return refusal }
    let (target, generation) = (order.stack.target, order.stack.generation)
    let name = order.stack.name()
    if let other = foreign[target]?.first(where: { $0.name == name }) {
      return .conflict("the name \(name) is taken by \(other.identity)")
    }
    if self[target, generation] == nil {
      self[target, generation] = WorldStack(
        Self.certificate(order, wall, sequence), behaviours[order.version] ?? .init(),
        launchTime: launchTime, first: order.instances)
    }
    guard self[target, generation]?.certificate.stackDigest == order.stackDigest else {
      return .conflict("\(order.stack) exists with another digest")
    }
    return self[target, generation]?.goOn(time) ?? .transient("gone")
  }

  mutating func setInstances(
    _ count: Int, of stack: StackReference, _ target: TargetID
  ) -> ActionOutcome.Result {
    if let unknown { return .transient(unknown) }
    guard let found = self[target, stack.generation], found.certificate.launch == stack.launch
    else {
      return .conflict("\(stack.generation) is not there")
    }
    self[target, stack.generation]?.run(count)
    return .done
  }

  mutating func run(
    _ task: StackTask, of stack: StackReference, _ target: TargetID
  ) -> ActionOutcome.Result {
    if let unknown { return .transient(unknown) }
    guard let found = self[target, stack.generation], found.certificate.launch == stack.launch
    else { return .conflict("\(stack.generation) is not there") }
    self[target, stack.generation]?.begin(task)
    return .done
  }

  /// The first request stops it, the second finds it gone.
  mutating func retire(_ stack: StackReference, of target: TargetID) -> ActionOutcome.Result {
    if let unknown { return .transient(unknown) }
    guard let found = self[target, stack.generation] else { return .done }
    guard found.certificate.launch == stack.launch else { return .conflict("another launch") }
    if case .stuck(let reason) = found.phase { return .rejected(.platform, reason) }
    guard found.phase == .retiring else {
      self[target, stack.generation]?.run(0)
      self[target, stack.generation]?.phase = .retiring
      return .waiting("stopping")
    }
    self[target, stack.generation] = nil
    return .done
  }

  static func certificate(
    _ order: LaunchOrder, _ wall: WallTime, _ sequence: Int
  ) -> BirthCertificate {
    BirthCertificate(
      owner: "acme", stack: order.stack, source: order.source, commit: order.commit,
      version: order.version, declaredDigest: order.declaredDigest, stackDigest: order.stackDigest,
      spec: order.spec, resolved: order.resolved, traffic: order.traffic.mode,
      platform: order.platform, platformIdentity: "host-1",
      launch: "\(order.stack)-\(order.stackDigest.short)", ledgerSequence: sequence,
      createdAt: wall, mac: "valid")
  }
}
