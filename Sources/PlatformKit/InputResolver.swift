package import Model

/// Resolves one kind of input to its immutable identity, and makes its bytes available.
package protocol InputResolver: Sendable {
  /// The kind it resolves.
  var kind: InputReference.Kind { get }

  /// The identity, without bringing more than needed to this host.
  func resolve(
    _ reference: InputReference, at commit: CommitID, of source: SourceName
  ) async throws(PlatformError) -> ResolvedInput
}
