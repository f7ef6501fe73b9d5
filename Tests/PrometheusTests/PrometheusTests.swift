import Foundation
import MetricHTTP
import Model
import PlatformKit
import PrometheusMetrics
import Support
import Testing
import Transport

/// The provider against Debian's Prometheus.
@Suite(.timeLimit(.minutes(5))) struct PrometheusTests {
  private static let samples = [
    #"shop_latency_seconds{stack="web-production-v001"} 0.1"#,
    #"shop_latency_seconds{stack="web-production-v002"} 0.9"#,
    #"shop_latency_seconds{stack="a\"} or vector(7) or x{a=\"b"} 0.5"#,
    #"shop_nothing{stack="web-production-v002"} NaN"#,
  ]

  private func provider(_ server: PrometheusServer, _ url: String? = nil) throws
    -> PrometheusProvider
  {
    PrometheusProvider(
      MetricEndpoint(
        url: url ?? server.url, http: try HTTPClient(connections: 2), timeout: .seconds(5)))
  }

  /// Until Prometheus has scraped once.
  private func ready(_ server: PrometheusServer) async throws -> PrometheusProvider {
    let provider = try provider(server)
    try await eventually(.seconds(60)) {
      do throws(PlatformError) {
        return try await provider.value(of: "sum(shop_latency_seconds)", inserting: [:]) != nil
      } catch .transient {
        // It does not listen yet.
        return false
      }
    }
    return provider
  }

  private let query = #"max(shop_latency_seconds{stack="${stack}"})"#

  @Test func `numbers, nothing, and what is no number`() async throws {
    let server = try PrometheusServer(Self.samples)
    let provider = try await ready(server)
    #expect(try await provider.value(of: query, inserting: ["stack": "web-production-v001"]) == 0.1)
    #expect(try await provider.value(of: query, inserting: ["stack": "web-production-v002"]) == 0.9)
    #expect(try await provider.value(of: query, inserting: ["stack": "web-production-v003"]) == nil)
    #expect(try await provider.value(of: "scalar(vector(3))", inserting: [:]) == 3)
    #expect(try await provider.value(of: "shop_nothing", inserting: [:])?.isNaN == true)
    #expect(try await provider.value(of: "vector(1) / 0", inserting: [:]) == .infinity)
  }

  @Test func `a value never becomes a part of the query`() async throws {
    let server = try PrometheusServer(Self.samples)
    let provider = try await ready(server)
    // The label of the third sample, which would say 7 were it read as a query.
    let evil = #"a"} or vector(7) or x{a="b"#
    #expect(try await provider.value(of: query, inserting: ["stack": evil]) == 0.5)
    for value in [#"\"#, #"\""#, "\n", "'", "`", "}", "\u{1}", "ü"] {
      #expect(try await provider.value(of: query, inserting: ["stack": value]) == nil, "\(value)")
    }
    await #expect(throws: PlatformError.self) {
      try await provider.value(of: "x{a=`${stack}`}", inserting: ["stack": "b"])
    }
    await #expect(throws: PlatformError.self) {
      try await provider.value(of: "${stack}", inserting: ["stack": "vector(7)"])
    }
  }

  @Test func `a query that makes no sense is the declaration's fault, silence is not`() async throws
  {
    let server = try PrometheusServer(Self.samples)
    let provider = try await ready(server)
    for (query, words) in [
      ("max(", "parse error"), ("shop_latency_seconds", "3 series"), ("${nobody}", "known are"),
      ("x{a=\"${stack", "without its }"), (nil, "needs a query"),
    ] {
      do throws(PlatformError) {
        let value = try await provider.value(of: query, inserting: ["stack": "a"])
        Issue.record("\(query ?? "nothing") gave \(String(describing: value))")
      } catch {
        guard case .rejected(.stack, _) = error, "\(error)".contains(words) else {
          Issue.record("\(query ?? "nothing"): \(error)")
          continue
        }
      }
    }
    let nobody = try self.provider(server, "http://127.0.0.1:1")
    do throws(PlatformError) {
      let value = try await nobody.value(of: "vector(1)", inserting: [:])
      Issue.record("\(String(describing: value))")
    } catch {
      guard case .transient = error else {
        Issue.record("\(error)")
        return
      }
    }
  }
}

extension PrometheusProvider {
  fileprivate func value(
    of query: String?, inserting values: [String: String]
  ) async throws(PlatformError) -> Double? {
    try await reading(of: .init(name: "a", provider: "b", query: query), with: values)?.number
  }
}
