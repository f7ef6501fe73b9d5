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
    try Data("{".utf8).write(to: URL(fileURLWithPath: directory.path("main.jsonl")))
    #expect(store.load("main") == nil)
  }

  private func target(_ name: String, _ version: String, _ commit: CommitID) -> DesiredTarget {
    let spec = StackSpec(
      workloadKind: "process", workload: ["command": [.string("./web \"\(version)\" ü\n")]])
    return DesiredTarget(
      id: TargetID(ApplicationName(rawValue: name), "production"), source: "main", commit: commit,
      version: version, platform: "local", spec: spec, declaredDigest: spec.declaredDigest)
  }

  private func state(_ commit: CommitID, _ targets: [DesiredTarget]) -> DesiredState {
    DesiredState(source: "main", commit: commit, targets: targets.sorted { $0.id < $1.id })
  }

  @Test func `a commit adds what it changes`() throws {
    let directory = try TemporaryDirectory()
    let store = LastGoodStore(directory: directory.path(""), key: try key(1))
    let many = (0..<200).map { target("t\($0)", "1", "aaaa") }
    try store.save(state("aaaa", many))
    let whole = try size(directory)
    var some = many
    some[7] = target("t7", "2", "bbbb")
    some.remove(at: 100)
    some.append(target("new", "1", "bbbb"))
    try store.save(state("bbbb", some))
    #expect(try size(directory) - whole < whole / 20)
    let again = LastGoodStore(directory: directory.path(""), key: try key(1))
    #expect(again.load("main") == state("bbbb", some))
    // Who has read it goes on with it.
    some[8] = target("t8", "3", "cccc")
    try again.save(state("cccc", some))
    #expect(store.load("main") == state("cccc", some))
    for commit in 0..<60 {
      some = some.map { target($0.id.application.rawValue, "\(commit)", "dddd") }
      try store.save(state("dddd", some))
    }
    #expect(store.load("main") == state("dddd", some))
    #expect(try size(directory) < whole * 4)
  }

  @Test func `what a death cut short is left out, what somebody changed is refused`() throws {
    let directory = try TemporaryDirectory()
    let store = LastGoodStore(directory: directory.path(""), key: try key(1))
    let (one, two) = ([target("a", "1", "aaaa")], [target("a", "2", "bbbb")])
    try store.save(state("aaaa", one))
    let first = try size(directory)
    try store.save(state("bbbb", two))
    let place = URL(fileURLWithPath: directory.path("main.jsonl"))
    let bytes = try Data(contentsOf: place)
    for length in [first + 1, bytes.count - 80, bytes.count - 1] {
      try bytes.prefix(length).write(to: place)
      let reader = LastGoodStore(directory: directory.path(""), key: try key(1))
      #expect(reader.load("main") == state("aaaa", one))
      try reader.save(state("bbbb", two))
      #expect(reader.load("main") == state("bbbb", two))
    }
    for index in stride(from: 0, to: bytes.count, by: 7) where bytes[index] != 0x0A {
      var changed = bytes
      changed[index] = changed[index] == 0x61 ? 0x62 : 0x61
      try changed.write(to: place)
      #expect(store.load("main") == nil, "byte \(index)")
    }
  }

  private func size(_ directory: TemporaryDirectory) throws -> Int {
    try Data(contentsOf: URL(fileURLWithPath: directory.path("main.jsonl"))).count
  }
}
