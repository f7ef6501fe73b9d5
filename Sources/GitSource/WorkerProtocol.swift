import Model

/// What the agent writes to a worker's standard input, in a `WorkerMessage`.
struct WorkerRequest: Codable, Sendable {
  enum Verb: Hashable, Codable, Sendable {
    case list
    case load(accepted: CommitID?)
    /// `file`: where the archive goes, in the scratch directory.
    case export(path: String, commit: CommitID, file: String)
    case accept(CommitID)
  }

  var verb: Verb
  var configuration: SourceConfiguration
  /// Bare repository, lock and cache lie here; owned by the worker's user.
  var directory: String
  var credentials: WorkerCredentials
  /// nil: the worker keeps the agent's user.
  var user: WorkerUser.Numbers?
  /// Move the store aside first.
  var startsAnew = false
  var parserContext = ""
}

/// Copies of the files this one source needs, in a directory that lives as long as the call.
struct WorkerCredentials: Codable, Sendable {
  var scratch: String
  var user: String?
  /// Password or token.
  var password: String?
  var identityFile: String?
  var agentSocket: String?
  var caFile: String?
  var knownHostsFile: String?
  var allowedSignersFile: String?
  var revokedKeysFile: String?
  var gpgKeyrings: [String] = []
}

/// What a worker writes to its standard output, in a `WorkerMessage`.
enum WorkerAnswer: Codable, Sendable {
  case tip(CommitID)
  case verdict(SourceVerdict)
  case exported(sha256: Digest, bytes: Int)
  case done
  case failed(SourceError)
}

/// What a worker was doing when it died: written to its standard error, one line each.
enum WorkerStage: Hashable {
  case network
  case store
  case reading(CommitID)

  /// Without this a line is not one of ours.
  private static let mark = "viridian-stage:"

  var line: String {
    switch self {
    case .network: "\(Self.mark)network\n"
    case .store: "\(Self.mark)store\n"
    case .reading(let commit): "\(Self.mark)reading:\(commit)\n"
    }
  }

  /// The last stage in the text.
  static func last(in text: String) -> WorkerStage {
    let lines = text.split(separator: "\n").filter { $0.hasPrefix(mark) }
    let words = lines.last?.split(separator: ":").dropFirst().map(String.init) ?? []
    switch (words.first, words.last) {
    case ("reading", let commit?) where isObjectID(commit):
      return .reading(CommitID(rawValue: commit))
    case ("network", _): return .network
    default: return .store
    }
  }
}

/// Whom a worker runs as when the agent is root.
package enum WorkerUser: Hashable, Codable, Sendable {
  /// `viridian-source` where it exists, else `nobody`.
  case dedicated
  case named(String)
  /// The agent's own user.
  case agent

  struct Numbers: Hashable, Codable, Sendable {
    var user: UInt32
    var group: UInt32
  }
}
