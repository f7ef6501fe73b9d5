import HAProxyRouter
import Model
import PlatformKit
import Testing

@Suite struct SwitchTests {
  @Test func `a route without stacks creates the frontend and one with a stack serves it`()
    async throws
  {
    try await Bench.with { bench in
      #expect(try await bench.router.read().isEmpty)
      try await bench.router.apply(bench.route([]), ifRevision: nil)
      var seen = try await bench.observe()
      #expect(seen.isListening)
      #expect(seen.findings == [])
      #expect(seen.route == bench.route([]))
      let one = try Instance("one")
      let route = bench.route([backend(1, 100, [one])], fallback: 1)
      try await bench.apply(route)
      seen = try await bench.observe()
      #expect(seen.route == route)
      #expect(seen.findings == [])
      #expect(seen.serversUp == [1: 1])
      #expect(try await bench.answers().names == ["one": 200])
    }
  }

  @Test func `a stack that was added without a share is read to be up at once, or not to be`()
    async throws
  {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      try await bench.apply(bench.route([backend(1, 100, [one])], fallback: 1))
      // More than once: a check may begin at any moment between two commands.
      for generation in 2..<8 {
        let (old, new) = (backend(1, 100, [one]), backend(Generation(generation), 0, [two]))
        try await bench.apply(bench.route([old, new], fallback: 1))
        #expect(try await bench.observe().serversUp[Generation(generation)] == 1)
        try await bench.apply(bench.route([old], fallback: 1))
      }
      two.kill()
      try await bench.apply(
        bench.route([backend(1, 100, [one]), backend(8, 0, [two])], fallback: 1))
      #expect(try await bench.observe().serversUp == [1: 1, 8: 0])
    }
  }

  @Test func `fifty switches under load lose no request and never reload`() async throws {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      try await bench.apply(bench.route([backend(1, 100, [one])], fallback: 1))
      let workers = try bench.workers()
      let load = try Load(bench.port)
      for turn in 0..<50 {
        let weight = turn % 2 == 0 ? 0 : 100
        try await bench.apply(
          bench.route([backend(1, weight, [one]), backend(2, 100 - weight, [two])], fallback: 1))
      }
      let report = try await load.stop()
      #expect(report.failed == 0, "\(report.failures)")
      #expect(report.names.count == 2)
      #expect(try bench.workers() == workers)
      print("50 switches: \(report.failed) failed of \(report.total)")
    }
  }

  @Test func `a split of ten to ninety is met within one point`() async throws {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      try await bench.apply(
        bench.route([backend(1, 100, [one]), backend(2, 0, [two])], fallback: 1))
      try await bench.apply(
        bench.route([backend(1, 90, [one]), backend(2, 10, [two])], fallback: 1))
      #expect(try await bench.observe().route.split == [1: 90, 2: 10])
      // One point is four standard deviations of so many.
      let requests = 14_400
      let names = try await bench.names(requests)
      #expect(names.values.reduce(0, +) == requests)
      let share = Double(names["two"] ?? 0) * 100 / Double(requests)
      #expect(abs(share - 10) < 1, "\(share) %")
      print("split: \(share) % of \(requests)")
    }
  }
}
