import Crypto

/// The record written with a stack and never changed: identity, ownership and provenance.
package typealias BirthCertificate = Shared<BirthCertificateFields>

/// The fields of `BirthCertificate`.
package struct BirthCertificateFields: Hashable, Codable, Sendable {
  /// Version of this record's form; digests are compared by the recorded version.
  package var schema: Int = 1
  package var owner: OwnerID
  package var stack: StackID
  package var source: SourceName
  package var commit: CommitID
  /// The version's text, for people.
  package var version: String
  package var declaredDigest: Digest
  package var stackDigest: Digest
  package var spec: StackSpec
  package var resolved: [ResolvedInput]
  package var traffic: TrafficPolicy.Mode
  package var platform: PlatformName
  /// The platform's own immutable id of the place, such as a host's machine id.
  package var platformIdentity: String
  /// The launch's idempotency token: equal for every repetition of one launch.
  package var launch: String
  /// The ledger's sequence number when the intent was written.
  package var ledgerSequence: Int
  package var createdAt: WallTime
  /// HMAC-SHA-256 of all above with the agent's identity key; nil only before signing.
  package var mac: String?
}

extension BirthCertificate {
  package init(
    schema: Int = 1, owner: OwnerID, stack: StackID, source: SourceName, commit: CommitID,
    version: String, declaredDigest: Digest, stackDigest: Digest, spec: StackSpec,
    resolved: [ResolvedInput], traffic: TrafficPolicy.Mode, platform: PlatformName,
    platformIdentity: String, launch: String, ledgerSequence: Int, createdAt: WallTime,
    mac: String? = nil
  ) {
    self.init(
      BirthCertificateFields(
        schema: schema, owner: owner, stack: stack, source: source, commit: commit,
        version: version, declaredDigest: declaredDigest, stackDigest: stackDigest, spec: spec,
        resolved: resolved, traffic: traffic, platform: platform,
        platformIdentity: platformIdentity, launch: launch, ledgerSequence: ledgerSequence,
        createdAt: createdAt, mac: mac))
  }
}

/// The agent's identity key: makes and checks the MAC of birth certificates.
package struct IdentityKey: Sendable {
  private let key: SymmetricKey

  /// `bytes`: the key file's content, at least 32 bytes.
  package init?(bytes: [UInt8]) {
    guard bytes.count >= 32 else { return nil }
    key = SymmetricKey(data: bytes)
  }

  /// The certificate with its MAC.
  package func sign(_ certificate: BirthCertificate) -> BirthCertificate {
    var signed = certificate
    signed.mac = code(for: certificate)
    return signed
  }

  /// Compares in constant time.
  package func isValid(_ certificate: BirthCertificate) -> Bool {
    guard let mac = certificate.mac, let bytes = Self.bytes(hexadecimal: mac) else { return false }
    return HMAC<SHA256>.isValidAuthenticationCode(
      bytes, authenticating: Array(Self.signedText(certificate).utf8), using: key)
  }

  /// A keyed hash of any bytes: `purpose` separates uses from each other.
  package func code(of bytes: [UInt8], purpose: String) -> String {
    var hmac = HMAC<SHA256>(key: key)
    hmac.update(data: Array("viridian.dev/\(purpose)\n".utf8))
    hmac.update(data: bytes)
    return hexadecimal(hmac.finalize())
  }

  private func code(for certificate: BirthCertificate) -> String {
    let bytes = Array(Self.signedText(certificate).utf8)
    return hexadecimal(HMAC<SHA256>.authenticationCode(for: bytes, using: key))
  }

  private static func signedText(_ certificate: BirthCertificate) -> String {
    let resolved = certificate.resolved.map {
      ($0.reference.key, CanonicalValue.string($0.identity))
    }
    let value: CanonicalValue = [
      "schema": .integer(certificate.schema), "owner": .string(certificate.owner.rawValue),
      "target": .string("\(certificate.stack.target)"),
      "generation": .integer(certificate.stack.generation.number),
      "source": .string(certificate.source.rawValue),
      "commit": .string(certificate.commit.rawValue), "version": .string(certificate.version),
      "declaredDigest": .string(certificate.declaredDigest.hex),
      "stackDigest": .string(certificate.stackDigest.hex), "spec": certificate.spec.canonical,
      "resolved": .object(Dictionary(resolved) { first, _ in first }),
      "traffic": .string(certificate.traffic.rawValue),
      "platform": .string(certificate.platform.rawValue),
      "platformIdentity": .string(certificate.platformIdentity),
      "launch": .string(certificate.launch),
      "ledgerSequence": .integer(certificate.ledgerSequence),
      "createdAt": .integer(certificate.createdAt.milliseconds),
    ]
    return "viridian.dev/certificate/1\n" + value.json
  }

  private static func bytes(hexadecimal text: String) -> [UInt8]? {
    let digits = text.utf8.compactMap { byte -> UInt8? in
      switch byte {
      case 0x30...0x39: byte - 0x30
      case 0x61...0x66: byte - 0x61 + 10
      default: nil
      }
    }
    guard digits.count == text.utf8.count, digits.count % 2 == 0 else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}
