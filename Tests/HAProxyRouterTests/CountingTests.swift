import Foundation
import HAProxyRouter
import Model
import PlatformKit
import Support
import Testing

/// What HAProxy counts of each stack, and how exactly it splits.
@Suite struct CountingTests {
  @Test func `requests and errors are counted by stack, and only what clients see`() async throws {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      try await bench.apply(
        bench.route([backend(1, 100, [one]), backend(2, 0, [two])], fallback: 1))
      #expect(try await bench.totals() == [1: .init(), 2: .init()])
      #expect(try await bench.answers(20).failed == 0)
      for _ in 0..<3 { try await bench.ask("/fail") }
      #expect(try await bench.totals() == [1: .init(requests: 23, errors: 3), 2: .init()])
      try await bench.apply(
        bench.route([backend(1, 0, [one]), backend(2, 100, [two])], fallback: 1))
      #expect(try await bench.answers(10).names == ["two": 10])
      #expect(
        try await bench.totals() == [
          1: .init(requests: 23, errors: 3), 2: .init(requests: 10, errors: 0),
        ])
    }
  }

  @Test func `a reload begins another series, and the one of the worker before ends with it`()
    async throws
  {
    try await Bench.with { bench in
      let one = try Instance("one")
      try await bench.apply(bench.route([backend(1, 100, [one])], fallback: 1))
      #expect(try await bench.answers(20).failed == 0)
      let before = try await bench.series()
      #expect(before.map(\.value) == [.init(requests: 20, errors: 0)])
      _ = try bench.master("reload")
      try await eventually {
        // The master is not there for a moment.
        do {
          return try await bench.series().keys.contains { before[$0] == nil }
        } catch PlatformError.transient {
          return false
        }
      }
      #expect(try await bench.answers(5).failed == 0)
      let after = try await bench.series()
      for (name, counts) in after where before[name] == nil {
        #expect(counts == .init(requests: 5, errors: 0))
      }
      #expect(after.keys.contains { before[$0] == nil })
    }
  }

  @Test func `what no stack answers is an error of the one that should have`() async throws {
    try await Bench.with { bench in
      let one = try Instance("one")
      try await bench.apply(bench.route([backend(1, 100, [one])]))
      one.kill()
      try await bench.ask("/")
      #expect(try await bench.totals()[1]?.errors == 1)
    }
  }

  @Test func `a route that is not there has no counts`() async throws {
    try await Bench.with { bench in
      try await bench.apply(bench.route([]))
      let other = TargetID("other", "production")
      #expect(try await bench.router.counts(of: [web, other]).isEmpty)
    }
  }

  /// Twenty thousand requests: the share of 10 % is met to within 0.64 points in 99.7 of 100 cases.
  @Test(arguments: [10]) func `the measured split is within a point of the weight`(
    _ percent: Int
  ) async throws {
    try await Bench.with { bench in
      let (one, two) = (try Instance("one"), try Instance("two"))
      try await bench.apply(
        bench.route([backend(1, 100 - percent, [one]), backend(2, percent, [two])], fallback: 1))
      let names = try await bench.names(20_000)
      let total = names.values.reduce(0, +)
      #expect(total == 20_000)
      let share = Double(names["two"] ?? 0) * 100 / Double(total)
      #expect(abs(share - Double(percent)) < 1, "\(share) %")
      #expect(try await bench.totals()[2]?.requests == names["two"])
    }
  }
}

extension Bench {
  fileprivate func series() async throws -> [String: RequestCounts] {
    try await router.counts(of: [web])[web]?[1] ?? [:]
  }

  /// Over all series.
  func totals() async throws -> [Generation: RequestCounts] {
    (try await router.counts(of: [web])[web] ?? [:]).mapValues { series in
      series.values.reduce(into: RequestCounts()) { sum, counts in
        sum.requests += counts.requests
        sum.errors += counts.errors
      }
    }
  }

  fileprivate func ask(_ path: String) async throws {
    _ = try run(["/usr/bin/curl", "-s", "http://127.0.0.1:\(port)\(path)"], "")
  }
}
