import Agent
import Foundation
import MetricHTTP
import PlatformKit
import PrometheusMetrics
import Transport
import WebhookMetrics

/// The providers of metrics that this product knows.
enum MetricCatalog {
  static func providers(_ configuration: AgentConfiguration) throws -> [String: any MetricProvider]
  {
    var providers: [String: any MetricProvider] = [:]
    for entry in configuration.metrics {
      switch entry.kind {
      case "prometheus": providers[entry.name] = PrometheusProvider(try endpoint(entry))
      case "webhook": providers[entry.name] = WebhookProvider(try endpoint(entry))
      default:
        throw AgentError.startup(
          "no provider of metrics of kind \"\(entry.kind)\" in this version: it knows prometheus "
            + "and webhook")
      }
    }
    return providers
  }

  private static func endpoint(_ entry: MetricEntry) throws -> MetricEndpoint {
    let http = try HTTPClient(connections: 4)
    guard let path = entry.tokenFile else {
      return MetricEndpoint(
        url: entry.url, http: http, timeout: entry.timeout, caFile: entry.caFile)
    }
    return MetricEndpoint(url: entry.url, http: http, timeout: entry.timeout, caFile: entry.caFile)
    {
      () throws(PlatformError) in try token(path)
    }
  }

  private static func token(_ path: String) throws(PlatformError) -> String {
    guard let data = FileManager.default.contents(atPath: path),
      let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first
    else { throw .transient("the token file \(path) cannot be read, or is empty") }
    return String(line)
  }
}
