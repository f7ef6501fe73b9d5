import GitSource
import Planning
package import PlatformKit

/// The keys of `viridian.yaml`.
package enum ConfigurationFields {
  package static let all: [Field] = [
    Field(
      "owner", .name, "Who owns the stacks; written into every certificate.", standard: "viridian"),
    Field(
      "mode", .choice(["observe", "act"]), "observe: reports, and does nothing.", standard: "act"),
    Field(
      "state", .text, "Ledger, Git stores, artifacts and stacks live below.", standard: ".viridian"),
    Field("sources", .list(.mapping(source)), "The watched repositories."),
    Field("platforms", .list(.mapping(platform)), "Where stacks run.", standard: "one, `local`"),
    Field("metrics", .list(.mapping(provider)), "Who knows numbers by which canaries are judged."),
    Field("environments", .list(.name), "Which of them this agent serves.", standard: "all"),
    Field("ledger", .text, "The ledger's file.", standard: "<state>/ledger.sqlite"),
    Field("socket", .text, "The control socket.", standard: "<state>/agent.sock"),
    Field("identityKey", .text, "The identity key's file.", standard: "<state>/identity.key"),
    Field("interval", .duration, "Time between two passes.", standard: "1s"),
    Field(
      "inspectEvery", .duration, "Time between two looks for drift at a stack.", standard: "10s"),
    Field(
      "libgit2", .choice(["require", "warn"]),
      "A libgit2 that is not known to be repaired: the agent does not start, or only says so.",
      standard: "require"),
    Field("alerts", .mapping(alerts), "Where alerts go."),
    Field(
      "secrets",
      .mapping([
        Field("directory", .text, "Where ${secret:file:NAME} is read.", required: true)
      ]), "Where secrets come from."),
    Field(
      "artifacts",
      .mapping([
        Field(
          "fileRoots", .list(.text), "Folders below which file:// artifacts may lie."),
        Field(
          "hosts", .list(.text),
          "Hosts of https:// artifacts whose address is not public: NAME or NAME:PORT."),
      ]), "Where artifacts may come from."),
    Field("limits", .mapping(limits), "Bounds of the whole agent."),
    Field(
      "history",
      .mapping([
        Field("keepFor", .duration, "How long entries are kept.", standard: "2160h"),
        Field(
          "keepEntries", .integer(1...1_000_000), "Newest entries of each target that stay.",
          standard: "200"),
      ]), "How much history the ledger keeps."),
  ]

  private static let source: [Field] = [
    Field("name", .name, "The source's name.", required: true),
    Field("url", .text, "https://…, ssh://…, user@host:path or file:///….", required: true),
    Field("branch", .text, "The branch to follow.", standard: "main"),
    Field("tag", .text, "A tag instead of a branch."),
    Field("commit", .text, "One exact commit instead of a branch."),
    Field("path", .text, "Only files below are read.", standard: "the whole tree"),
    Field(
      "artifactRoots", .list(.text), "Directories that are never searched for manifests.",
      standard: "artifacts"),
    Field("poll", .duration, "Time between two listings.", standard: "30s"),
    Field(
      "token",
      .mapping([
        Field("file", .text, "A file with the token.", required: true),
        Field("user", .text, "The user name that goes with it.", standard: "git"),
      ]), "https: a token."),
    Field(
      "basic",
      .mapping([
        Field("user", .text, "The user name.", required: true),
        Field("passwordFile", .text, "A file with the password.", required: true),
      ]), "https: user and password."),
    Field("ca", .text, "PEM file with the authorities to trust instead of the system's."),
    Field("sshKey", .text, "ssh: a private key's file."),
    Field("sshAgent", .text, "ssh: the socket of an ssh-agent."),
    Field("knownHosts", .text, "ssh: the known_hosts file; required."),
    Field(
      "verify",
      .mapping([
        Field(
          "policy", .choice(["require", "warn", "off"]), "What an unsigned commit gets.",
          required: true),
        Field(
          "scope", .choice(["everyCommit", "tip"]), "Which commits must be signed.",
          standard: "everyCommit"),
        Field("allowedSigners", .text, "ssh: an allowed-signers file."),
        Field("revokedKeys", .text, "ssh: a file of revoked keys."),
        Field("gpgKeys", .list(.text), "Files with OpenPGP public keys."),
      ]), "Commit signatures.", standard: "off"),
    Field(
      "allowRewind", .bool, "Accept commits that do not descend from the last one.",
      standard: "false"),
    Field(
      "allowInsecureHTTP", .bool, "Accept http://: anybody on the way can change it.",
      standard: "false"),
    Field("fetchDeadline", .duration, "How long a fetch may take.", standard: "2m"),
    Field("listDeadline", .duration, "How long a listing may take.", standard: "10s"),
  ]

  private static let platform: [Field] = [
    Field("name", .name, "The name that environments use.", required: true),
    Field("kind", .choice(["local"]), "Which platform it is.", required: true),
    Field("directory", .text, "Stacks and router live below.", standard: "<state>/<name>"),
    Field("ports", .text, "Ports for instances, `20000-29999`.", standard: "20000-29999"),
    Field(
      "reloadEvery", .duration, "At most one reload of the router in this time.", standard: "10s"),
  ]

  private static let provider: [Field] = [
    Field("name", .name, "The name that analyses use.", required: true),
    Field("kind", .choice(["prometheus", "webhook"]), "Which provider it is.", required: true),
    Field(
      "url", .text, "http(s)://…: of a webhook, or what stands before `/api/v1/query`.",
      required: true),
    Field("tokenFile", .text, "A file with a bearer token."),
    Field("ca", .text, "PEM file with the authorities to trust instead of the system's."),
    Field("timeout", .duration, "How long one answer may take.", standard: "5s"),
  ]

  private static let alerts: [Field] = [
    Field("file", .text, "A file that gets one line of JSON for each alert."),
    Field(
      "webhook",
      .mapping([
        Field("url", .text, "Gets a POST for each alert.", required: true),
        Field("secretFile", .text, "A file with the key of the signature header."),
      ]), "A webhook."),
  ]

  private static let limits: [Field] = [
    Field(
      "concurrentRollouts", .integer(1...10_000), "Targets that roll out at a time.", standard: "10"
    ),
    Field("removals", .integer(0...100_000), "Removals of a source within 24 h.", standard: "1"),
    Field(
      "removalsPercent", .integer(0...100), "The same in percent; the larger counts.",
      standard: "20"),
    Field(
      "agentRemovals", .integer(0...100_000), "Removals of the agent within 24 h.", standard: "3"),
    Field("agentRemovalsPercent", .integer(0...100), "The same in percent.", standard: "5"),
  ]
}
