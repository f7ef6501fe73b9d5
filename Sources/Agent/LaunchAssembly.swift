package import Model
import Planning
package import PlatformKit

/// Where launches get what a commit only names. Both verbs are bounded in time and repeatable.
package protocol InputSupply: Sendable {
  /// The archive of each artifact among the inputs, by `InputReference.key`; fetched when it is
  /// not in the cache (any more).
  func artifacts(
    for inputs: [ResolvedInput], source: SourceName, commit: CommitID
  ) async throws(PlatformError) -> [String: ArtifactFile]

  /// The value of each secret among the inputs, only in the version that was resolved.
  func secrets(for inputs: [ResolvedInput]) async throws(PlatformError) -> [String: Secret]
}

/// Turns a launch order into a signed launch.
package struct LaunchAssembly: Sendable {
  package var owner: OwnerID
  package var key: IdentityKey
  package var supply: any InputSupply
  package init(owner: OwnerID, key: IdentityKey, supply: any InputSupply) {
    self.owner = owner
    self.key = key
    self.supply = supply
  }

  /// `existing`: the certificate that the world shows already; a launch that goes on keeps it.
  func launch(
    _ order: LaunchOrder, existing: BirthCertificate?, platform: any Platform, sequence: Int,
    at wall: WallTime
  ) async throws(PlatformError) -> StackLaunch {
    let certificate =
      existing
      ?? key.sign(self.certificate(order, platform: platform, sequence: sequence, at: wall))
    let artifacts = try await supply.artifacts(
      for: certificate.resolved, source: certificate.source, commit: certificate.commit)
    return StackLaunch(
      certificate: certificate, artifacts: artifacts,
      secrets: try await supply.secrets(for: certificate.resolved),
      drainDeadline: order.traffic.drainDeadline, instances: order.instances)
  }

  /// The idempotency token: the same for every repetition of one launch, different for any other.
  package func launchToken(_ stack: StackID, _ digest: Digest) -> String {
    let text = "\(owner)/\(stack)/\(digest)"
    return String(key.code(of: Array(text.utf8), purpose: "launch").prefix(8))
  }

  private func certificate(
    _ order: LaunchOrder, platform: any Platform, sequence: Int, at wall: WallTime
  ) -> BirthCertificate {
    BirthCertificate(
      owner: owner, stack: order.stack, source: order.source, commit: order.commit,
      version: order.version, declaredDigest: order.declaredDigest,
      stackDigest: order.stackDigest, spec: order.spec, resolved: order.resolved,
      traffic: order.traffic.mode, platform: platform.name, platformIdentity: platform.identity,
      launch: launchToken(order.stack, order.stackDigest), ledgerSequence: sequence,
      createdAt: wall)
  }
}
