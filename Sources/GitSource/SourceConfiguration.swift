package import Model

/// A Git repository, ref and path that is watched, as the agent's configuration says it.
package struct SourceConfiguration: Hashable, Codable, Sendable {
  package enum Reference: Hashable, Codable, Sendable {
    case branch(String)
    case tag(String)
    case commit(CommitID)
  }

  package enum Authentication: Hashable, Codable, Sendable {
    case none
    /// https: the file's text as password of `user`; hosters take any user name with a token.
    case token(file: String, user: String)
    /// https.
    case basic(user: String, passwordFile: String)
    /// ssh: a private key without passphrase.
    case sshKey(file: String)
    /// ssh: the agent behind this socket; only when the worker runs as the agent's own user.
    case sshAgent(socket: String)
  }

  package var name: SourceName
  /// `https://…`, `ssh://user@host/path`, `user@host:path`, or a local path (`/…`, `file:///…`).
  package var url: String
  /// Allows `http://`: whoever is on the way can then change what is deployed.
  package var allowInsecureHTTP: Bool = false
  package var reference: Reference
  /// Only YAML files below this directory of the repository are read; empty: the whole tree.
  package var path: String = ""
  /// Directories of the repository that hold artifacts: never searched for manifests. nil:
  /// `artifacts`, at the top and below `path`.
  package var artifactRoots: [String]?
  package var authentication: Authentication = .none
  /// PEM file with the authorities to trust for https instead of the system's.
  package var caFile: String?
  /// OpenSSH known_hosts file; required for ssh.
  package var knownHostsFile: String?
  package var verification = Verification()
  /// Accept commits that do not descend from the last accepted one.
  package var allowRewind: Bool = false
  package var limits = SourceLimits()
  package var deadlines = SourceDeadlines()

  package init(
    name: SourceName, url: String, reference: Reference, path: String = "",
    authentication: Authentication = .none, verification: Verification = Verification()
  ) {
    self.name = name
    self.url = url
    self.reference = reference
    self.path = path
    self.authentication = authentication
    self.verification = verification
  }

  var artifactDirectories: [String] {
    artifactRoots ?? (path.isEmpty ? ["artifacts"] : ["artifacts", "\(path)/artifacts"])
  }
}

/// Who must have signed a commit.
package struct Verification: Hashable, Codable, Sendable {
  package enum Policy: String, Codable, Sendable, CaseIterable {
    /// An unsigned commit, or one by a key that is unknown, expired or revoked, is held.
    case require
    /// The same is accepted with a warning.
    case warn
    case off
  }

  package enum Scope: String, Codable, Sendable, CaseIterable {
    /// Every commit since the last accepted one, merged ones included.
    case everyCommit
    /// Only the commit that is deployed.
    case tip
  }

  package var policy: Policy = .off
  package var scope: Scope = .everyCommit
  /// OpenSSH allowed-signers file (`ssh-keygen(1)`).
  package var allowedSignersFile: String?
  /// OpenSSH key revocation list or list of public keys.
  package var revokedKeysFile: String?
  /// Files with OpenPGP public keys.
  package var gpgKeyrings: [String] = []
  package init(
    policy: Policy = .off, scope: Scope = .everyCommit, allowedSignersFile: String? = nil,
    revokedKeysFile: String? = nil, gpgKeyrings: [String] = []
  ) {
    self.policy = policy
    self.scope = scope
    self.allowedSignersFile = allowedSignersFile
    self.revokedKeysFile = revokedKeysFile
    self.gpgKeyrings = gpgKeyrings
  }
}

/// What a commit may cost; one byte or entry more rejects it as a whole.
package struct SourceLimits: Hashable, Codable, Sendable {
  /// What one fetch may bring.
  package var packBytes: Int = 512 << 20
  package var fileBytes: Int = 1 << 20
  /// All YAML files of one commit together.
  package var totalBytes: Int = 64 << 20
  package var treeEntries: Int = 200_000
  package var depth: Int = 32
  package var pathBytes: Int = 255
  /// One exported artifact.
  package var artifactBytes: Int = 256 << 20
  /// The worker's answer: 20,000 targets of about 3 KiB.
  package var answerBytes: Int = 64 << 20
  package init() {}
}

/// How long the steps of one call may take.
package struct SourceDeadlines: Hashable, Codable, Sendable {
  package var list: Duration = .seconds(10)
  package var fetch: Duration = .seconds(120)
  /// Verifying, walking, parsing and exporting.
  package var read: Duration = .seconds(60)
  package init() {}
}
