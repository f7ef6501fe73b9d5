/// Everything a stack is made of, as the commit says it. Launch-time values such as `${port}` and
/// `${generation}` stay symbolic.
package struct StackSpec: Hashable, Codable, Sendable {
  /// Which platforms understand `workload`: `process`, `container`…
  package var workloadKind: String
  /// The canonical payload that only the platform understands.
  package var workload: CanonicalValue
  /// What must be resolved before a launch, sorted by kind and name.
  package var inputs: [InputReference] = []
  /// Declared instances, at least 1.
  package var instances: Int = 1
  package var health: HealthGate = HealthGate()
  /// What runs once for it, before and after its instances start; nil: nothing.
  package var jobs: [JobDeclaration]?
  package init(
    workloadKind: String, workload: CanonicalValue, inputs: [InputReference] = [],
    instances: Int = 1, health: HealthGate = HealthGate(), jobs: [JobDeclaration]? = nil
  ) {
    self.jobs = jobs
    self.workloadKind = workloadKind
    self.workload = workload
    self.inputs = inputs
    self.instances = instances
    self.health = health
  }

  /// The form that digests are computed over: a key that is absent or at its default is left out,
  /// and the default of an existing key never changes, so that upgrades launch nothing.
  package var canonical: CanonicalValue {
    .present([
      "workload": .object([workloadKind: workload]),
      "inputs": inputs.isEmpty ? nil : .array(inputs.map(\.canonical)),
      "instances": instances == 1 ? nil : .integer(instances),
      "health": health == HealthGate() ? nil : health.canonical,
      "jobs": jobs.map { .array($0.map(\.canonical)) },
    ])
  }

  /// SHA-256 of the canonical spec as the commit says it.
  package var declaredDigest: Digest {
    Digest.of("viridian.dev/declared/1\n" + canonical.json)
  }

  /// SHA-256 of the canonical spec with its inputs resolved.
  package func stackDigest(_ resolved: [ResolvedInput]) -> Digest {
    let inputs = resolved.map { ($0.reference.key, CanonicalValue.string($0.identity)) }
    let members: [String: CanonicalValue] = [
      "spec": canonical, "resolved": .object(Dictionary(inputs) { first, _ in first }),
    ]
    return Digest.of("viridian.dev/stack/1\n" + CanonicalValue.object(members).json)
  }
}

/// Something a spec names that must be resolved before a launch.
package struct InputReference: Hashable, Comparable, Codable, Sendable {
  package enum Kind: String, Codable, Sendable {
    /// A file, directory or URL; resolves to the SHA-256 of its archive.
    case artifact
    /// A secret; resolves to a keyed hash of its value, never to the value.
    case secret
  }

  package var kind: Kind
  /// As the spec says it after substitution: `artifacts/web-2.1.0`, `file:database-password`.
  package var name: String
  /// The SHA-256 the manifest demands; required for `https`.
  package var expected: Digest?
  package init(kind: Kind, name: String, expected: Digest? = nil) {
    self.kind = kind
    self.name = name
    self.expected = expected
  }

  /// An artifact that is a path of the repository, not an address.
  package var isInRepository: Bool { kind == .artifact && !name.contains("://") }

  /// `artifact:artifacts/web-2.1.0`.
  package var key: String { "\(kind.rawValue):\(name)" }

  var canonical: CanonicalValue {
    .present([
      "kind": .string(kind.rawValue), "name": .string(name),
      "sha256": expected.map { .string($0.hex) },
    ])
  }

  package static func < (a: Self, b: Self) -> Bool { a.key < b.key }
}

/// An input with its immutable identity.
package struct ResolvedInput: Hashable, Codable, Sendable {
  package var reference: InputReference
  /// What is part of the stack digest: `sha256:…` of an artifact, `hmac:…` of a secret.
  package var identity: String
  package init(reference: InputReference, identity: String) {
    self.reference = reference
    self.identity = identity
  }
}
