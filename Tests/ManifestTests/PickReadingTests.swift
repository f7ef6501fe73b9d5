import Manifest
import Model
import Testing

/// `rollout.match` and `rollout.sticky`.
@Suite struct PickReadingTests {
  private func read(_ rollout: String) -> (RolloutPolicy?, [String]) {
    let state = Example.with("rollout: { strategy: canary, \(rollout) }").parse()
    return (state.targets.first?.rollout, state.diagnostics.map(\.message))
  }

  @Test func `headers and cookies choose requests`() {
    let (policy, messages) = read(
      "match: [{ header: X-User, value: alice }, { cookie: group, value: qa }]")
    #expect(messages == [])
    #expect(
      policy?.match
        == [RequestRule(.header, "x-user", is: "alice"), RequestRule(.cookie, "group", is: "qa")])
    #expect(policy?.sticky == nil)
  }

  @Test func `users stay by a cookie`() {
    #expect(
      read("sticky: {}").0?.sticky == Stickiness(cookie: "viridian-stack", maxAge: .seconds(3600)))
    #expect(
      read("sticky: { cookie: v, for: 2m }").0?.sticky
        == Stickiness(cookie: "v", maxAge: .seconds(120)))
  }

  @Test(arguments: [
    ("match: []", "\"match\" has 1 to 20 entries"),
    ("match: [{ value: a }]", "a match has either a header or a cookie"),
    ("match: [{ header: a, cookie: b, value: c }]", "a match has either a header or a cookie"),
    (
      "match: [{ header: 'a b', value: c }]",
      "the name of the header \"a b\" must be 1 to 64 letters, digits, - _ or ."
    ),
    (
      "match: [{ cookie: a, value: 'b;c' }]",
      "the value of the cookie \"a\" must be 1 to 128 printable ASCII characters, as it is sent"
    ),
    (
      "sticky: { cookie: 'a=b' }",
      "the cookie \"a=b\" must have a name of 1 to 64 letters, digits, - _ or ."
    ),
    (
      "sticky: { for: 500ms }",
      "a cookie lasts a whole number of seconds, and at most 400 days"
    ),
  ])
  func `what makes no sense is told`(_ keys: String, _ message: String) {
    #expect(read(keys).1 == [message])
  }

  @Test func `they belong to a canary that takes requests`() {
    let other = Example.with("rollout: { strategy: blueGreen, sticky: {} }").parse()
    #expect(
      other.diagnostics.map(\.message) == ["\"match\" and \"sticky\" belong to strategy: canary"])
    let tcp = Example.with("traffic: { mode: tcp }\nrollout: { strategy: canary, sticky: {} }")
      .parse()
    #expect(
      tcp.diagnostics.map(\.message).contains {
        $0 == "match and sticky are for traffic.mode http: tcp has no requests"
      })
  }
}
