import Foundation
import HAProxyRouter
import Model
import PlatformKit
import Support
import Testing

/// Users who stay with the stack that answered them.
@Suite struct StickyTests {
  private static let sticky = StickyTraffic(cookie: "stay", generation: 2, maxAge: .seconds(3600))
  private static let cookie =
    "set-cookie: stay=v002.launch1; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"

  @Test func `a user who was answered by the candidate stays, while others are drawn`()
    async throws
  {
    try await Bench.with { bench in
      let route = try await bench.split(50) { $0.sticky = Self.sticky }.value
      #expect(try await bench.observe().route == route)
      #expect(try await bench.observe().findings == [])
      var answers: [String: Set<String?>] = [:]
      for _ in 0..<40 {
        let (name, cookie) = try bench.answer()
        answers[name, default: []].insert(cookie)
      }
      #expect(answers == ["one": [nil], "two": [Self.cookie]])
      let cookie = ["-b", "a=b; stay=v002.launch1"]
      #expect(try await bench.names(200, cookie) == ["two": 200])
      #expect(try bench.answer(cookie) == ("two", nil))
      #expect(try await bench.names(200).count == 2)
    }
  }

  @Test(arguments: [
    "stay=v002.launch2", "stay=v001.launch1", "stay=v003.launch1", "Stay=v002.launch1",
    "stay=chosen", "stay=sticky", "stay=", "stay=0", "stay=v002.launch1@sticky-stay",
  ])
  func `a cookie of another launch means nothing`(_ cookie: String) async throws {
    try await Bench.with { bench in
      _ = try await bench.split(50) { $0.sticky = Self.sticky }
      let names = try await bench.names(60, ["-b", cookie])
      #expect(names.count == 2 && names.values.reduce(0, +) == 60, "\(names)")
    }
  }

  @Test func `nobody stays any more once the route says so`() async throws {
    try await Bench.with { bench in
      var route = try await bench.split(50) { $0.sticky = Self.sticky }.value
      let workers = try bench.workers()
      route.sticky = nil
      try await bench.apply(route)
      #expect(try await bench.observe().route == route)
      #expect(try await bench.names(60, ["-b", "stay=v002.launch1"]).count == 2)
      for _ in 0..<20 { #expect(try bench.answer().cookie == nil) }
      #expect(try bench.workers() == workers)
    }
  }

  @Test func `a rule goes before a cookie`() async throws {
    try await Bench.with { bench in
      _ = try await bench.split(50) {
        $0.sticky = Self.sticky
        $0.chosen = ChosenRequests(generation: 1, rules: [RequestRule(.header, "old", is: "1")])
      }
      let stays = ["-b", "stay=v002.launch1"]
      #expect(try await bench.names(50, stays) == ["two": 50])
      #expect(try await bench.names(50, stays + ["-H", "Old: 1"]) == ["one": 50])
    }
  }
}

extension Bench {
  /// Who answers one new request, and the line that sets a cookie.
  fileprivate func answer(_ options: [String] = []) throws -> (name: String, cookie: String?) {
    let text = try run(
      ["/usr/bin/curl", "-s", "-i"] + options + ["http://127.0.0.1:\(port)/"], "")
    let lines = text.split(separator: "\r\n").map(String.init)
    return (try #require(lines.last), lines.first { $0.hasPrefix("set-cookie:") })
  }
}
