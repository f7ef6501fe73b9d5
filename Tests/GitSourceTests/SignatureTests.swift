import GitSource
import Model
import Support
import Testing

@Suite struct SignatureTests {
  private let keys: TemporaryDirectory

  init() throws { keys = try TemporaryDirectory() }

  private func sshKey(_ name: String) throws -> (file: String, text: String) {
    let file = keys.path(name)
    try Tool.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file])
    return (file, String(decoding: try readFile("\(file).pub"), as: UTF8.self))
  }

  private func fixture(_ repository: GitRepository, allowed: String) throws -> Fixture {
    var fixture = try Fixture(repository)
    fixture.configuration.verification = Verification(
      policy: .require, allowedSignersFile: try keys.write("allowed", allowed))
    return fixture
  }

  @Test func `an ssh signature by an allowed key is accepted, and any other is held`()
    async throws
  {
    let repository = try GitRepository()
    let ann = try sshKey("ann")
    let eve = try sshKey("eve")
    let allowed = "ann@example.com namespaces=\"git\" \(ann.text)"
    var fixture = try fixture(repository, allowed: allowed)
    try repository.commit(web)
    #expect(try await fixture.load().held == .unsigned)
    let good = try repository.commit(web, parents: [], signing: .ssh(keyFile: ann.file))
    #expect(try await fixture.load().accepted?.signer == "ann@example.com")
    // Eve writes Ann's name; the key counts.
    let forged = try repository.commit(
      ["web.yaml": "version 2\n"], signing: .ssh(keyFile: eve.file))
    #expect(try await fixture.load(accepted: good).held == .badSignature)
    fixture.configuration.verification.policy = .warn
    let warned = try #require(try await fixture.load(accepted: good).accepted)
    #expect(warned.commit.rawValue == forged && warned.warnings.count == 1)
    fixture.configuration.verification.policy = .off
    #expect(try await fixture.load(accepted: good).accepted?.warnings == [])
  }

  @Test func `an unsigned commit on the way to a signed one is held unless only the tip counts`()
    async throws
  {
    let repository = try GitRepository()
    let ann = try sshKey("ann")
    var fixture = try fixture(repository, allowed: "ann@example.com \(ann.text)")
    let first = try repository.commit(web, signing: .ssh(keyFile: ann.file))
    try repository.commit(["web.yaml": "version 2\n"])
    try repository.commit(["web.yaml": "version 3\n"], signing: .ssh(keyFile: ann.file))
    #expect(try await fixture.load(accepted: first).held == .unsigned)
    // A signed merge of an unsigned commit, seen for the first time, is no better.
    let side = try repository.commit(["x": ""], branch: "side", parents: [first])
    try repository.commit(web, parents: [first, side], signing: .ssh(keyFile: ann.file))
    #expect(try await fixture.load().held == .unsigned)
    fixture.configuration.verification.scope = .tip
    #expect(try await fixture.load(accepted: first).accepted != nil)
  }

  @Test func `an expired or revoked ssh key is held`() async throws {
    let repository = try GitRepository()
    let ann = try sshKey("ann")
    try repository.commit(web, signing: .ssh(keyFile: ann.file))
    let expired = "ann@example.com valid-before=\"20200101\" \(ann.text)"
    #expect(try await fixture(repository, allowed: expired).load().held == .badSignature)
    let later = "ann@example.com valid-before=\"20990101\" \(ann.text)"
    #expect(try await fixture(repository, allowed: later).load().accepted != nil)
    var revoked = try fixture(repository, allowed: later)
    revoked.configuration.verification.revokedKeysFile = try keys.write("revoked", ann.text)
    #expect(try await revoked.load().held == .badSignature)
  }

  @Test func `an OpenPGP signature by a key of the keyring is accepted, and any other is held`()
    async throws
  {
    let repository = try GitRepository()
    let ann = try gpgKey("ann", expire: "0")
    let eve = try gpgKey("eve", expire: "0")
    var fixture = try Fixture(repository)
    fixture.configuration.verification = Verification(policy: .require, gpgKeyrings: [ann.keyring])
    try repository.commit(web, signing: .gpg(home: ann.home, key: "ann@example.com"))
    let accepted = try #require(try await fixture.load().accepted)
    #expect(accepted.signer?.contains("ann@example.com") == true)
    try repository.commit(web, parents: [], signing: .gpg(home: eve.home, key: "eve@example.com"))
    #expect(try await fixture.load().held == .badSignature)
    fixture.configuration.verification.gpgKeyrings = [eve.keyring]
    #expect(try await fixture.load().accepted != nil)
    // Revoked: the same key with its revocation certificate.
    try Tool.run(
      ["gpg", "--batch", "--import", keys.path("eve-revocation")],
      environment: ["GNUPGHOME": eve.home])
    try export(eve.home, "eve@example.com", to: eve.keyring)
    #expect(try await fixture.load().held == .badSignature)
    for home in [ann.home, eve.home] {
      try Tool.run(["gpgconf", "--kill", "all"], environment: ["GNUPGHOME": home])
    }
  }

  private func gpgKey(_ name: String, expire: String) throws -> (home: String, keyring: String) {
    let home = keys.path("\(name)-home")
    try Tool.run(["install", "-d", "-m", "700", home])
    let address = "\(name)@example.com"
    try Tool.run(
      [
        "gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "",
        "--quick-gen-key", address, "ed25519", "sign", expire,
      ], environment: ["GNUPGHOME": home])
    let keyring = keys.path("\(name).asc")
    try export(home, address, to: keyring)
    let certificate = try Tool.run(["sh", "-c", "cat \(home)/openpgp-revocs.d/*.rev"])
    try keys.write(
      "\(name)-revocation", certificate.replacing(":-----BEGIN", with: "-----BEGIN") + "\n")
    return (home, keyring)
  }

  private func export(_ home: String, _ address: String, to file: String) throws {
    let text = try Tool.run(
      ["gpg", "--batch", "--armor", "--export", address], environment: ["GNUPGHOME": home])
    try writeFile(file, Array((text + "\n").utf8))
  }
}
