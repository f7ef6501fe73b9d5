import Agent
import Foundation
import Model
import PlatformKit
import Testing

@Suite struct SecretFilesTests {
  private func secrets(_ directory: TemporaryDirectory) throws -> SecretFiles {
    let key = try #require(IdentityKey(bytes: Array(repeating: 1, count: 32)))
    return SecretFiles(directory: directory.path(""), key: key)
  }

  @Test func `a secret is read, and its version shows nothing of it`() async throws {
    let directory = try TemporaryDirectory()
    try Data("hunter2\n".utf8).write(to: URL(fileURLWithPath: directory.path("db")))
    let secret = try await secrets(directory).read("file:db")
    #expect(secret.value.reveal == "hunter2")
    #expect(!secret.version.contains("hunter2"))
    #expect("\(secret.value)" == "<redacted>")
    var dumped = ""
    dump(secret.value, to: &dumped)
    #expect(!dumped.contains("hunter2"))
  }

  @Test func `another value is another version`() async throws {
    let directory = try TemporaryDirectory()
    let url = URL(fileURLWithPath: directory.path("db"))
    try Data("one".utf8).write(to: url)
    let before = try await secrets(directory).read("file:db").version
    try Data("two".utf8).write(to: url)
    #expect(try await secrets(directory).read("file:db").version != before)
  }

  @Test(arguments: ["file:../db", "file:", "file:.hidden", "env:HOME", "file:a/b"])
  func `a name that leads elsewhere is refused`(name: String) async throws {
    let directory = try TemporaryDirectory()
    let secrets = try secrets(directory)
    await #expect(throws: PlatformError.self) { try await secrets.read(name) }
  }
}
