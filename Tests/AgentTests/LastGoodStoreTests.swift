import Agent
import Foundation
import Model
import Testing

@Suite struct LastGoodStoreTests {
  private func key(_ byte: UInt8) throws -> IdentityKey {
    try #require(IdentityKey(bytes: Array(repeating: byte, count: 32)))
  }

  private let state = DesiredState(source: "main", commit: "aaaa")

  @Test func `what was kept comes back`() throws {
    let directory = try TemporaryDirectory()
    let store = LastGoodStore(directory: directory.path(""), key: try key(1))
    try store.save(state)
    #expect(store.load("main") == state)
    #expect(store.load("other") == nil)
  }

  @Test func `a changed file is worth nothing`() throws {
    let directory = try TemporaryDirectory()
    let store = LastGoodStore(directory: directory.path(""), key: try key(1))
    try store.save(state)
    let other = LastGoodStore(directory: directory.path(""), key: try key(2))
    #expect(other.load("main") == nil)
    try Data("{".utf8).write(to: URL(fileURLWithPath: directory.path("main.json")))
    #expect(store.load("main") == nil)
  }
}
