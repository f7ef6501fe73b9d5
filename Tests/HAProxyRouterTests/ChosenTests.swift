import Foundation
import Glibc
import HAProxyRouter
import Model
import PlatformKit
import Support
import Testing

/// Requests that a rule gives to one stack.
@Suite struct ChosenTests {
  /// Everything that can be typed, of which much means something to HAProxy, its maps and its shell.
  private static let typed = String(
    decoding: Array(0x21...0x7E) + [0x20] + Array("x\\".utf8), as: UTF8.self)
  private static let rules = [
    RequestRule(.header, "X-User", is: "alice"), RequestRule(.header, "beta", is: typed),
    RequestRule(.cookie, "group", is: "qa"),
  ]

  @Test(arguments: [0, 10]) func `a request with a header or cookie of a rule reaches its stack`(
    percent: Int
  ) async throws {
    try await Bench.with { bench in
      let route = try await bench.split(percent) {
        $0.chosen = ChosenRequests(generation: 2, rules: Self.rules)
      }
      #expect(try await bench.observe().route == route.value)
      #expect(try await bench.observe().findings == [])
      for options in [
        ["-H", "X-User: alice"], ["-H", "x-user: alice"], ["-H", "Beta: \(Self.typed)"],
        ["-b", "group=qa"], ["-b", "a=b; group=qa; c=d"], ["-H", "X-User: bob", "-b", "group=qa"],
      ] { #expect(try await bench.names(50, options) == ["two": 50], "\(options)") }
      for options in [
        [], ["-H", "X-User: Alice"], ["-H", "X-User: alice@header-x-user"], ["-H", "X-User: bob"],
        ["-b", "X-User=alice"], ["-b", "Group=qa"], ["-H", "group: qa"],
        ["-H", "X-User: chosen"], ["-b", "group=qa%"],
      ] {
        let names = try await bench.names(50, options)
        #expect(names["one"] ?? 0 > 25 && names.values.reduce(0, +) == 50, "\(options): \(names)")
      }
    }
  }

  @Test func `chosen requests follow the split while their stack has no server that is up`()
    async throws
  {
    try await Bench.with { bench in
      let servers = try await bench.split(0) {
        $0.chosen = ChosenRequests(generation: 2, rules: Self.rules)
        $0.sticky = StickyTraffic(cookie: "stay", generation: 2, maxAge: .seconds(60))
      }
      servers.two.kill()
      try await bench.awaitDown(2)
      for options in [["-H", "X-User: alice"], ["-b", "group=qa"], ["-b", "stay=v002.launch1"]] {
        #expect(try await bench.names(100, options) == ["one": 100])
      }
      #expect(try await bench.observe().findings == [])
    }
  }

  @Test func `a stack that chosen requests reach does not drain`() async throws {
    try await Bench.with { bench in
      var route = try await bench.split(10) {
        $0.chosen = ChosenRequests(generation: 2, rules: Self.rules)
      }.value
      route.backends[0].weightPercent = 100
      route.backends[1].weightPercent = 0
      try await bench.apply(route)
      #expect(try bench.configuration().contains("drainingSince") == false)
      route.chosen = nil
      try await bench.apply(route)
      #expect(try bench.configuration().contains("drainingSince"))
    }
  }

  @Test func `only a name that was not read before takes a reload`() async throws {
    try await Bench.with { bench in
      var route = try await bench.split(0) {
        $0.chosen = ChosenRequests(generation: 2, rules: Self.rules)
      }.value
      let workers = try bench.workers()
      for rules in [[], [Self.rules[2]], [RequestRule(.header, "X-User", is: "bob")]] {
        route.chosen = rules.isEmpty ? nil : ChosenRequests(generation: 2, rules: rules)
        try await bench.apply(route)
        #expect(try await bench.observe().route == route)
        #expect(try await bench.observe().findings == [])
      }
      #expect(try bench.workers() == workers)
      #expect(try await bench.names(50, ["-H", "X-User: bob"]) == ["two": 50])
      #expect(try await bench.names(50, ["-H", "X-User: alice"]) == ["one": 50])
      route.chosen = ChosenRequests(generation: 2, rules: [RequestRule(.cookie, "new", is: "1")])
      try await bench.apply(route)
      #expect(try bench.workers() != workers)
      #expect(try await bench.names(50, ["-b", "new=1"]) == ["two": 50])
      #expect(try bench.configuration().contains("header-beta") == false)
    }
  }

  @Test func `a name that is new waits for its reload, and an abort waits for nothing`()
    async throws
  {
    try await Bench.with(reloadInterval: .seconds(600)) { bench in
      var route = try await bench.split(10) { _ in }.value
      let before = route
      route.chosen = ChosenRequests(generation: 2, rules: Self.rules)
      route.backends[0].weightPercent = 50
      route.backends[1].weightPercent = 50
      do {
        try await bench.apply(route)
        Issue.record("the reload did not wait")
      } catch PlatformError.waiting(let text) {
        #expect(text.contains("HAProxy reloads in"))
      }
      #expect(try await bench.observe().route == before)
      route = before
      route.backends[0].weightPercent = 100
      route.backends[1].weightPercent = 0
      try await bench.apply(route)
      #expect(try await bench.observe().route == route)
      #expect(try await bench.names(50) == ["one": 50])
    }
  }

  @Test func `a route that was written before there were rules is read`() async throws {
    try await Bench.with { bench in
      let servers = try await bench.split(10) { _ in }
      let line = try #require(try bench.configuration().split(separator: "\n").first)
      func entry(_ generation: Int, _ port: Int, _ weight: Int) -> String {
        #"{"backend":{"checkPath":"/healthz","endpoints":[{"host":"127.0.0.1","instance":0,"#
          + #""port":\#(port)}],"generation":\#(generation),"launch":"launch1","weightPercent":"#
          + #"\#(weight)},"slot":{"check":"h","number":\#(generation - 1)}}"#
      }
      let entries =
        entry(1, servers.one.port, 90) + "," + entry(2, servers.two.port, 10)
      #expect(
        line == #"# viridian route {"afterDrain":"close","declaration":{"listen":"127.0.0.1:"#
          + #"\#(bench.port)"},"drainDeadline":[0,300000000000000000],"entries":[\#(entries)],"#
          + #""fallback":{"check":"h","number":0},"mode":"http","target":"web@production"}"#)
      #expect(try await bench.observe().route == servers.value)
      let json = try JSONEncoder().encode(servers.value)
      #expect(!String(decoding: json, as: UTF8.self).contains("chosen"))
      #expect(try JSONDecoder().decode(Route.self, from: json) == servers.value)
    }
  }

  private static let hostile = [
    "", "a b", "a\n", "a:b", "a,b", "a(b)", "a@b", "a\"b", "a'b", "$H", "%[env(HOME)]", "a;b",
    "a=b",
    "é", String(repeating: "a", count: 65),
  ]

  @Test func `hostile names and values are refused with what is wrong, and no file changes`()
    async throws
  {
    try await Bench.with { bench in
      let route = try await bench.split(0) { _ in }.value
      let before = try bench.configuration()
      var bad: [(Route, String)] = []
      func rules(_ rules: [RequestRule], _ problem: String) {
        var route = route
        route.chosen = ChosenRequests(generation: 2, rules: rules)
        bad.append((route, problem))
      }
      for name in Self.hostile {
        rules([RequestRule(.header, name, is: "a")], "must be 1 to 64 letters")
        rules([RequestRule(.cookie, name, is: "a")], "must be 1 to 64 letters")
        var sticky = route
        sticky.sticky = StickyTraffic(cookie: name, generation: 2, maxAge: .seconds(1))
        bad.append((sticky, "must have a name of 1 to 64 letters"))
      }
      for value in [
        "", " a", "a ", "a\nb", "a\tb", "\u{7F}", "é", String(repeating: "a", count: 129),
      ] {
        rules([RequestRule(.header, "a", is: value)], "printable ASCII")
        rules([RequestRule(.cookie, "a", is: value)], "printable ASCII")
      }
      for value in ["a b", "a;b", "a,b", "a\"b", "a\\b"] {
        rules([RequestRule(.cookie, "a", is: value)], "printable ASCII")
      }
      rules([], "there must be 1 to 20")
      rules((0...20).map { RequestRule(.header, "a", is: "\($0)") }, "there must be 1 to 20")
      for age in [Duration.zero, .milliseconds(1500), .seconds(-1), .seconds(400 * 86_400 + 1)] {
        var sticky = route
        sticky.sticky = StickyTraffic(cookie: "a", generation: 2, maxAge: age)
        bad.append((sticky, "whole number of seconds"))
      }
      var foreign = route
      foreign.chosen = ChosenRequests(generation: 3, rules: Self.rules)
      bad.append((foreign, "v003, is not behind the route"))
      foreign = route
      foreign.sticky = StickyTraffic(cookie: "a", generation: 3, maxAge: .seconds(1))
      bad.append((foreign, "v003, is not behind the route"))
      foreign.sticky = StickyTraffic(cookie: "a", generation: 2, maxAge: .seconds(1))
      foreign.mode = .tcp
      bad.append((foreign, "only HTTP"))
      for (route, problem) in bad {
        do {
          try await bench.apply(route)
          Issue.record("accepted: \(route)")
        } catch PlatformError.rejected(let fault, let text) {
          #expect(fault == .stack && text.contains(problem), "\(text)")
        }
      }
      #expect(try bench.configuration() == before)
    }
  }
}

/// A route of two stacks, and their servers.
struct SplitRoute {
  var value: Route
  let one: Instance
  let two: Instance
}

extension Bench {
  /// `one` serves, `two` has this share: once it is applied and both are up.
  func split(_ percent: Int, _ change: (inout Route) -> Void) async throws -> SplitRoute {
    let (one, two) = (try instance("one"), try instance("two"))
    var route = self.route(
      [backend(1, 100 - percent, [one]), backend(2, percent, [two])], fallback: 1)
    change(&route)
    try await apply(route)
    #expect(try await observe().serversUp == [1: 1, 2: 1])
    return SplitRoute(value: route, one: one, two: two)
  }

  func configuration() throws -> String {
    try String(
      contentsOfFile: settings.directory + "/conf.d/10-web.production.cfg", encoding: .utf8)
  }
}
