import GitSource
import Model
import Support
import Testing

/// The trailer `Viridian-Override-Freeze` of the newest commit.
@Suite struct FreezeOverrideTests {
  @Test(arguments: [
    ("Repair", nil),
    ("Repair\n\nViridian-Override-Freeze: the site is down", "the site is down"),
    ("Repair\n\nWhy.\n\nSigned-off-by: A <a@b>\nVIRIDIAN-override-FREEZE:  one word ", "one word"),
    ("Repair\n\nViridian-Override-Freeze: a\nViridian-Override-Freeze: b", "b"),
    // Neither is a trailer.
    ("Viridian-Override-Freeze: in the subject", nil),
    ("Repair\n\nViridian-Override-Freeze: quoted\n\nThe last paragraph.", nil),
    ("Repair\n\nNot-Viridian-Override-Freeze: x", nil),
    ("Repair\n\nViridian-Override-Freeze:", nil),
    ("Repair\n\nViridian-Override-Freeze: \u{1}\u{1B}red\u{7F}", "red"),
    (
      "Repair\n\nViridian-Override-Freeze: " + String(repeating: "x", count: 300),
      String(repeating: "x", count: 200)
    ),
    ("Repair\n\n" + String(repeating: "y", count: 65_536) + "\n\nViridian-Override-Freeze: x", nil),
  ])
  func `its reason is read as git reads a trailer`(
    _ message: String, _ reason: String?
  ) async throws {
    let repository = try GitRepository()
    try repository.commit(web, message: message)
    let fixture = try Fixture(repository)
    let accepted = try #require(try await fixture.load().accepted)
    #expect(accepted.state.freezeOverride == reason)
    #expect(accepted.state.targets.allSatisfy { $0.freezeOverride == nil }, "that is for the agent")
  }

  @Test func `it is that of the newest commit alone, and what is held keeps none`() async throws {
    let repository = try GitRepository()
    let fixture = try Fixture(repository)
    let source = try fixture.source()
    let first = try repository.commit(web)
    let before = try #require(try await source.load(accepted: nil).accepted).state
    source.hold(before)
    let message = "Repair\n\nViridian-Override-Freeze: the site is down"
    let second = try repository.commit(["web.yaml": "version 2.0\n"], message: message)
    let given = try #require(
      try await source.load(accepted: CommitID(rawValue: first)).accepted)
    let state = given.state.keeping(before)
    let override = FreezeOverride(commit: CommitID(rawValue: second), reason: "the site is down")
    #expect(state.targets.map(\.freezeOverride) == [override])
    source.hold(state)
    try repository.commit(["web.yaml": "version 2.0\n", "README": "text"])
    let third = try #require(try await source.load(accepted: CommitID(rawValue: second)).accepted)
    #expect(third.state.freezeOverride == nil && third.state.targets.first?.freezeOverride == nil)
    #expect(third.state.keeping(state).targets == state.targets)
    withExtendedLifetime(fixture) {}
  }
}
