import GitSource
import Model
import PlatformKit

/// Reads one entry of `sources`.
struct SourceReading {
  let given: MappingReader
  let path: (ManifestNode) -> String

  func run() throws(AgentError) -> SourceEntry {
    var source = SourceConfiguration(
      name: SourceName(rawValue: given.text("name") ?? "main"), url: given.text("url") ?? "",
      reference: try reference(), path: folder(), authentication: try authentication(),
      verification: verification())
    source.allowInsecureHTTP = given.bool("allowInsecureHTTP") ?? false
    source.caFile = given["ca"].map(path)
    source.knownHostsFile = given["knownHosts"].map(path)
    source.allowRewind = given.bool("allowRewind") ?? false
    if given["artifactRoots"] != nil {
      source.artifactRoots = given.list("artifactRoots").compactMap(\.text)
    }
    source.deadlines.fetch = given.duration("fetchDeadline") ?? source.deadlines.fetch
    source.deadlines.list = given.duration("listDeadline") ?? source.deadlines.list
    return SourceEntry(source: source, poll: given.duration("poll") ?? .seconds(30))
  }

  private func folder() -> String {
    let path = given.text("path") ?? ""
    return path == "." ? "" : path
  }

  private func reference() throws(AgentError) -> SourceConfiguration.Reference {
    let named = ["branch", "tag", "commit"].filter { given[$0] != nil }
    guard named.count <= 1 else {
      throw .startup(given.node.error("name one of branch, tag and commit").description)
    }
    if let tag = given.text("tag") { return .tag(tag) }
    if let commit = given.text("commit") { return .commit(CommitID(rawValue: commit)) }
    return .branch(given.text("branch") ?? "main")
  }

  private func authentication() throws(AgentError) -> SourceConfiguration.Authentication {
    let named = ["token", "basic", "sshKey", "sshAgent"].filter { given[$0] != nil }
    guard named.count <= 1 else {
      throw .startup(given.node.error("name one of token, basic, sshKey and sshAgent").description)
    }
    if let token = given.mapping("token") {
      return .token(file: token["file"].map(path) ?? "", user: token.text("user") ?? "git")
    }
    if let basic = given.mapping("basic") {
      return .basic(
        user: basic.text("user") ?? "", passwordFile: basic["passwordFile"].map(path) ?? "")
    }
    if let key = given["sshKey"] { return .sshKey(file: path(key)) }
    if let socket = given["sshAgent"] { return .sshAgent(socket: path(socket)) }
    return .none
  }

  private func verification() -> Verification {
    guard let verify = given.mapping("verify") else { return Verification() }
    return Verification(
      policy: verify.choice("policy") ?? .off, scope: verify.choice("scope") ?? .everyCommit,
      allowedSignersFile: verify["allowedSigners"].map(path),
      revokedKeysFile: verify["revokedKeys"].map(path),
      gpgKeyrings: verify.list("gpgKeys").map(path))
  }
}
