import Analysis
import Foundation
import LedgerKit
import Model
import Support
import Testing
import Transport

/// A canary under real load, behind a real HAProxy, judged by what that counts.
@Suite(.timeLimit(.minutes(15))) struct CanaryTests {
  /// Two of a hundred requests fail, where one of a thousand does.
  @Test func `a version that fails 2 % of its requests is taken back at 10 %`() async throws {
    try await withShop(permille: ["1.0.0": 1, "2.0.0": 20]) { host in
      let load = try OpenLoad(host, perSecond: 400)
      try host.remote.bump(to: "2.0.0")
      let bad = try await host.until("2.0.0 is quarantined", within: .seconds(180)) {
        try await host.status()?.stacks.first { $0.role == "quarantined" && $0.weightPercent == 0 }
      }
      #expect(bad.version == "2.0.0")
      let verdict = try #require(try await host.verdicts().first { $0.judgement.verdict == .fail })
      #expect(verdict.judgement.cause == .moreErrors)
      #expect(verdict.measurements.candidateWeightPercent == 10)
      #expect(verdict.replayed() == verdict.judgement)
      let told = try await host.run(["describe", "web@production", "--judge"])
      #expect(told.contains("fail") && told.contains("10 %"), "\(told)")
      let report = try load.stop()
      let answered = report.names["2.0.0"] ?? 0
      // Nothing of it was served with any other share.
      let counted = try #require(verdict.measurements.candidate)
      #expect(answered + counted.errors >= counted.requests)
      print(
        "2 % against 0.1 %, 400 requests a second: taken back at 10 % after"
          + " \(verdict.measurements.watched) of watching; \(answered) requests were answered by it,"
          + " some \(counted.errors) failed; \(report.total) in all")
      #expect(try await host.status()?.stacks.first { $0.role == "stable" }?.version == "1.0.0")
    }
  }

  @Test func `a version that is as good goes through all steps`() async throws {
    try await withShop(permille: ["1.0.0": 1, "2.0.0": 1]) { host in
      let load = try OpenLoad(host, perSecond: 400)
      try host.remote.bump(to: "2.0.0")
      try await host.synced("2.0.0", within: .seconds(180))
      let verdicts = try await host.verdicts()
      #expect(verdicts.map(\.measurements.candidateWeightPercent) == [10, 50])
      #expect(verdicts.map(\.judgement.verdict) == [.pass, .pass])
      #expect(verdicts.allSatisfy { $0.replayed() == $0.judgement })
      for verdict in verdicts { try expectSplit(of: verdict.measurements) }
      let report = try load.stop()
      // One of a thousand is what it does; nothing is lost by the steps.
      #expect(report.failed <= report.total / 200, "\(report.failures)")
    }
  }

  /// The metric is the candidate's own: the query names its stack.
  @Test func `a real Prometheus fails one version and passes the next`() async throws {
    let prometheus = try PrometheusServer([
      #"shop_latency_seconds{stack="web-production-v001"} 0.1"#,
      #"shop_latency_seconds{stack="web-production-v002"} 0.9"#,
      #"shop_latency_seconds{stack="web-production-v003"} 0.2"#,
    ])
    let metric =
      "metrics: [{ name: latency, provider: shop, maximum: 0.5, "
      + #"query: 'max(shop_latency_seconds{stack="${stack}"})' }]"#
    try await withShop(
      permille: ["1.0.0": 0, "2.0.0": 0, "2.1.0": 0], analysis: "deadline: 2m, \(metric)",
      settings: "metrics: [{ name: shop, kind: prometheus, url: \"\(prometheus.url)\" }]"
    ) { host in
      try await expectFailureThenPass(host, because: "latency is 0.9, above 0.5")
      let passed = try await host.verdicts().filter { $0.judgement.verdict == .pass }
      #expect(passed.allSatisfy { $0.measurements.rates == [.init(name: "latency", value: 0.2)] })
    }
  }

  /// What it says of a version is the reason, and it is asked for each version by its own stack.
  @Test func `a webhook fails one version and passes the next`() async throws {
    let webhook = try StubServer { connection in
      while let head = connection.readHead() {
        let length = head.firstMatch(of: /Content-Length: (\d+)/).flatMap { Int($0.1) } ?? 0
        let body = String(decoding: connection.read(length), as: UTF8.self)
        let isBad = body.contains(#""stack":"web-production-v002""#)
        connection.answer(isBad ? 500 : 200, isBad ? "the cart is empty" : "")
      }
    }
    try await withShop(
      permille: ["1.0.0": 0, "2.0.0": 0, "2.1.0": 0],
      analysis: "deadline: 2m, metrics: [{ name: smoke, provider: shop, metadata: { suite: a } }]",
      settings:
        "metrics: [{ name: shop, kind: webhook, url: \"http://127.0.0.1:\(webhook.port)/\" }]"
    ) { host in
      try await expectFailureThenPass(
        host, because: "smoke is 0, below 1: the webhook answered 500, the cart is empty")
    }
  }

  /// By a metric, under load: 2.0.0 is quarantined for that reason, 2.1.0 goes through all steps, and no request
  /// is lost.
  private func expectFailureThenPass(_ host: Host, because reason: String) async throws {
    let load = try OpenLoad(host, perSecond: 400)
    try host.remote.bump(to: "2.0.0")
    try await host.until("2.0.0 is quarantined", within: .seconds(180)) {
      try await host.status()?.stacks.first { $0.role == "quarantined" && $0.weightPercent == 0 }
    }
    let failed = try #require(try await host.verdicts().first { $0.judgement.verdict == .fail })
    #expect(failed.judgement.cause == .rateOutOfBounds)
    #expect(failed.judgement.reasons.first == reason)
    #expect(failed.replayed() == failed.judgement)
    try host.remote.bump(to: "2.1.0")
    try await host.synced("2.1.0", within: .seconds(180))
    let passed = try await host.verdicts().filter { $0.judgement.verdict == .pass }
    #expect(passed.map(\.measurements.candidateWeightPercent) == [10, 50])
    #expect(try load.stop().failed == 0)
  }

  /// One of a hundred requests is all that others give it.
  @Test func `chosen users reach the candidate, stay with it, and its preview answers before them`()
    async throws
  {
    let rollout = """
      strategy: canary, steps: [{ weight: 1, bake: 500ms, approval: {} }],
          match: [{ header: X-User, value: alice }], sticky: {},
      """
    try await withFaulty(["1.0.0": 0, "2.0.0": 0], rollout: rollout) { host in
      let preview = host.port + 1
      func names(
        _ count: Int, port: Int? = nil, headers: [(String, String)] = []
      ) async throws -> Set<String> {
        var names: Set<String> = []
        for _ in 0..<count {
          let body = try await host.response("/", port: port, headers: headers).body
          names.insert(String(decoding: body, as: UTF8.self))
        }
        return names
      }
      try host.remote.preview(at: preview, beside: host.port)
      try host.remote.commit("A preview")
      try await host.until("the preview reaches what serves") {
        try await names(1, port: preview) == ["1.0.0"] ? true : nil
      }
      let load = try OpenLoad(host, perSecond: 100)
      try host.remote.bump(to: "2.0.0")
      try await host.until("the preview reaches what does not serve yet") {
        let isNew = try await names(1, port: preview) == ["2.0.0"]
        return isNew ? true : nil
      }
      try await host.until("it waits for a person") {
        let lines = try await host.status()?.explanation ?? []
        return lines.contains { $0.hasPrefix("waits for an approval") } ? true : nil
      }
      #expect(try await names(30, headers: [("x-user", "alice")]) == ["2.0.0"])
      #expect(try await names(30, headers: [("x-user", "bob")]).contains("1.0.0"))
      let met = try await host.response("/", headers: [("X-User", "alice")])
      let cookie = try #require(met.header("Set-Cookie"))
      let pair = try #require(cookie.split(separator: ";").first.map(String.init))
      #expect(pair.hasPrefix("viridian-stack="))
      #expect(try await names(30, headers: [("Cookie", pair)]) == ["2.0.0"])
      #expect(try await names(10, port: preview) == ["2.0.0"])
      try await host.run(["approve", "rollout", "web@production"])
      try await host.synced("2.0.0", within: .seconds(120))
      #expect(try await names(10) == ["2.0.0"])
      #expect(try await host.response("/").header("Set-Cookie") == nil)
      let report = try load.stop()
      #expect(report.failed == 0, "\(report.failures)")
    }
  }

  /// Its health check passes, and nothing else.
  @Test func `a version that fails its tests is sent no request`() async throws {
    let tests = """
      strategy: blueGreen,
          tests: [{ name: start, http: { path: "/", contains: "${version}" }, deadline: 2s }],
      """
    try await withFaulty(["1.0.0": 0, "2.0.0": 1000, "2.1.0": 0], rollout: "strategy: blueGreen,") {
      host in
      try host.remote.preview(at: host.port + 1, beside: host.port)
      try host.remote.edit("applications/web/application.yaml", ["strategy: blueGreen,": tests])
      try host.remote.commit("Tests at the preview")
      let load = try OpenLoad(host, perSecond: 200)
      try host.remote.bump(to: "2.0.0")
      let bad = try await host.until("2.0.0 is quarantined", within: .seconds(120)) {
        try await host.status()?.stacks.first { $0.role == "quarantined" }
      }
      #expect(bad.version == "2.0.0")
      let told = try await host.history([.decision]).map(\.message)
      #expect(
        told.contains { $0.contains("test start before its traffic: GET / answered 500") },
        "\(told)")
      try host.remote.bump(to: "2.1.0")
      try await host.synced("2.1.0", within: .seconds(120))
      let passed = try await host.history([.decision]).filter {
        $0.message.contains("test start of v003") && $0.message.contains("passed")
      }
      #expect(passed.count == 2, "before its traffic, and before its promotion")
      let report = try load.stop()
      #expect(report.failed == 0, "\(report.failures)")
      #expect(report.names["2.0.0"] == nil)
    }
  }

  /// As HAProxy counted it: within three standard deviations of a binomial share.
  private func expectSplit(of measurements: Measurements) throws {
    let candidate = try #require(measurements.candidate?.requests)
    let total = candidate + (try #require(measurements.baseline?.requests))
    let wanted = Double(measurements.candidateWeightPercent) / 100
    let share = Double(candidate) / Double(total)
    let deviation = (wanted * (1 - wanted) / Double(total)).squareRoot()
    #expect(abs(share - wanted) < 4 * deviation, "\(share) of \(total), not \(wanted)")
  }

  /// `permille`: by version, how many of a thousand requests fail.
  private func withShop(
    permille: [String: Int], analysis: String = "errors: { margin: 2 }, deadline: 2m",
    settings: String = "", _ body: (Host) async throws -> Void
  ) async throws {
    let rollout = """
      strategy: canary, steps: [{ weight: 10, bake: 1s }, { weight: 50, bake: 1s }],
          analysis: { \(analysis) },
      """
    try await withFaulty(permille, rollout: rollout, settings: settings, body)
  }
}

extension Host {
  /// What was judged of web, oldest first.
  fileprivate func verdicts() async throws -> [JudgementRecord] {
    try await history([.decision]).compactMap { entry in
      guard let text = entry.details?["judgement"]?.string else { return nil }
      return try CanonicalJSON.value(JudgementRecord.self, from: text)
    }
  }
}
