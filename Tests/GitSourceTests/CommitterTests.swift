import GitSource
import Model
import Support
import Testing

@Suite struct CommitterTests {
  private let environment = [
    "PATH=/usr/bin:/bin", "HOME=/nonexistent", "GIT_CONFIG_GLOBAL=/dev/null",
    "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=Ann",
    "GIT_COMMITTER_EMAIL=a@b",
  ]

  private func clone() throws -> (GitRepository, TemporaryDirectory) {
    let repository = try GitRepository()
    try repository.commit(["env/web.yaml": "version: 1\n", "other": "a\n"])
    let directory = try TemporaryDirectory()
    try Tool.run(["git", "clone", "--quiet", repository.path, directory.path("copy")])
    return (repository, directory)
  }

  @Test func `one file is committed, and nothing else that lies about`() throws {
    let (repository, directory) = try clone()
    let copy = directory.path("copy")
    try writeFile("\(copy)/other", Array("changed\n".utf8))
    try Tool.run(["git", "add", "other"], in: copy)
    let committer = GitCommitter(directory: "\(copy)/env", environment: environment)
    let commit = try committer.commit(
      path: "env/web.yaml", bytes: Array("version: 2\n".utf8), message: "-promote; $(x)",
      push: true)
    #expect(try repository.tip() == commit.rawValue)
    #expect(try repository.git(["show", "main:env/web.yaml"]) == "version: 2")
    #expect(try repository.git(["show", "main:other"]) == "a")
    #expect(try repository.git(["log", "-1", "--format=%s", "main"]) == "-promote; $(x)")
    #expect(try Tool.run(["git", "status", "--porcelain"], in: copy) == "M  other")
  }

  @Test func `a file with changes of its own is left alone`() throws {
    let (repository, directory) = try clone()
    let copy = directory.path("copy")
    try writeFile("\(copy)/env/web.yaml", Array("mine\n".utf8))
    let committer = GitCommitter(directory: copy, environment: environment)
    #expect(throws: SourceError.self) {
      try committer.commit(path: "env/web.yaml", bytes: [1], message: "x", push: true)
    }
    #expect(try readFile("\(copy)/env/web.yaml") == Array("mine\n".utf8))
    #expect(try repository.git(["rev-list", "--count", "main"]) == "1")
  }

  @Test func `a hook that refuses leaves the file as it was`() throws {
    let (_, directory) = try clone()
    let copy = directory.path("copy")
    try writeFile("\(copy)/.git/hooks/pre-commit", Array("#!/bin/sh\nexit 1\n".utf8), mode: 0o755)
    let committer = GitCommitter(directory: copy, environment: environment)
    #expect(throws: SourceError.self) {
      try committer.commit(path: "env/web.yaml", bytes: [1], message: "x", push: false)
    }
    #expect(try readFile("\(copy)/env/web.yaml") == Array("version: 1\n".utf8))
  }
}
