package import Model

/// A person's word that what is declared goes through the freeze window that is open.
package struct FreezeException: Hashable, Codable, Sendable {
  package var declaredDigest: Digest
  package var by: String
  package var reason: String
  package init(declaredDigest: Digest, by: String, reason: String) {
    self.declaredDigest = declaredDigest
    self.by = by
    self.reason = reason
  }
}
