package import Model
package import PlatformKit

/// What the agent knows that the files do not say.
package struct ManifestContext: Sendable {
  package var source: SourceName
  package var commit: CommitID
  package var platforms: [PlatformName: PlatformDecoders]
  /// The environments that this agent serves; nil: all. Targets elsewhere are left out: agents of
  /// several hosts share a repository, and none knows the platforms of the others.
  package var environments: Set<EnvironmentName>?
  /// Whether the host knows an IANA name: asked here, because this module knows nothing of a host.
  /// Only names of letters, digits, `_`, `+`, `-` and `/` are asked for.
  package var isTimeZone: @Sendable (String) -> Bool

  package init(
    source: SourceName, commit: CommitID, platforms: [PlatformName: PlatformDecoders],
    environments: Set<EnvironmentName>? = nil, isTimeZone: @escaping @Sendable (String) -> Bool
  ) {
    self.source = source
    self.commit = commit
    self.platforms = platforms
    self.environments = environments
    self.isTimeZone = isTimeZone
  }

  func serves(_ environment: EnvironmentName) -> Bool {
    environments?.contains(environment) ?? true
  }
}

/// What one platform and its router understand.
package struct PlatformDecoders: Sendable {
  package var workloads: [any WorkloadDecoder]
  package var route: any RouteDecoder

  package init(workloads: [any WorkloadDecoder], route: any RouteDecoder) {
    self.workloads = workloads
    self.route = route
  }
}

/// One YAML file of a snapshot.
package struct ManifestFile: Sendable {
  package var path: String
  package var bytes: [UInt8]

  package init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }
}
